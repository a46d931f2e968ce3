import type { RestoreOutcome, RestoreRequest, TableRows } from '../engine.ts'
import { lockSeconds, sessionSettings, type Work } from './beside.ts'
import { type Properties, readProperties } from './catalogue.ts'
import { clearSql, stayingSchemas } from './clear.ts'
import { type Connection, openConnection } from './connection.ts'
import { copyBack } from './copy-back.ts'
import { compare, countRows } from './counts.ts'
import type { Tools } from './fill-scratch.ts'
import { readHere } from './here.ts'
import { dropLaterSql, laterNotes } from './later.ts'
import { type Loaded, type LoadPlan, load } from './load.ts'
import { databaseLock, takeLock } from './lock.ts'
import { placeName } from './login.ts'
import { fitMonetary } from './monetary.ts'
import { type Roots, rootsOf } from './partitions.ts'
import { mergedProperties } from './properties.ts'
import { writtenOtherwise } from './read-back.ts'
import type { CopySource } from './reader.ts'
import { restoreFailure } from './restore-failure.ts'
import { resetRights } from './schema-rights.ts'

/** Empties the live database, loads and compares, all in one transaction. Throws a `Failure` (40). */
export async function restoreInTransaction(
  work: Work,
  request: RestoreRequest,
  { psql }: Tools,
): Promise<RestoreOutcome> {
  const { io, target, login, server } = work
  requireLive(work)
  const live = await openConnection(login, target.database, io)
  try {
    await live.query(sessionSettings)
    await takeLock(live, databaseLock, lockSeconds, target.database)
    const here = { ...(await readHere(live, server.major)), schemas: await schemasThatStay(live) }
    const before = await readProperties(live, target.database)
    const { settings, otherwise } = await fitMonetary(live, request.properties)
    const comparison = comparisonIn(work, request, { encoding: before?.['encoding'], otherwise })
    await request.beforeSwap?.()
    request.step('loading')
    const loaded = await load(io, {
      login,
      database: target.database,
      live: target.database,
      psql,
      here,
      settings,
      content: request.content,
      before: (clientMajor) => clearSql() + resetRights(clientMajor ?? server.major),
      after: dropLaterSql,
      ...(request.tables === undefined ? {} : { check: comparison.check }),
    })
    const tables = request.tables ?? (await countRows(live))
    const later = await laterNotes(live, loaded.created)
    const kept = keptProperties(request.properties, before)
    return { way: 'transaction', tables, notes: [...loaded.notes, ...comparison.notes, ...later, ...kept] }
  } finally {
    await live.close()
  }
}

function requireLive({ server, target, login }: Work): void {
  if (server.liveExists) return
  throw restoreFailure(target.database, `database ${target.database} does not exist on ${placeName(login)}`, [
    'create it first (this user may not), or restore as a user with CREATEDB',
  ])
}

type Live = { readonly encoding: string | undefined; readonly otherwise: string | undefined }
type Comparison = { readonly check: NonNullable<LoadPlan['check']>; readonly notes: readonly string[] }

function comparisonIn(work: Work, { tables = [], step }: RestoreRequest, live: Live): Comparison {
  const { server, target } = work
  const notes: string[] = []
  const check: Comparison['check'] = async (tool, loaded) => {
    step('comparing')
    const roots = rootsOf(loaded.tables)
    const found = await copyBack(tool, sourcesOf(tables, loaded, roots))
    if (found === undefined) return false
    const here = { major: server.major, encoding: live.encoding ?? loaded.encoding }
    const otherwise = live.otherwise ?? writtenOtherwise(loaded, here)
    notes.push(...compare(tables, { ...found, database: target.database, otherwise, roots }))
    return true
  }
  return { check, notes }
}

function sourcesOf(tables: readonly TableRows[], { copied }: Loaded, roots: Roots): ReadonlyMap<string, CopySource> {
  const expected = new Set(tables.map(({ name }) => name))
  const sources = [...copied].filter(([name]) => expected.has(name))
  return new Map(sources.map(([name, source]) => [roots.get(name) ?? name, source]))
}

async function schemasThatStay(connection: Connection): Promise<ReadonlySet<string>> {
  return new Set((await connection.query<{ name: string }>(stayingSchemas)).map(({ name }) => name))
}

const ownProperties = ['encoding', 'collate', 'owner', 'connectionLimit', 'comment', 'settings', 'grants'] as const

/** Says which properties of the database itself stayed as they were, where the backup has others. */
function keptProperties(backup: Properties, live: Properties | undefined): string[] {
  const wanted = mergedProperties(backup, live)
  const others = ownProperties.filter((key) => backup[key] !== undefined && wanted[key] !== live?.[key])
  return others.length === 0 ? [] : [`of the database itself these stayed as they were: ${others.join(', ')}`]
}
