import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection, Row } from './connection.ts'

/** Somebody who is on a database. */
export type DatabaseSession = Row & {
  readonly pid: number
  readonly application: string
  readonly user: string
  /** We may end it. */
  readonly ours: boolean
}

// Autovacuum's workers have no user, and leave by themselves when they are in the way.
const sessionsSql = `
  SELECT a.pid, coalesce(nullif(a.application_name, ''), 'unnamed') AS application, coalesce(a.usename::text, '') AS user,
    me.rolsuper OR pg_has_role(a.usesysid, 'USAGE')
      OR pg_has_role('pg_signal_backend', 'USAGE') AND NOT coalesce(him.rolsuper, false) AS ours
  FROM pg_stat_activity a JOIN pg_roles me ON me.rolname = current_user LEFT JOIN pg_roles him ON him.oid = a.usesysid
  WHERE a.datname = $1 AND a.usesysid IS NOT NULL AND a.pid <> pg_backend_pid() ORDER BY a.pid`

/** The sessions of others on a database, from a session anywhere on the server. */
export function sessionsOn(connection: Connection, database: string): Promise<DatabaseSession[]> {
  return connection.query<DatabaseSession>(sessionsSql, [database])
}

/** "psql, php-fpm (2)". */
export function namesOf(sessions: readonly Pick<DatabaseSession, 'application'>[]): string {
  const counts = new Map<string, number>()
  for (const { application } of sessions) counts.set(application, (counts.get(application) ?? 0) + 1)
  return [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`)).join(', ')
}

/** "psql (user ann), node (user app)". */
export function namesAndUsersOf(sessions: readonly Pick<DatabaseSession, 'application' | 'user'>[]): string {
  return sessions.map(({ application, user }) => `${application} (user ${user})`).join(', ')
}

/**
 * Ends a session of ours that makes a database, and waits until it is gone: after an interruption the server goes on with it
 * although nobody waits any more, and what is not there yet cannot be dropped.
 */
export async function endMaker(connection: Connection, maker = 0): Promise<void> {
  // Behind a pooler another session may have the number that we were told.
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE pid = $1 AND pid <> pg_backend_pid() AND application_name = 'db-seatbelt'`
  while ((await connection.query(sql, [maker])).length > 0) await sleep(20)
}
