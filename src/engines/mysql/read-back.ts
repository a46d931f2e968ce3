import { Failure, messageOf } from '../../failure.ts'
import type { DumpResult, RestoreRequest, TableRows } from '../engine.ts'
import { type Flavour, findClient, type Program } from './client.ts'
import { countTables } from './comparison.ts'
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

export type ReadBack = Pick<DumpResult, 'tables' | 'schemaDigest' | 'notes'>

/** Dumps what was loaded as backups are dumped, and keeps only what was read of it. Throws a `Failure` (30). */
export async function dumpLoaded(place: RestorePlace, program: Program, loaded: Loaded): Promise<ReadBack> {
  const { io, target, connection } = place
  const access = { target, route: connection.route, encrypted: connection.encrypted }
  const server = { ...place.server, database: loaded.name }
  const own = { table: markerTable, sleeping: loaded.sleeping }
  const dump = await startDump({ io, connection, server, access, program, own })
  for await (const _ of dump.chunks) io.signal.throwIfAborted()
  const { tables, schemaDigest } = await dump.finish()
  const unproven = await unprovenTables(place, program, loaded.name, tables)
  const names = unproven.map(({ name }) => name).join(', ')
  return {
    tables: tables.map((table) => (unproven.includes(table) ? withoutDigest(table) : table)),
    notes:
      names === '' ? [] : [`the rows of ${names} were counted, not compared: ${otherEachTime[program.flavour].why}`],
    ...(schemaDigest === undefined ? {} : { schemaDigest }),
  }
}

/**
 * The tables that were loaded, with the digests of their rows where these prove something against the backup's; else
 * counted, with a note that says why.
 */
export async function readLoaded(place: RestorePlace, loaded: Loaded): Promise<ReadBack> {
  const { io, request, server } = place
  const expected = request.tables ?? []
  if (expected.every(({ digest }) => digest === undefined)) return countLoaded(place, loaded)
  try {
    const program = await findClient(io, 'dump', server)
    const otherwise = writtenOtherwise(request, rowText(server, program))
    if (otherwise !== undefined) return countLoaded(place, loaded, otherwise)
    return await dumpLoaded(place, program, loaded)
  } catch (error) {
    io.signal.throwIfAborted()
    return countLoaded(place, loaded, `what was loaded could not be read back (${reasonOf(error)})`)
  }
}

async function countLoaded({ io, connection }: RestorePlace, { name }: Loaded, reason?: string): Promise<ReadBack> {
  const tables = await countTables(io, connection, name)
  return { tables, notes: reason === undefined ? [] : [onlyCounted(reason)] }
}

export function onlyCounted(reason: string): string {
  return `the rows were counted, not compared: ${reason}`
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? [error.text.what, ...(error.text.why ?? [])].join(': ') : messageOf(error)
}

/** Why the digests of a backup prove nothing against those that are made here. */
export function writtenOtherwise({ properties }: Pick<RestoreRequest, 'properties'>, here: string): string | undefined {
  const { rowText: written } = properties
  return written === here
    ? undefined
    : `the backup was written by ${written ?? 'it is not known what'}, here is ${here}`
}

/** Columns whose values may be written otherwise after a restore though nothing is wrong, by the client that writes them. */
const otherEachTime: Readonly<Record<Flavour, { readonly columns: string; readonly why: string }>> = {
  // Their values are written too, and computed anew: NOW(), a time zone or the name of the database may be in them.
  mariadb: { columns: "COALESCE(GENERATION_EXPRESSION, '') <> ''", why: 'some of their columns are computed' },
  // 1.50 that came from a DECIMAL is written as 1.50, read as a double, and then written as 1.5.
  mysql: { columns: "DATA_TYPE = 'json'", why: 'decimal numbers in JSON may be written otherwise' },
}

// Of a table with such columns only the digest that is the backup's proves something.
async function unprovenTables(
  { connection, request }: RestorePlace,
  { flavour }: Program,
  database: string,
  tables: readonly TableRows[],
): Promise<readonly TableRows[]> {
  const rows = await connection.query(
    `SELECT DISTINCT TABLE_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? AND ${otherEachTime[flavour].columns}`,
    [database],
  )
  const unsure = new Set(rows.map((row) => labelOf(String(row['name']))))
  const expected = new Map(request.tables?.map(({ name, digest }) => [name, digest]))
  return tables.filter(({ name, digest }) => unsure.has(name) && expected.get(name) !== digest)
}

export function withoutDigest({ digest: _, ...table }: TableRows): TableRows {
  return table
}
