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

/** Says what `publicRights` could not do, because the schema is not ours: the server only warns. */
export function publicRightsNotes({ opensPublic, clientMajor }: Loaded, serverMajor: number): string[] {
  if (opensPublic || !closes(clientMajor, serverMajor)) return []
  return ['everybody may create in schema public here, as in the backup they may not: a superuser may revoke that']
}
