import type { Table } from './catalogue.ts'
import { type Column, isUnknownModule } from './columns.ts'
import { quoted } from './names.ts'
import type { Connection } from './thread.ts'

/** The rows of a virtual table; undefined where its module is not part of this SQLite. */
export async function countVirtual(connection: Connection, name: string): Promise<number | undefined> {
  try {
    return await countWhole(connection, name)
  } catch (error) {
    if (isUnknownModule(error)) return undefined
    throw error
  }
}

/** How far a table is counted. */
export type Count = {
  readonly table: Table
  readonly rows: number
  /** The last rowid that was counted; absent before the first and after the last. */
  readonly last?: string
  readonly done: boolean
}

// About 30 ms, during which a program that does not use the WAL waits with its commit.
const rowsAtOnce = 500_000

/** Counts some more rows, or all where a table cannot be counted in parts. */
export async function countOn(connection: Connection, count: Count, columns: readonly Column[]): Promise<Count> {
  const { table, rows, last } = count
  const rowid = table.hasRowid ? freeRowidName(columns) : undefined
  if (rowid === undefined) return { table, rows: await countWhole(connection, table.name), done: true }
  const rest = last === undefined ? '' : `WHERE ${rowid} > ${last}`
  const part = `SELECT ${rowid} AS r FROM ${quoted(table.name)} ${rest} ORDER BY ${rowid} LIMIT ${rowsAtOnce}`
  // A rowid may be larger than what a number holds exactly here.
  const [found] = await connection.rows(`SELECT count(*) AS n, CAST(max(r) AS TEXT) AS last FROM (${part})`)
  const more = Number(found?.['n'])
  if (more < rowsAtOnce) return { table, rows: rows + more, done: true }
  return { table, rows: rows + more, last: String(found?.['last']), done: false }
}

async function countWhole(connection: Connection, name: string): Promise<number> {
  const [row] = await connection.rows(`SELECT count(*) AS n FROM ${quoted(name)}`)
  return Number(row?.['n'])
}

// A column may have one of these names, and then is meant by it.
function freeRowidName(columns: readonly Column[]): string | undefined {
  const taken = new Set(columns.map(({ name }) => name.toLowerCase()))
  return ['rowid', '_rowid_', 'oid'].find((name) => !taken.has(name))
}
