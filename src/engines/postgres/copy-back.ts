import type { Io } from '../../effects/io.ts'
import { type TalkingTool, talkTo } from '../../effects/spawn.ts'
import { mayReadSql, type Readable } from './counts.ts'
import { textSettings } from './dump.ts'
import { loadArguments, type Psql } from './load.ts'
import { clientEnvironment, type Login } from './login.ts'
import { quoteLiteral } from './names.ts'
import { type CopySource, DumpReader } from './reader.ts'

// What pg_dump sets before it reads, and what we set for it.
const settings = [
  'DateStyle=ISO',
  'IntervalStyle=postgres',
  'extra_float_digits=3',
  "search_path=''",
  ...textSettings,
].map((setting) => `SET LOCAL ${setting.replace('=', ' = ')};\n`)

const tablesInOneQuery = 50

export type CopyPlan = {
  readonly login: Login
  readonly database: string
  readonly psql: Psql
  /** That of the dump which the sources are of. */
  readonly encoding: string
  /** More settings for how rows are written. */
  readonly settings: readonly string[]
}

/** Reads the rows of tables, by a psql of its own, as a dump has them. Nothing where psql could not read them. */
export async function copyFrom(
  io: Io,
  plan: CopyPlan,
  sources: ReadonlyMap<string, CopySource>,
): Promise<Readable | undefined> {
  const { login, database, psql, encoding } = plan
  const tool = talkTo(io, psql.path, {
    arguments: loadArguments(login, database),
    environment: clientEnvironment(io.environment, login, ['standard_conforming_strings=on', ...plan.settings]),
  })
  try {
    await tool.write(`SET client_encoding = '${encoding}';\nBEGIN READ ONLY;\n`)
    return await copyBack(tool, sources)
  } finally {
    tool.kill()
    await tool.end()
  }
}

/**
 * Lets psql write the rows of tables as a dump has them, within the transaction that it is in, and reads them. Nothing
 * where psql ended before the last one. Its output has to be free of all else: `--tuples-only --no-align`.
 */
export async function copyBack(
  tool: TalkingTool,
  sources: ReadonlyMap<string, CopySource>,
): Promise<Readable | undefined> {
  const names = [...sources.keys()]
  const reader = new DumpReader()
  const reading = readAll(tool.stdout, reader)
  await tool.write(Buffer.from(copyBackSql([...sources.values()]), 'latin1'))
  if (!(await reading)) return undefined
  const read = reader.end().tables
  const nameOf = (alias: string) => names[Number(alias.slice(1))] ?? ''
  return {
    tables: read.filter(({ name }) => name.startsWith('t')).map((table) => ({ ...table, name: nameOf(table.name) })),
    unreadable: read.filter(({ name }) => name.startsWith('u')).map(({ name }) => nameOf(name)),
  }
}

// Without `for await`, which would close the pipe when it is left.
async function readAll(chunks: AsyncIterable<Uint8Array>, reader: DumpReader): Promise<boolean> {
  const iterator = chunks[Symbol.asyncIterator]()
  while (!reader.complete) {
    const { done, value } = await iterator.next()
    if (done) return false
    reader.feed(value)
  }
  return true
}

/** SQL for psql, as Latin-1 of the bytes: a data section of a dump in which the tables are called t0, t1 … */
function copyBackSql(sources: readonly CopySource[]): string {
  const queries: string[] = []
  for (let at = 0; at < sources.length; at += tablesInOneQuery) {
    const values = sources.slice(at, at + tablesInOneQuery).map((source, index) => valuesOf(source, at + index))
    queries.push(copyQuery(values))
  }
  return [...settings, ...queries, "SELECT '-- PostgreSQL database dump complete';\n"].join('')
}

function valuesOf({ table, columns }: CopySource, index: number): string {
  const copy = `COPY ${table} ${columns} TO STDOUT`
  // COPY does not read a partitioned table itself.
  const query = `COPY (SELECT ${columns.slice(1, -1)} FROM ${table}) TO STDOUT`
  return `(${[index, ...[table, copy, query].map(quoteLiteral)].join(', ')})`
}

// Each column of each row is run as a statement, NULL is none. What may not be read would end the whole transaction.
function copyQuery(values: readonly string[]): string {
  return `SELECT 'SELECT ''COPY ' || CASE WHEN r.may THEN 't' ELSE 'u' END || s.at || ' FROM stdin;''',
  CASE WHEN NOT r.may THEN NULL WHEN c.relkind = 'p' THEN s.query ELSE s.copy END, 'SELECT ''\\.'''
  FROM (VALUES ${values.join(',\n')}) AS s (at, name, copy, query)
  JOIN pg_catalog.pg_class c ON c.oid = s.name::pg_catalog.regclass,
  LATERAL (SELECT ${mayReadSql('c.oid')} AS may) r
  ORDER BY s.at \\gexec
`
}
