import { Failure, messageOf } from '../../failure.ts'
import type { DumpResult, TableRows } from '../engine.ts'
import { sessionSettings, type Work } from './beside.ts'
import { openConnection } from './connection.ts'
import { copyFrom } from './copy-back.ts'
import { aboutTables, countReadable, differences, type Readable } from './counts.ts'
import { startDump } from './dump.ts'
import { readFacts } from './facts.ts'
import type { Filled, Tools } from './fill-scratch.ts'
import type { Loaded } from './load.ts'
import type { CopySource } from './reader.ts'

type Scratch = { readonly database: string; readonly tools: Tools; readonly filled: Filled }

/** A dump of the database that a backup was loaded into. */
export type ReadBack = Pick<DumpResult, 'client' | 'tables' | 'schemaDigest' | 'notes'> & {
  /** Why other digests would prove nothing. */
  readonly otherwise?: string
}

/** Dumps the scratch database as backups are dumped, in the encoding of the one that was loaded. Throws a `Failure` (30). */
export async function dumpScratch(work: Work, scratch: Scratch): Promise<ReadBack> {
  const { io, login } = work
  const { database, tools, filled } = scratch
  const connection = await openConnection(login, database, io)
  try {
    const facts = await readFacts(connection)
    const { loaded, settings } = filled
    const plan = { login, database, client: tools.client, facts: { ...facts, encoding: loaded.encoding }, settings }
    const dump = await startDump(io, connection, plan)
    for await (const _ of dump.chunks) io.signal.throwIfAborted()
    const result = await dump.finish()
    const otherwise = filled.otherwise ?? writtenOtherwise(loaded, facts)
    const read = await withColumnsInOrder(work, scratch, result.tables)
    return { ...result, ...read, ...(otherwise === undefined ? {} : { otherwise }) }
  } finally {
    await connection.close()
  }
}

// A column that a parent got late stands before the child's own in a restored child: the rows are read once more, by the
// columns as the backup has them.
async function withColumnsInOrder(
  { io, login }: Work,
  { database, tools, filled }: Scratch,
  found: readonly TableRows[],
): Promise<Pick<ReadBack, 'tables' | 'notes'>> {
  const { tables, copied, encoding } = filled.loaded
  const others = tables.filter(({ root }) => root === undefined)
  const sources = new Map(differences(others, found).changed.flatMap(({ name }) => sourceOf(name, copied)))
  if (sources.size === 0) return { tables: found, notes: [] }
  const plan = { login, database, psql: tools.psql, encoding, settings: filled.settings }
  const again = (await copyFrom(io, plan, sources))?.tables ?? []
  const digests = new Map(tables.map(({ name, digest }) => [name, digest]))
  const same = new Map(
    again.filter(({ name, digest }) => digests.get(name) === digest).map((table) => [table.name, table]),
  )
  return {
    tables: found.map((table) => same.get(table.name) ?? table),
    notes: aboutTables('pg_dump brings columns of child tables back in another order, here of', [...same.values()]),
  }
}

function sourceOf(name: string, copied: Loaded['copied']): readonly (readonly [string, CopySource])[] {
  const source = copied.get(name)
  return source === undefined ? [] : [[name, source]]
}

/** What was restored, and what is to be said of how it was read. */
export type Compared = Readable & { readonly otherwise?: string; readonly notes: readonly string[] }

/** The tables of the scratch database with their digests; without them, and with a note, where it cannot be dumped. */
export async function readScratch(work: Work, scratch: Scratch): Promise<Compared> {
  try {
    return { ...(await dumpScratch(work, scratch)), unreadable: [] }
  } catch (error) {
    work.io.signal.throwIfAborted()
    const note = `the rows were counted, not compared: what was loaded could not be read back (${reasonOf(error)})`
    return { ...(await countScratch(work, scratch.database)), notes: [note] }
  }
}

/** The tables of the scratch database, counted. */
export async function countScratch({ io, login }: Work, database: string): Promise<Readable> {
  const connection = await openConnection(login, database, io)
  try {
    await connection.query(sessionSettings)
    return await countReadable(connection)
  } finally {
    await connection.close()
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof Failure ? error.text.why?.[0] : undefined) ?? messageOf(error)
}

/** Why the rows of a backup may be written in another way by this server. */
export function writtenOtherwise(
  backup: Pick<Loaded, 'serverMajor' | 'encoding'>,
  here: { readonly major: number; readonly encoding: string },
): string | undefined {
  if (backup.serverMajor === undefined) return 'it is not known which PostgreSQL wrote the backup'
  if (backup.serverMajor !== here.major)
    return `the backup is of PostgreSQL ${backup.serverMajor}, this server of ${here.major}`
  if (backup.encoding !== here.encoding) return `the backup is in ${backup.encoding}, this database in ${here.encoding}`
  return undefined
}
