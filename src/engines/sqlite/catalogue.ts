import type { TableRows } from '../engine.ts'
import { displayed, quoted } from './names.ts'
import { type Connection, type Row, SqliteProblem } from './thread.ts'

/** Everything that the database says of itself: one entry for each table, index, view and trigger. */
export type Catalogue = {
  /** `type name sql`, sorted: equal texts mean equal schemas. */
  readonly objects: readonly string[]
  readonly tables: readonly Table[]
}

/** A table that holds rows. A virtual one's shadow tables are its own affair, and not listed. */
export type Table = { readonly name: string; readonly virtual: boolean }

// SQLite's own `sqlite_sequence` stays behind when the last AUTOINCREMENT table is dropped, and VACUUM leaves it out then.
const objectsOf = `SELECT type, name, coalesce(sql, '') AS sql FROM sqlite_schema WHERE name <> 'sqlite_sequence'`

// A virtual table of a module that we do not have: SQLite lists its shadow tables as plain ones, so its data is counted there.
const tablesOf = `SELECT l.name AS name, l.type AS type FROM pragma_table_list AS l JOIN sqlite_schema AS s
  ON s.name = l.name AND s.type = 'table'
  WHERE l.schema = 'main' AND l.type IN ('table', 'virtual') AND substr(l.name, 1, 7) <> 'sqlite_' ORDER BY l.name`

/** Reads the catalogue of a database. */
export async function readCatalogue(connection: Connection): Promise<Catalogue> {
  const objects = await connection.rows(objectsOf)
  const tables = await connection.rows(tablesOf)
  return { objects: objects.map(objectText).sort(), tables: tables.map(toTable) }
}

// VACUUM keeps the SQL to the letter but moves root pages, so these are left out.
function objectText(row: Row): string {
  return `${row['type']} ${row['name']} ${row['sql']}`
}

function toTable(row: Row): Table {
  return { name: String(row['name']), virtual: row['type'] === 'virtual' }
}

export type Counted = { readonly tables: readonly TableRows[]; readonly notes: readonly string[] }

/** Counts the rows of every table; a virtual table that cannot be opened here is named in a note. */
export async function countRows(connection: Connection, tables: readonly Table[]): Promise<Counted> {
  const counted: TableRows[] = []
  const notes: string[] = []
  for (const table of tables) {
    const rows = await rowsOf(connection, table)
    if (rows === undefined) notes.push(uncounted(table))
    else counted.push({ name: displayed(table.name), rows })
  }
  return { tables: counted, notes }
}

async function rowsOf(connection: Connection, table: Table): Promise<number | undefined> {
  try {
    const [row] = await connection.rows(`SELECT count(*) AS n FROM ${quoted(table.name)}`)
    return Number(row?.['n'])
  } catch (error) {
    if (table.virtual && error instanceof SqliteProblem && error.code.startsWith('SQLITE_ERROR')) return undefined
    throw error
  }
}

function uncounted(table: Table): string {
  return `rows of the virtual table ${displayed(table.name)} are not counted: its module is not part of this SQLite`
}

/** What differs between two lists of tables, one sentence each; empty when they are the same. */
export function differences(wanted: readonly TableRows[], found: readonly TableRows[]): readonly string[] {
  const rowsFound = new Map(found.map((table) => [table.name, table.rows]))
  const namesWanted = new Set(wanted.map((table) => table.name))
  const wrong = wanted.flatMap((table) => difference(table, rowsFound.get(table.name)))
  const extra = found.filter((table) => !namesWanted.has(table.name))
  return [...wrong, ...extra.map((table) => `table ${table.name} is not in the manifest`)]
}

function difference(table: TableRows, rows: number | undefined): readonly string[] {
  if (rows === undefined) return [`table ${table.name} is missing`]
  return rows === table.rows ? [] : [`table ${table.name} has ${rows} rows instead of ${table.rows}`]
}
