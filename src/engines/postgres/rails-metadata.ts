import type { Marker } from '../engine.ts'
import type { Connection } from './connection.ts'
import { quoteIdentifier } from './names.ts'

export type RailsTable = { readonly schema: string; readonly name: string }

// A database with a schema for each tenant has one in each of them, and all say the same.
const mostTables = 20

/**
 * SQL for the tables in which Rails keeps the name of its environment (ActiveRecord::InternalMetadata), as far as we may
 * read them: a project may give their name a prefix or a suffix. Null: there is none.
 */
export const metadataTables = `(
  SELECT json_agg(json_build_object('schema', t.schema, 'name', t.name)) FROM (
    SELECT n.nspname AS schema, c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE strpos(c.relname, 'ar_internal_metadata') > 0 AND c.relkind IN ('r', 'p')
      AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
      AND (SELECT count(*) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('key', 'value')) = 2
    ORDER BY n.nspname <> 'public', c.oid LIMIT ${mostTables}) t)`

/** The environments that Rails wrote down in its tables. */
export async function railsMarkers(connection: Connection, tables: readonly RailsTable[]): Promise<Marker[]> {
  const rows = await connection.query<{ source: string; value: string }>(
    `${tables.map(environmentSql).join(' UNION ')} ORDER BY 1, 2`,
  )
  return rows.map(({ source, value }) => ({ value, source }))
}

function environmentSql({ schema, name }: RailsTable): string {
  const table = `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
  return `SELECT 'ar_internal_metadata' AS source, value::text AS value FROM ${table} WHERE key::text = 'environment' AND value IS NOT NULL`
}
