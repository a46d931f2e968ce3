// Everything that users made: no object of the system (below 16384), nothing that an extension brought along,
// nothing that is a part of another object.
const own = (catalogue: string, alias: string) => `${alias}.oid >= 16384 AND NOT EXISTS (
    SELECT FROM pg_catalog.pg_depend e
    WHERE e.classid = 'pg_catalog.${catalogue}'::pg_catalog.regclass AND e.objid = ${alias}.oid
      AND e.objsubid = 0 AND e.refobjid <> e.objid AND e.deptype IN ('e', 'i'))`

// In this order: what drops much with it first. Identities are read before anything is dropped.
const catalogues: readonly { readonly name: string; readonly where?: string }[] = [
  { name: 'pg_event_trigger', where: "pg_catalog.pg_has_role(c.evtowner, 'USAGE')" },
  { name: 'pg_publication' },
  {
    name: 'pg_class',
    // sequences of serial and identity columns go with their tables
    where: `c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT (c.relkind = 'S' AND EXISTS (
      SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
        AND d.objid = c.oid AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')))`,
  },
  { name: 'pg_cast' },
  { name: 'pg_operator' },
  { name: 'pg_opclass' },
  { name: 'pg_opfamily' },
  { name: 'pg_proc' },
  {
    name: 'pg_type',
    where: `c.typtype IN ('b', 'c', 'd', 'e', 'r') AND c.typelem = 0
      AND (c.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class k WHERE k.oid = c.typrelid AND k.relkind = 'c'))`,
  },
  { name: 'pg_collation' },
  { name: 'pg_conversion' },
  { name: 'pg_ts_config' },
  { name: 'pg_ts_dict' },
  { name: 'pg_ts_parser' },
  { name: 'pg_ts_template' },
  { name: 'pg_foreign_server' },
  { name: 'pg_foreign_data_wrapper' },
  { name: 'pg_language' },
]

function objectsOf({ name, where }: { readonly name: string; readonly where?: string }, order: number): string {
  return `SELECT ${order} AS step, c.oid, i.type, i.identity
    FROM pg_catalog.${name} c, pg_catalog.pg_identify_object('pg_catalog.${name}'::pg_catalog.regclass, c.oid, 0) i
    WHERE ${own(name, 'c')}${where === undefined ? '' : ` AND ${where}`}`
}

/** Schemas that stay: not ours, or an extension lives in them. */
export const stayingSchemas = `
  SELECT n.oid, n.nspname::text AS name FROM pg_catalog.pg_namespace n
  WHERE n.nspname = 'public' OR n.oid < 16384 OR NOT pg_catalog.pg_has_role(n.nspowner, 'USAGE')
    OR EXISTS (SELECT FROM pg_catalog.pg_extension x WHERE x.extnamespace = n.oid)
    OR EXISTS (SELECT FROM pg_catalog.pg_depend e WHERE e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
      AND e.objid = n.oid AND e.deptype = 'e')`

// They would add rights to the tables that the load creates; the dump brings its own, last.
const defaultPrivileges = `
    SELECT DISTINCT pg_catalog.pg_get_userbyid(d.defaclrole) AS role,
      CASE WHEN n.oid IS NULL THEN '' ELSE pg_catalog.format('IN SCHEMA %I', n.nspname) END AS place,
      CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS' WHEN 'T' THEN 'TYPES'
        WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind,
      CASE a.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
    FROM pg_catalog.pg_default_acl d LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace,
      pg_catalog.aclexplode(d.defaclacl) a
    WHERE pg_catalog.pg_has_role(d.defaclrole, 'USAGE')
      AND (d.defaclnamespace <> 0 OR a.grantee NOT IN (0, d.defaclrole))`

/** SQL that empties the database of all that users made; for the transaction that then loads the dump. */
export function clearSql(): string {
  return `SET LOCAL lock_timeout = '10s';
SET LOCAL client_min_messages = error;
DO $seatbelt$
DECLARE o record;
BEGIN
  FOR o IN SELECT n.nspname FROM pg_catalog.pg_namespace n
    WHERE n.nspname !~ '^pg_' AND n.oid NOT IN (SELECT s.oid FROM (${stayingSchemas}) s)
  LOOP
    EXECUTE pg_catalog.format('DROP SCHEMA IF EXISTS %I CASCADE', o.nspname);
  END LOOP;
  FOR o IN SELECT * FROM (${catalogues.map(objectsOf).join(' UNION ALL ')}) a WHERE a.type IS NOT NULL ORDER BY step, oid
  LOOP
    EXECUTE pg_catalog.format('DROP %s IF EXISTS %s CASCADE',
      CASE WHEN o.type = 'composite type' THEN 'type' WHEN o.type = 'foreign-data wrapper' THEN 'foreign data wrapper'
        WHEN o.type IN ('function', 'procedure', 'aggregate') THEN 'routine' ELSE o.type END, o.identity);
  END LOOP;
  PERFORM pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata;
  FOR o IN ${defaultPrivileges} LOOP
    EXECUTE pg_catalog.format('ALTER DEFAULT PRIVILEGES FOR ROLE %I %s REVOKE ALL ON %s FROM %s',
      o.role, o.place, o.kind, o.grantee);
  END LOOP;
END $seatbelt$;
`
}
