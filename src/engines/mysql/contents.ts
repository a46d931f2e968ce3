import type { LiveTable } from '../engine.ts'
import { dataTables, type Server } from './catalogue.ts'
import type { Program } from './client.ts'
import { columnsSql, readColumns, withColumns } from './columns.ts'
import type { Connection, Row } from './connection.ts'
import { canDumpHistory } from './dump-arguments.ts'
import { labelOf, qualified } from './names.ts'
import { limited } from './time-limit.ts'

type Place = {
  readonly connection: Connection
  readonly server: Server
  /** The dumping client: whether it dumps the history of versioned tables decides whether that counts here. */
  readonly program: () => Promise<Program>
}

/** A table with the server's estimate of its rows, and what stands in FROM to read those that a dump holds. */
type Known = { readonly name: string; readonly estimate: number; readonly from: string }

/**
 * The tables as a dump would list them now, by name. Counted exactly for at most `seconds` in all, the smallest first;
 * of the rest, and of what another session has locked, the server's own estimate.
 */
export async function readContents(place: Place, seconds: number): Promise<readonly LiveTable[]> {
  const deadline = performance.now() + seconds * 1000
  const { connection, server } = place
  const sql = limited(server.flavour, seconds + leastSeconds, columnsSql)
  const [tables, columns] = await Promise.all([
    readTables(place, seconds + leastSeconds),
    readColumns(connection, server.database, sql),
  ])
  const counts = await countAll(place, tables, deadline)
  const live = tables.map((table) => liveTable(table, counts))
  return withColumns(live, columns)
}

// Without the catalogue there is nothing to tell.
const leastSeconds = 1

async function readTables(place: Place, seconds: number): Promise<readonly Known[]> {
  const { connection, server } = place
  const sql = `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, TABLE_ROWS AS estimate FROM information_schema.TABLES
                WHERE TABLE_SCHEMA = ? AND ${dataTables} ORDER BY TABLE_NAME`
  const rows = await connection.query(limited(server.flavour, seconds, sql), [server.database])
  const versioned = rows.some((row) => row['type'] === versionedType)
  const history = versioned && canDumpHistory(await place.program(), server) ? ' FOR SYSTEM_TIME ALL' : ''
  return rows.map((row) => knownTable(server, row, history))
}

const versionedType = 'SYSTEM VERSIONED'

function knownTable({ database }: Server, row: Row, history: string): Known {
  const name = String(row['name'])
  const from = `${qualified(database, name)}${row['type'] === versionedType ? history : ''}`
  return { name, estimate: Number(row['estimate'] ?? 0), from }
}

function liveTable({ name, estimate }: Known, counts: ReadonlyMap<string, number>): LiveTable {
  const rows = counts.get(name)
  return { name: labelOf(name), ...(rows === undefined ? { rows: estimate, estimated: true } : { rows }) }
}

async function countAll(
  place: Place,
  tables: readonly Known[],
  deadline: number,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>()
  for (const group of groupsOf(tables)) {
    const rows = await count(place, group, deadline)
    if (rows !== undefined || group.length === 1) addTo(counts, rows)
    else for (const table of group) addTo(counts, await count(place, [table], deadline)) // one of them is locked or gone
  }
  return counts
}

function addTo(counts: Map<string, number>, rows: readonly Row[] = []): void {
  for (const row of rows) counts.set(String(row['name']), Number(row['number']))
}

const smallTable = 10_000
const tablesInOneQuery = 50

/** The smallest first; small ones together, for each question costs a way to the server and back. */
function groupsOf(tables: readonly Known[]): readonly (readonly Known[])[] {
  const [small, large] = [
    tables.filter(({ estimate }) => estimate <= smallTable),
    tables.filter(({ estimate }) => estimate > smallTable),
  ]
  const number = Math.ceil(small.length / tablesInOneQuery)
  const groups = Array.from({ length: number }, (_, at) =>
    small.slice(at * tablesInOneQuery, (at + 1) * tablesInOneQuery),
  )
  return [...groups, ...large.toSorted((a, b) => a.estimate - b.estimate).map((table) => [table])]
}

/** Undefined where the time is up, or one of the tables cannot be read now. */
async function count(
  { connection, server }: Place,
  tables: readonly Known[],
  deadline: number,
): Promise<readonly Row[] | undefined> {
  const seconds = (deadline - performance.now()) / 1000
  if (seconds < shortest) return undefined
  const sql = tables.map(({ from }) => `SELECT ? AS name, COUNT(*) AS number FROM ${from}`).join(' UNION ALL ')
  const names = tables.map(({ name }) => name)
  return connection.query(limited(server.flavour, seconds, sql), names).catch(() => undefined)
}

// In seconds; a limit of 0 means none.
const shortest = 0.001
