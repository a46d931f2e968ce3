import type { Connection, Row } from './connection.ts'
import type { Here } from './fitting.ts'

type HereRow = Row & {
  readonly user: string
  readonly superuser: boolean
  readonly roles: readonly string[]
  readonly ownable: readonly string[]
  readonly extensions: readonly string[]
  readonly tablespaces: readonly string[]
  readonly settings: readonly string[]
  readonly schemas: readonly string[]
  readonly foreign_schemas: readonly string[]
  readonly foreign_extensions: readonly string[]
}

// Since 16 a member may give objects to a role only where it may SET ROLE to it.
function hereSql(major: number): string {
  const right = major >= 16 ? 'SET' : 'MEMBER'
  return `
    SELECT current_user::text AS user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS superuser,
      ARRAY(SELECT rolname::text FROM pg_roles) AS roles,
      ARRAY(SELECT rolname::text FROM pg_roles r WHERE pg_has_role(current_user, r.oid, '${right}')) AS ownable,
      ARRAY(SELECT name::text FROM pg_available_extensions) AS extensions,
      ARRAY(SELECT spcname::text FROM pg_tablespace) AS tablespaces,
      ARRAY(SELECT lower(name) FROM pg_settings) AS settings,
      ARRAY(SELECT nspname::text FROM pg_namespace) AS schemas,
      ARRAY(SELECT nspname::text FROM pg_namespace WHERE NOT pg_has_role(nspowner, 'USAGE')) AS foreign_schemas,
      ARRAY(SELECT extname::text FROM pg_extension WHERE NOT pg_has_role(extowner, 'USAGE')) AS foreign_extensions`
}

/** What the database of this connection can take. */
export async function readHere(connection: Connection, major: number): Promise<Here> {
  const [row] = await connection.query<HereRow>(hereSql(major))
  if (row === undefined) throw new Error('the server gave no answer')
  return {
    user: row.user,
    superuser: row.superuser,
    roles: new Set(row.roles),
    ownable: new Set(row.ownable),
    extensions: new Set(row.extensions),
    tablespaces: new Set(row.tablespaces),
    settings: new Set(row.settings),
    schemas: new Set(row.schemas),
    foreignSchemas: new Set(row.foreign_schemas),
    foreignExtensions: new Set(row.foreign_extensions),
  }
}
