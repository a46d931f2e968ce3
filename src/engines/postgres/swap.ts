import { setTimeout as sleep } from 'node:timers/promises'
import type { Connection } from './connection.ts'
import { quoteIdentifier, quoteLiteral } from './names.ts'
import { restoreFailure } from './restore-failure.ts'
import { markText, type RestoreNames } from './scratch.ts'

export type SwapPlan = {
  readonly names: RestoreNames
  readonly liveExists: boolean
  /** The comment of the restored database; empty: none. */
  readonly comment: string
  readonly now: Date
  /** Two connections to another database: one renames, the other ends the sessions that come in between. */
  readonly renaming: Connection
  readonly ending: Connection
}

/** The swap, in one transaction: all of it happens, or nothing. */
export function swapSql({
  names,
  liveExists,
  comment,
  now,
}: Pick<SwapPlan, 'names' | 'liveExists' | 'comment' | 'now'>): string {
  const [live, scratch, former] = [names.live, names.scratch, names.former].map(quoteIdentifier)
  const mark = quoteLiteral(markText({ role: 'former', database: names.live, at: now.toISOString() }))
  return [
    'BEGIN',
    ...(liveExists ? [`ALTER DATABASE ${live} RENAME TO ${former}`] : []),
    `ALTER DATABASE ${scratch} RENAME TO ${live}`,
    `COMMENT ON DATABASE ${live} IS ${comment === '' ? 'NULL' : quoteLiteral(comment)}`,
    ...(liveExists ? [`COMMENT ON DATABASE ${former} IS ${mark}`] : []),
    'COMMIT',
  ].join('; ')
}

/** Ends the live database's sessions and puts the loaded one in its place. Notes whose sessions were ended. */
export async function swap(plan: SwapPlan): Promise<string[]> {
  const { names, liveExists, ending } = plan
  if (!liveExists) {
    await rename(plan)
    return []
  }
  await refusePrepared(ending, names.live)
  const ended = await endSessions(ending, names.live)
  refuseStaying(ended, names.live)
  let renamed = false
  const work = rename(plan).finally(() => {
    renamed = true
  })
  work.catch(() => undefined)
  // RENAME waits up to 5 s for the last session to leave; a pool comes back at once, and has to be shown out again.
  while (!renamed) {
    await Promise.race([work.catch(() => undefined), sleep(40)])
    if (!renamed) ended.push(...(await endSessions(ending, names.live).catch(() => [])))
  }
  await work
  return sessionNotes(ended.filter(({ denied }) => !denied))
}

async function rename({ renaming, ...plan }: SwapPlan): Promise<void> {
  try {
    await renaming.query(swapSql(plan))
  } catch (error) {
    await renaming.query('ROLLBACK').catch(() => [])
    throw error
  }
}

// A prepared transaction holds its database until it is committed or rolled back, session or not.
async function refusePrepared(connection: Connection, database: string): Promise<void> {
  const sql = 'SELECT gid::text AS gid FROM pg_prepared_xacts WHERE database = $1'
  const found = await connection.query<{ gid: string }>(sql, [database])
  if (found.length === 0) return
  const ids = found.map(({ gid }) => quoteLiteral(gid)).join(', ')
  throw restoreFailure(database, `database ${database} has prepared transactions: ${ids}`, [
    'COMMIT PREPARED or ROLLBACK PREPARED each of them, then run this again',
  ])
}

type Ended = { readonly application: string; readonly user: string; readonly denied: boolean }

type SessionRow = { readonly pid: number; readonly application: string; readonly user: string }

// Autovacuum's workers have no user, and leave by themselves when a rename waits.
const sessionsSql = `
  SELECT pid, coalesce(nullif(application_name, ''), 'unnamed') AS application, coalesce(usename::text, '') AS user
  FROM pg_stat_activity WHERE datname = $1 AND usesysid IS NOT NULL AND pid <> pg_backend_pid()`

async function endSessions(connection: Connection, database: string): Promise<Ended[]> {
  const ended: Ended[] = []
  for (const { pid, application, user } of await connection.query<SessionRow>(sessionsSql, [database])) {
    const denied = await connection.query('SELECT pg_terminate_backend($1)', [pid]).then(
      () => false,
      () => true,
    )
    ended.push({ application, user, denied })
  }
  return ended
}

function refuseStaying(sessions: readonly Ended[], database: string): void {
  const staying = sessions.filter(({ denied }) => denied)
  if (staying.length === 0) return
  const who = staying.map(({ application, user }) => `${application} (user ${user})`).join(', ')
  throw restoreFailure(database, `sessions that may not be ended are on database ${database}: ${who}`, [
    'end them, or restore as a superuser, or as a member of pg_signal_backend',
  ])
}

/** "3 sessions were ended: psql, php-fpm (2)". */
function sessionNotes(ended: readonly Pick<Ended, 'application'>[]): string[] {
  if (ended.length === 0) return []
  const counts = new Map<string, number>()
  for (const { application } of ended) counts.set(application, (counts.get(application) ?? 0) + 1)
  const names = [...counts].map(([name, count]) => (count === 1 ? name : `${name} (${count})`))
  return [`${ended.length === 1 ? '1 session was' : `${ended.length} sessions were`} ended: ${names.join(', ')}`]
}
