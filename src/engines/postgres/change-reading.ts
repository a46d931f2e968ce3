import { readProperties } from './catalogue.ts'
import type { ChangeReading, OtherSession } from './change-mark.ts'
import type { Connection, Row } from './connection.ts'
import type { DatabaseFacts } from './facts.ts'
import { countedSince, microseconds, ownCounters } from './writes.ts'

// Since 15 a session's counters are there for all before the session is gone; until 14 they are sent, and can be lost.
const countersSince = 15

// Of these extensions the rows are on other servers, or in files that transactions do not guard.
const elsewhere = `('citus', 'orioledb', 'pg_surgery')`

const sessionsSql = `
  SELECT pid || '/' || coalesce(${microseconds('backend_start')}::text, '') AS id,
    CASE WHEN state IN ('idle', 'idle in transaction') THEN ${microseconds('state_change')}::text END AS resting
  FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid`

type SessionRow = Row & { readonly id: string; readonly resting: string | null }

// SQL has no other way to read the values of each sequence in one statement.
const sequences = `
  (SELECT string_agg(concat_ws(' ', c.oid, CASE WHEN has_sequence_privilege(c.oid, 'SELECT') THEN query_to_xml(
      format('SELECT last_value, is_called FROM %I.%I', n.nspname, c.relname), true, true, '')::text END), ' ' ORDER BY c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S' AND c.relpersistence <> 't')`

// track_counts is the superuser's to change: for all by a reload, for a role or a database by a setting of its own.
const counters = `
  CASE WHEN current_setting('track_counts')::bool
      AND NOT EXISTS (SELECT FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE c ILIKE 'track_counts=%')
      AND NOT EXISTS (SELECT FROM pg_subscription s WHERE s.subdbid = d.oid)
    THEN concat_ws(' ', ${ownCounters}, ${microseconds('pg_conf_load_time()')},
      (SELECT ${microseconds('w.stats_reset')} FROM pg_stat_database w WHERE w.datid = d.oid)) END`

const readingSql = (major: number) => `
  SELECT d.oid::text AS database, ${countedSince} AS server, pg_current_snapshot()::text AS transactions,
    coalesce(${sequences}, '') AS sequences, ${major < countersSince ? `''` : `coalesce(${counters}, '')`} AS counters,
    jsonb_build_array(ARRAY(SELECT r.oid || ' ' || r.rolname FROM pg_roles r ORDER BY r.oid),
      ARRAY(SELECT t.oid || ' ' || t.spcname FROM pg_tablespace t ORDER BY t.oid))::text AS surroundings,
    version() AS version, current_setting('server_version') AS number,
    EXISTS (SELECT FROM pg_extension x WHERE x.extname IN ${elsewhere})
      OR EXISTS (SELECT FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE a.amtype = 't' AND a.amname <> 'heap')
      AS elsewhere
  FROM pg_database d WHERE d.datname = current_database()`

type ReadingRow = Omit<ChangeReading, 'sessions'> &
  Row & { readonly version: string; readonly number: string; readonly elsewhere: boolean }

/**
 * Reads what shows later whether anything was changed. Undefined where transactions and counters do not tell it all: on
 * a standby, whose changes come from another server; on what is only akin to PostgreSQL; where rows are kept elsewhere
 * than in its own heap. Waits for no lock longer than a second, then throws what the server says.
 */
export async function readChanges(
  connection: Connection,
  { major, inRecovery, database }: Pick<DatabaseFacts, 'major' | 'inRecovery' | 'database'>,
): Promise<ChangeReading | undefined> {
  if (inRecovery) return undefined
  // Before the counters: whoever is gone by now has told them what he wrote.
  const sessions = await connection.query<SessionRow>(`SELECT pg_stat_clear_snapshot(); ${sessionsSql}`)
  const properties = await readProperties(connection, database)
  const [row] = await connection.query<ReadingRow>(
    `SET LOCAL lock_timeout = '1s'; SELECT pg_stat_clear_snapshot(); ${readingSql(major)}`,
  )
  if (row === undefined || row.elsewhere || !isPostgres(row)) return undefined
  const { server, transactions, counters, sequences } = row
  const surroundings = JSON.stringify([row.surroundings, properties])
  const others = sessions.map(otherSession)
  return { server, database: row.database, transactions, counters, sequences, surroundings, sessions: others }
}

function otherSession({ id, resting }: SessionRow): OtherSession {
  return { id, restingSince: resting ?? undefined }
}

/** Whether it is PostgreSQL itself: its relatives say their own name beside the number that they are compatible with. */
export function isPostgres({ version, number }: { readonly version: string; readonly number: string }): boolean {
  const known = /^\d+(\.\d+|devel|beta\d+|rc\d+)( \(.*\))?$/.test(number)
  return known && [' on ', ', compiled by '].some((next) => version.startsWith(`PostgreSQL ${number}${next}`))
}
