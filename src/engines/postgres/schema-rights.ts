import { stayingSchemas } from './clear.ts'
import type { Loaded } from './load.ts'

// A dump says how the rights on schema public differ from a new database's; since 15 that one has no CREATE for everybody.
const firstClosed = 15

function closes(clientMajor: number | undefined, serverMajor: number): boolean {
  return clientMajor !== undefined && clientMajor >= firstClosed && serverMajor < firstClosed
}

/** SQL that gives a new database's schema public the rights that a dump by this pg_dump takes for granted. */
export function publicRights(clientMajor: number | undefined, serverMajor: number): string {
  return closes(clientMajor, serverMajor) ? 'REVOKE CREATE ON SCHEMA public FROM PUBLIC;\n' : ''
}

/** SQL that gives the schemas that stay, where they are ours, the rights that a dump by this pg_dump takes for granted. */
export function resetRights(clientMajor: number): string {
  const everybody = clientMajor >= firstClosed ? 'USAGE' : 'ALL'
  return `DO $seatbelt$
DECLARE o record;
BEGIN
  FOR o IN SELECT DISTINCT s.name, CASE a.grantee WHEN 0 THEN 'PUBLIC'
      ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(a.grantee)) END AS grantee
    FROM (${stayingSchemas}) s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid, pg_catalog.aclexplode(n.nspacl) a
    WHERE ${ours} AND a.grantee <> n.nspowner
  LOOP
    EXECUTE pg_catalog.format('REVOKE ALL ON SCHEMA %I FROM %s CASCADE', o.name, o.grantee);
  END LOOP;
  FOR o IN SELECT n.nspname, pg_catalog.pg_get_userbyid(n.nspowner) AS owner
    FROM (${stayingSchemas}) s JOIN pg_catalog.pg_namespace n ON n.oid = s.oid WHERE ${ours}
  LOOP
    EXECUTE pg_catalog.format('GRANT ALL ON SCHEMA %I TO %I', o.nspname, o.owner);
    IF o.nspname = 'public' THEN GRANT ${everybody} ON SCHEMA public TO PUBLIC; END IF;
  END LOOP;
END $seatbelt$;
`
}

const ours = `(n.nspname = 'public' OR n.oid >= 16384) AND n.nspname !~ '^pg_' AND pg_catalog.pg_has_role(n.nspowner, 'USAGE')`

/** Says what `publicRights` could not do, because the schema is not ours: the server only warns. */
export function publicRightsNotes({ opensPublic, clientMajor }: Loaded, serverMajor: number): string[] {
  if (opensPublic || !closes(clientMajor, serverMajor)) return []
  return ['everybody may create in schema public here, as in the backup they may not: a superuser may revoke that']
}
