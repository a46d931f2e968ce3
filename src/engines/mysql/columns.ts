import type { TableRows } from '../engine.ts'
import type { Connection } from './connection.ts'
import { labelOf } from './names.ts'

/** The columns of every table and view, with their types as the server writes them, by the table's label. */
type Columns = ReadonlyMap<string, readonly string[]>

export const columnsSql = `
  SELECT TABLE_NAME AS name, COLUMN_NAME AS col, COLUMN_TYPE AS type
    FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME, ORDINAL_POSITION`

export async function readColumns(connection: Connection, database: string, sql = columnsSql): Promise<Columns> {
  const rows = await connection.query(sql, [database])
  const tables = Map.groupBy(rows, (row) => labelOf(String(row['name'])))
  return new Map(
    [...tables].map(([name, some]) => [name, some.map((row) => `${labelOf(String(row['col']))} ${row['type']}`)]),
  )
}

/** The tables with their columns, as far as they are known. */
export function withColumns<Table extends TableRows>(tables: readonly Table[], columns: Columns): readonly Table[] {
  return tables.map((table) => {
    const own = columns.get(table.name)
    return own === undefined ? table : { ...table, columns: own }
  })
}
