import { Failure, messageOf } from '../../failure.ts'
import type { DumpResult, TableRows } from '../engine.ts'
import { findClient, type Program } from './client.ts'
import { countTables } from './comparison.ts'
import type { Connection } from './connection.ts'
import { startDump } from './dump.ts'
import { markerTable } from './marker.ts'
import { labelOf } from './names.ts'
import type { RestorePlace } from './restore-place.ts'
import { rowText } from './row-text.ts'

/** A database that we loaded. */
export type Loaded = {
  readonly name: string
  /** Events that are disabled only for as long as they are in it. */
  readonly sleeping: ReadonlySet<string>
}

export type ReadBack = Pick<DumpResult, 'tables' | 'notes'>

/** Dumps what was loaded as backups are dumped, and keeps only what was read of it. Throws a `Failure` (30). */
export async function dumpLoaded(
  { io, target, connection, server }: RestorePlace,
  program: Program,
  { name, sleeping }: Loaded,
): Promise<DumpResult> {
  const access = { target, route: connection.route, encrypted: connection.encrypted }
  const there = { ...server, database: name }
  const dump = await startDump({
    io,
    connection,
    server: there,
    access,
    program,
    loaded: { own: markerTable, sleeping },
  })
  for await (const _ of dump.chunks) io.signal.throwIfAborted()
  return dump.finish()
}

/**
 * The tables that were loaded, with the digests of their rows where these prove something against the backup's; else
 * counted, with a note that says why.
 */
export async function readLoaded(place: RestorePlace, loaded: Loaded): Promise<ReadBack> {
  const { io, connection, request, server } = place
  const expected = request.tables ?? []
  if (expected.every(({ digest }) => digest === undefined)) return countLoaded(place, loaded)
  try {
    const program = await findClient(io, 'dump', server)
    const [written, here] = [request.properties['rowText'], rowText(server, program)]
    if (written !== here) return countLoaded(place, loaded, `the backup was written by ${written}, here is ${here}`)
    const { tables } = await dumpLoaded(place, program, loaded)
    return provable(tables, expected, await computedTables(connection, program, loaded.name))
  } catch (error) {
    io.signal.throwIfAborted()
    return countLoaded(place, loaded, `what was loaded could not be read back (${reasonOf(error)})`)
  }
}

async function countLoaded({ io, connection }: RestorePlace, { name }: Loaded, reason?: string): Promise<ReadBack> {
  const tables = await countTables(io, connection, name)
  return { tables, notes: reason === undefined ? [] : [`the rows were counted, not compared: ${reason}`] }
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? [error.text.what, ...(error.text.why ?? [])].join(': ') : messageOf(error)
}

/**
 * Tables with generated columns, whose values mariadb-dump writes too though they are computed anew where they are
 * loaded: `CURRENT_DATE`, a session's time zone or the name of the database may be in them.
 */
export async function computedTables(
  connection: Connection,
  program: Program,
  database: string,
): Promise<ReadonlySet<string>> {
  if (program.flavour === 'mysql') return new Set()
  const rows = await connection.query(
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? AND COALESCE(GENERATION_EXPRESSION, '') <> ''`,
    [database],
  )
  return new Set(rows.map((row) => labelOf(String(row['name']))))
}

function provable(
  tables: readonly TableRows[],
  expected: readonly TableRows[],
  computed: ReadonlySet<string>,
): ReadBack {
  const digests = new Map(expected.map(({ name, digest }) => [name, digest]))
  const differs = ({ name, digest }: TableRows) => computed.has(name) && digests.get(name) !== digest
  return {
    tables: tables.map((table) => (differs(table) ? withoutDigest(table) : table)),
    notes: computedNotes(tables.filter(differs)),
  }
}

export function withoutDigest({ digest: _, ...table }: TableRows): TableRows {
  return table
}

export function computedNotes(tables: readonly TableRows[]): readonly string[] {
  const names = tables.map(({ name }) => name).join(', ')
  return names === '' ? [] : [`the rows were counted, not compared, where columns are computed from others: ${names}`]
}
