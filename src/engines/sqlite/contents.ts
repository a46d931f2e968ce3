import { RowDigest } from '../digest.ts'
import type { TableRows } from '../engine.ts'
import type { Table } from './catalogue.ts'
import { type Columns, columnsOf, columnText } from './columns.ts'
import { countVirtual } from './count.ts'
import { displayed } from './names.ts'
import { readRows, type StoredRows } from './rows.ts'
import type { Connection } from './thread.ts'

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
  const [stored, { columns, described }] = await Promise.all([
    readRows(signal, path, roots),
    describe(connection, tables),
  ])
  const known = tables.flatMap((table) => {
    const description = described.get(table.name)
    return description === undefined
      ? []
      : [{ ...tableRows(table, description, stored), columns: columns(table.name).map(columnText) }]
  })
  return { tables: known, notes: tables.filter((table) => !described.has(table.name)).map(uncounted) }
}

/** What SQLite says of a table, besides its columns. */
type Description = {
  /** Of a virtual table, which is not stored row by row. */
  readonly rows?: number
  /** How far AUTOINCREMENT has counted. */
  readonly sequence?: string
}

type Described = { readonly columns: Columns; readonly described: ReadonlyMap<string, Description> }

/** Describes each table, except virtual ones of a module that this SQLite does not have. */
async function describe(connection: Connection, tables: readonly Table[]): Promise<Described> {
  const columns = await columnsOf(connection, tables)
  const sequences = await sequencesOf(connection)
  const described = new Map<string, Description>()
  for (const { name, virtual } of tables) {
    const sequence = sequences.get(name)
    const rows = virtual ? await countVirtual(connection, name) : undefined
    if (virtual && rows === undefined) continue
    const known = { ...(rows === undefined ? {} : { rows }), ...(sequence === undefined ? {} : { sequence }) }
    described.set(name, known)
  }
  return { columns, described }
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
  return { name: displayed(table.name), rows, ...digestOf(digests) }
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
