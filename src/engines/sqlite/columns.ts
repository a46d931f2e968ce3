import type { Table } from './catalogue.ts'
import { displayed } from './names.ts'
import { type Connection, type Row, SqliteProblem } from './thread.ts'

export type Column = { readonly name: string; readonly type: string }

/** The columns of each table, with the types that were written down; of a virtual one without its module: none. */
export async function columnsOf(
  connection: Connection,
  tables: readonly Table[],
): Promise<ReadonlyMap<string, readonly Column[]>> {
  const rows = Map.groupBy(await connection.rows(columnsOfPlainTables), (row) => String(row['owner']))
  const columns = new Map([...rows].map(([name, own]) => [name, own.map(toColumn)]))
  for (const { name } of tables.filter((table) => table.virtual)) {
    columns.set(name, (await virtualColumns(connection, name)).map(toColumn))
  }
  return columns
}

const columnsOfPlainTables = `SELECT l.name AS owner, c.name AS name, c.type AS type
  FROM pragma_table_list AS l, pragma_table_xinfo(l.name) AS c
  WHERE l.schema = 'main' AND l.type = 'table' ORDER BY l.name, c.cid`

// Hidden is what stands for the whole row.
async function virtualColumns(connection: Connection, name: string): Promise<readonly Row[]> {
  try {
    return await connection.rows('SELECT name, type FROM pragma_table_xinfo(?) WHERE hidden <> 1', name)
  } catch (error) {
    if (isUnknownModule(error)) return []
    throw error
  }
}

/** Whether a virtual table cannot be opened because this SQLite lacks what it is made with. */
export function isUnknownModule(error: unknown): boolean {
  return error instanceof SqliteProblem && error.code.startsWith('SQLITE_ERROR')
}

function toColumn(row: Row): Column {
  return { name: String(row['name']), type: String(row['type']) }
}

/** `id INTEGER`, `"full name" varchar(20)`, `anything` */
export function columnText({ name, type }: Column): string {
  return `${displayed(name)} ${type}`.trimEnd()
}
