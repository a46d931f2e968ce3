import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerWrites } from '../engine.ts'
import type { Connection, Row } from './connection.ts'
import type { DatabaseFacts } from './facts.ts'
import { isOwnMark } from './marker.ts'

/**
 * SQL for what was inserted, updated and deleted in the database of this connection, system tables included; without
 * what ANALYZE writes, also that of autovacuum: it changes nothing that anybody wrote.
 */
export const ownCounters = `(
  SELECT concat_ws('/', w.tup_inserted - sum(pg_stat_get_tuples_inserted(s.oid)),
    w.tup_updated - sum(pg_stat_get_tuples_updated(s.oid)), w.tup_deleted - sum(pg_stat_get_tuples_deleted(s.oid)))
  FROM pg_stat_database w, pg_class c, unnest(ARRAY[c.oid, c.reltoastrelid]) s(oid)
  WHERE w.datname = current_database() AND c.oid IN ('pg_statistic'::regclass, 'pg_statistic_ext_data'::regclass)
  GROUP BY w.tup_inserted, w.tup_updated, w.tup_deleted)`

/**
 * SQL for the moment since which the server counts: its start, and the time of a crash of one of its processes, after
 * which it goes on with counters of 0 (all its statistics have that as the time of their reset).
 */
export const countedSince = `concat_ws('/', ${microseconds('pg_postmaster_start_time()')},
  (SELECT ${microseconds('stats_reset')} FROM pg_stat_bgwriter))`

/** SQL for a time as a number: as a text it is written as the database or the role wants it. */
export function microseconds(time: string): string {
  return `(extract(epoch FROM ${time}) * 1000000)::bigint`
}

// Since 14 the sessions of clients are counted, autovacuum's are not. Who is there now may come and go uncounted.
const writesSql = (major: number, which: string) => `
  SELECT d.datname::text AS name, coalesce(shobj_description(d.oid, 'pg_database'), '') AS comment,
    d.oid || ' ' || CASE WHEN d.datname = current_database() THEN ${ownCounters}
      ELSE w.tup_inserted || '/' || w.tup_updated || '/' || w.tup_deleted END AS written,
    ${major < 14 ? 'NULL' : "d.oid || ' ' || w.sessions"} AS sessions,
    EXISTS (SELECT FROM pg_stat_activity a WHERE a.datid = d.oid AND a.usesysid IS NOT NULL) AS visited,
    ${countedSince} AS since
  FROM pg_database d JOIN pg_stat_database w ON w.datid = d.oid ${which}`

// What was made a template, or closed, since the first reading is not gone.
const usable = 'WHERE d.datallowconn AND NOT d.datistemplate'

type WritesRow = Row & {
  readonly name: string
  readonly comment: string
  readonly written: string
  readonly sessions: string | null
  readonly visited: boolean
  readonly since: string
}

/**
 * Reads what the server counted so far. A session that is still open may be ten seconds late in telling, one that has
 * ended is not. Undefined where nothing is counted: by setting, or on a standby, which takes its changes from elsewhere.
 */
export async function readWrites(
  connection: Connection,
  facts: Pick<DatabaseFacts, 'major' | 'inRecovery'>,
  earlier: ServerWrites | undefined,
): Promise<ServerWrites | undefined> {
  const [setting] = await connection.query<{ track_counts: string }>('SHOW track_counts')
  if (setting?.track_counts !== 'on' || facts.inRecovery) return undefined
  if (facts.major < 15) await untilCollected(connection)
  const sql = writesSql(facts.major, earlier === undefined ? usable : '')
  const rows = await connection.query<WritesRow>(`SELECT pg_stat_clear_snapshot(); ${sql}`)
  return withoutHousekeeping(writesOf(rows), earlier)
}

const collectorSeconds = 1

// Until 14 a process of its own collects what the others tell, and shows what it knew up to half a second ago: what is
// wanted is all until this session began. Whoever looks first in half a second waits for nothing.
async function untilCollected(connection: Connection): Promise<void> {
  const began = `(SELECT backend_start FROM pg_stat_activity WHERE pid = pg_backend_pid())`
  const deadline = performance.now() + collectorSeconds * 1000
  while (performance.now() < deadline) {
    const sql = `SELECT pg_stat_clear_snapshot(); SELECT pg_stat_get_snapshot_timestamp() >= ${began} AS fresh`
    const [row] = await connection.query<{ fresh: boolean | null }>(sql)
    if (row?.fresh !== false) return
    await sleep(25)
  }
}

function writesOf(rows: readonly WritesRow[]): ServerWrites {
  const databases = new Map<string, string>()
  const visits = new Map<string, string>()
  for (const { name, comment, written, sessions, visited } of rows) {
    if (isOwnMark(comment)) continue
    databases.set(name, written)
    if (sessions !== null && !visited) visits.set(name, sessions)
  }
  return { since: rows[0]?.since ?? '', databases, visits }
}

/** The reading, with the texts of the earlier one for databases that no client came to in between. */
export function withoutHousekeeping(now: ServerWrites, earlier: ServerWrites | undefined): ServerWrites {
  if (earlier === undefined || earlier.since !== now.since) return now
  const databases = new Map(now.databases)
  for (const [name, sessions] of now.visits ?? []) {
    const written = earlier.databases.get(name)
    if (written !== undefined && earlier.visits?.get(name) === sessions) databases.set(name, written)
  }
  return { ...now, databases }
}
