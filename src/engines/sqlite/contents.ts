import { RowDigest } from '../digest.ts'
import type { TableRows } from '../engine.ts'
import type { Table } from './catalogue.ts'
import { displayed, quoted } from './names.ts'
import { readRows, type StoredRows } from './rows.ts'
import { type Connection, type Row, SqliteProblem } from './thread.ts'

/** What is in a database, and what a person has to know of it. */
export type Contents = { readonly tables: readonly TableRows[]; readonly notes: readonly string[] }

/**
 * The rows of each table and their digest, read from the pages of a file that nobody else writes to, while SQLite tells
 * the rest. A virtual table that cannot be opened here is named in a note.
 */
export async function readContents(
  signal: AbortSignal,
  connection: Connection,
  path: string,
  tables: readonly Table[],
): Promise<Contents> {
  const roots = tables.flatMap((table) => table.roots)
  const [stored, described] = await Promise.all([readRows(signal, path, roots), describe(connection, tables)])
  const known = tables.flatMap((table) => {
    const description = described.get(table.name)
    return description === undefined ? [] : [tableRows(table, description, stored)]
  })
  return { tables: known, notes: tables.filter((table) => !described.has(table.name)).map(uncounted) }
}

/** What SQLite says of a table. */
type Description = {
  readonly columns: readonly string[]
  /** Of a virtual table, which is not stored row by row. */
  readonly rows?: number
  /** How far AUTOINCREMENT has counted. */
  readonly sequence?: string
}

/** Describes each table, except virtual ones of a module that this SQLite does not have. */
async function describe(connection: Connection, tables: readonly Table[]): Promise<ReadonlyMap<string, Description>> {
  const described = new Map<string, Description>()
  const columns = Map.groupBy(await connection.rows(columnsOfPlainTables), (row) => row['owner'])
  const sequences = await sequencesOf(connection)
  for (const table of tables) {
    const sequence = sequences.get(table.name)
    const description = table.virtual
      ? await virtualTable(connection, table)
      : { columns: (columns.get(table.name) ?? []).map(columnText), ...(sequence === undefined ? {} : { sequence }) }
    if (description !== undefined) described.set(table.name, description)
  }
  return described
}

const columnsOfPlainTables = `SELECT l.name AS owner, c.name AS name, c.type AS type
  FROM pragma_table_list AS l, pragma_table_xinfo(l.name) AS c
  WHERE l.schema = 'main' AND l.type = 'table' ORDER BY l.name, c.cid`

// Hidden is what stands for the whole row.
async function virtualTable(connection: Connection, { name }: Table): Promise<Description | undefined> {
  try {
    const [row] = await connection.rows(`SELECT count(*) AS n FROM ${quoted(name)}`)
    const columns = await connection.rows('SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1', name)
    return { rows: Number(row?.['n']), columns: columns.map(columnText) }
  } catch (error) {
    if (error instanceof SqliteProblem && error.code.startsWith('SQLITE_ERROR')) return undefined
    throw error
  }
}

function columnText(row: Row): string {
  return `${displayed(String(row['name']))} ${row['type']}`.trimEnd()
}

async function sequencesOf(connection: Connection): Promise<ReadonlyMap<string, string>> {
  const [found] = await connection.rows(`SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'`)
  const rows =
    found === undefined ? [] : await connection.rows('SELECT name, CAST(seq AS TEXT) AS seq FROM sqlite_sequence')
  return new Map(rows.map((row) => [String(row['name']), String(row['seq'])]))
}

function tableRows(table: Table, description: Description, stored: ReadonlyMap<number, StoredRows>): TableRows {
  const parts = table.roots.flatMap((root) => stored.get(root) ?? [])
  const rows = description.rows ?? parts.reduce((sum, part) => sum + part.rows, 0)
  const digests = parts.map(({ digest }) => digest)
  if (description.sequence !== undefined) digests.push(`sequence ${description.sequence}`)
  return { name: displayed(table.name), rows, ...digestOf(digests), columns: description.columns }
}

// Rows that went and came back leave the counter of AUTOINCREMENT changed: that is no longer the same table.
function digestOf(parts: readonly string[]): { readonly digest?: string } {
  const [first] = parts
  if (first === undefined || parts.length === 1) return first === undefined ? {} : { digest: first }
  const digest = new RowDigest()
  for (const part of parts) digest.row(Buffer.from(part))
  return { digest: digest.toString() }
}

function uncounted(table: Table): string {
  return `rows of the virtual table ${displayed(table.name)} are not counted: its module is not part of this SQLite`
}

/** What differs between two lists of tables, one sentence each; empty when they are the same. */
export function differences(wanted: readonly TableRows[], found: readonly TableRows[]): readonly string[] {
  const foundByName = new Map(found.map((table) => [table.name, table]))
  const namesWanted = new Set(wanted.map((table) => table.name))
  const wrong = wanted.flatMap((table) => difference(table, foundByName.get(table.name)))
  const extra = found.filter((table) => !namesWanted.has(table.name))
  return [...wrong, ...extra.map((table) => `table ${table.name} is not in the manifest`)]
}

function difference(wanted: TableRows, found: TableRows | undefined): readonly string[] {
  if (found === undefined) return [`table ${wanted.name} is missing`]
  if (found.rows !== wanted.rows) return [`table ${wanted.name} has ${found.rows} rows instead of ${wanted.rows}`]
  // A backup of former days has no digests.
  if (wanted.digest === undefined || wanted.digest === found.digest) return []
  return [`table ${wanted.name} has other rows than its manifest says`]
}
