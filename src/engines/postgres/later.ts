import type { Connection } from './connection.ts'
import { displayName, quoteLiteral } from './names.ts'

/** What a dump creates of the things that a cleared database may still have. */
export type Created = { readonly extensions: ReadonlySet<string>; readonly schemas: ReadonlySet<string> }

// Those below 16384 came with the server. The last ones first: they may need earlier ones.
function laterExtensions({ extensions }: Created): string {
  return `SELECT x.extname::text AS name FROM pg_catalog.pg_extension x
    WHERE x.oid >= 16384 AND x.extname <> ALL (${array(extensions)}) ORDER BY x.oid DESC`
}

function laterSchemas({ schemas }: Created): string {
  return `SELECT n.nspname::text AS name FROM pg_catalog.pg_namespace n
    WHERE n.oid >= 16384 AND n.nspname <> 'public' AND n.nspname !~ '^pg_' AND n.nspname <> ALL (${array(schemas)}) AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        AND e.objid = n.oid AND e.deptype = 'e') ORDER BY name`
}

function array(names: ReadonlySet<string>): string {
  return `ARRAY[${[...names].map(quoteLiteral).join(', ')}]::text[]`
}

/** SQL that drops what the dump does not have, where this user may; for the end of the transaction that loaded it. */
export function dropLaterSql(created: Created): string {
  const body = `DECLARE o record;
BEGIN
  ${dropLoop('EXTENSION', laterExtensions(created))}
  ${dropLoop('SCHEMA', laterSchemas(created))}
END`
  return `DO ${quoteLiteral(body)};\n`
}

function dropLoop(kind: 'EXTENSION' | 'SCHEMA', sql: string): string {
  return `FOR o IN ${sql} LOOP
    BEGIN EXECUTE pg_catalog.format('DROP ${kind} %I', o.name);
    EXCEPTION WHEN insufficient_privilege OR dependent_objects_still_exist THEN NULL; END;
  END LOOP;`
}

/** Says what is still there. */
export async function laterNotes(connection: Connection, created: Created): Promise<string[]> {
  const extensions = await connection.query<{ name: string }>(laterExtensions(created))
  const schemas = await connection.query<{ name: string }>(laterSchemas(created))
  const note = (kind: string, name: string) =>
    `${kind} ${displayName([name])} is not in the backup, and could not be dropped: it is still there`
  return [...extensions.map(({ name }) => note('extension', name)), ...schemas.map(({ name }) => note('schema', name))]
}
