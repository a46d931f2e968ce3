import type { Connection, Row } from './connection.ts'
import { ownTables } from './facts.ts'
import { displayName } from './names.ts'

/** A table that must be in a dump, with its columns as `TableRows` has them. */
export type CatalogueTable = {
  readonly name: string
  readonly unlogged: boolean
  readonly columns: readonly string[]
}

/** What `tableNaming` selects. */
export type NamedTable = Row & {
  readonly schema: string
  readonly name: string
  readonly columns: readonly (readonly [name: string, type: string])[] | null
}

/** SQL for the name and the columns of the table `c` in the schema `n`. */
export const tableNaming = `n.nspname::text AS schema, c.relname::text AS name,
  (SELECT json_agg(json_build_array(a.attname, format_type(a.atttypid, a.atttypmod)) ORDER BY a.attnum)
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns`

/** The name of a table, and its columns in their order: `id bigint`. */
export function namedTable({ schema, name, columns }: NamedTable): Pick<CatalogueTable, 'name' | 'columns'> {
  return {
    name: displayName([schema, name]),
    columns: (columns ?? []).map(([column, type]) => `${displayName([column])} ${type}`),
  }
}

type TableRow = NamedTable & { readonly unlogged: boolean }

/** Every table of the database with rows of its own. */
export async function readTables(connection: Connection): Promise<CatalogueTable[]> {
  const sql = `SELECT ${tableNaming}, c.relpersistence = 'u' AS unlogged ${ownTables}`
  const rows = await connection.query<TableRow>(sql)
  return rows.map((row) => ({ ...namedTable(row), unlogged: row.unlogged }))
}

/** What a database has of its own that a plain dump does not carry; the values of `RestoreRequest.properties`. */
export type Properties = Readonly<Record<string, string>>

/** One privilege on the database; no grantee: PUBLIC. */
export type Grant = { readonly grantee: string | null; readonly privilege: string; readonly grantable: boolean }

/** One setting of the database; with a role: of that role in this database. */
export type Setting = { readonly role: string | null; readonly name: string; readonly value: string }

// to_jsonb of the whole row: its columns differ between versions (daticulocale until 16, datlocale since 17).
const sql = `
  SELECT to_jsonb(d) AS row, pg_get_userbyid(d.datdba)::text AS owner, pg_encoding_to_char(d.encoding)::text AS encoding,
    (SELECT spcname::text FROM pg_tablespace t WHERE t.oid = d.dattablespace) AS tablespace,
    coalesce(shobj_description(d.oid, 'pg_database'), '') AS comment,
    (SELECT jsonb_agg(jsonb_build_object('role', r.rolname, 'setting', s) ORDER BY r.rolname, s) FROM pg_db_role_setting o
       LEFT JOIN pg_roles r ON r.oid = o.setrole, unnest(o.setconfig) s
       WHERE o.setdatabase = d.oid AND (o.setrole = 0 OR r.oid IS NOT NULL)) AS settings,
    (SELECT jsonb_agg(jsonb_build_object('grantee', r.rolname, 'privilege', a.privilege_type, 'grantable', a.is_grantable)
         ORDER BY r.rolname, a.privilege_type)
       FROM aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
       WHERE a.grantee = 0 OR r.oid IS NOT NULL) AS grants
  FROM pg_database d WHERE d.datname = $1`

type PropertiesRow = Row & {
  readonly row: Readonly<Record<string, unknown>>
  readonly owner: string
  readonly encoding: string
  readonly tablespace: string | null
  readonly comment: string
  readonly settings: readonly { readonly role: string | null; readonly setting: string }[] | null
  readonly grants: readonly Grant[] | null
}

/** The properties of a database, or nothing when there is none of that name. */
export async function readProperties(connection: Connection, database: string): Promise<Properties | undefined> {
  const [row] = await connection.query<PropertiesRow>(sql, [database])
  return row && propertiesOf(row)
}

const providers: Readonly<Record<string, string>> = { c: 'libc', i: 'icu', b: 'builtin' }

/** Every key is always there: an empty value says "none", an absent key says "not known". */
function propertiesOf({ row, ...asked }: PropertiesRow): Properties {
  const text = (key: string) => (row[key] === undefined || row[key] === null ? '' : String(row[key]))
  const settings = (asked.settings ?? []).map(({ role, setting }) => ({ role, ...splitSetting(setting) }))
  return {
    encoding: asked.encoding,
    collate: text('datcollate'),
    ctype: text('datctype'),
    localeProvider: providers[text('datlocprovider')] ?? 'libc',
    locale: text('datlocale') || text('daticulocale'),
    icuRules: text('daticurules'),
    owner: asked.owner,
    tablespace: asked.tablespace ?? '',
    connectionLimit: text('datconnlimit'),
    template: text('datistemplate'),
    comment: asked.comment,
    settings: JSON.stringify(settings satisfies Setting[]),
    grants: JSON.stringify(asked.grants ?? []),
  }
}

function splitSetting(setting: string): { name: string; value: string } {
  const equals = setting.indexOf('=')
  return { name: setting.slice(0, equals), value: setting.slice(equals + 1) }
}
