import type { Table } from './catalogue.ts'
import { displayed } from './names.ts'
import { type Connection, type Row, SqliteProblem } from './thread.ts'

export type Column = { readonly name: string; readonly type: string }

/** The columns of a table by its name, with the types that were written down; of a virtual one without its module: none. */
export type Columns = (table: string) => readonly Column[]

/** Of each table. They are held as JSON: objects for a hundred thousand columns take ten times the memory. */
export async function columnsOf(connection: Connection, tables: readonly Table[]): Promise<Columns> {
  const rows = await connection.rows(columnsOfPlainTables)
  const texts = new Map(rows.map((row) => [String(row['name']), String(row['columns'])]))
  for (const { name } of tables.filter((table) => table.virtual)) {
    texts.set(name, JSON.stringify(await virtualColumns(connection, name)))
  }
  return (table) => (JSON.parse(texts.get(table) ?? '[]') as Row[]).map(toColumn)
}

const columnsOfPlainTables = `SELECT name,
  (SELECT json_group_array(json_object('name', name, 'type', type)) FROM pragma_table_xinfo(l.name)) AS columns
  FROM pragma_table_list AS l WHERE schema = 'main' AND type = 'table'`

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
