import { setTimeout as sleep } from 'node:timers/promises'
import { sessionSettings, type Work } from './beside.ts'
import { type Connection, openConnection } from './connection.ts'
import { quoteIdentifier, quoteLiteral } from './names.ts'
import { restoreFailure } from './restore-failure.ts'
import { markText, type RestoreNames } from './scratch.ts'
import { type DatabaseSession, namesAndUsersOf, namesOf, sessionsOn } from './sessions.ts'

/** Which database takes the place of which. */
export type SwapNames = {
  readonly live: string
  /** What takes its place. */
  readonly incoming: string
  readonly liveExists: boolean
}

export type SwapPlan = SwapNames & {
  /** One transaction that renames both: all of it happens, or nothing. */
  readonly sql: string
  /** Two connections to another database: one renames, the other ends the sessions that come in between. */
  readonly renaming: Connection
  readonly ending: Connection
}

/**
 * Swaps, and does what is to be done `afterwards`. From here on an interruption waits: it is a matter of seconds, and the
 * outcome has to be known. Throws with the database as it was before.
 */
export async function swapIn(
  work: Work,
  plan: SwapNames & { readonly sql: string },
  afterwards: (connection: Connection) => Promise<readonly string[]>,
): Promise<string[]> {
  const { io, login, besideName } = work
  const quiet = { environment: io.environment }
  const renaming = await openConnection(login, besideName, quiet)
  const ending = await openConnection(login, besideName, quiet)
  try {
    await renaming.query(sessionSettings)
    await ending.query(sessionSettings)
    io.signal.throwIfAborted()
    const notes = await swap({ ...plan, renaming, ending }).catch(async (error: unknown) => {
      if (await isSwapped(work, plan)) return []
      throw error
    })
    return [...notes, ...(await afterwards(ending))]
  } finally {
    await Promise.all([renaming.close(), ending.close()])
  }
}

// The connection may break just when the server commits: the server knows.
async function isSwapped({ io, login, besideName }: Work, { live, incoming }: SwapNames): Promise<boolean> {
  const connection = await openConnection(login, besideName, { environment: io.environment })
  try {
    const sql = 'SELECT datname::text AS name FROM pg_database WHERE datname = ANY ($1)'
    const found = await connection.query<{ name: string }>(sql, [[live, incoming]])
    return found.length === 1 && found[0]?.name === live
  } finally {
    await connection.close()
  }
}

type Restored = {
  readonly names: RestoreNames
  readonly liveExists: boolean
  /** The comment of the restored database; empty: none. */
  readonly comment: string
  readonly now: Date
}

/** The swap of a restored database. */
export function swapSql({ names, liveExists, comment, now }: Restored): string {
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
  const { live, liveExists, ending } = plan
  if (!liveExists) {
    await rename(plan)
    return []
  }
  await refusePrepared(ending, live)
  const ended = await endSessions(ending, live)
  refuseStaying(ended, live)
  let renamed = false
  const work = rename(plan).finally(() => {
    renamed = true
  })
  work.catch(() => undefined)
  // RENAME waits up to 5 s for the last session to leave; a pool comes back at once, and has to be shown out again.
  while (!renamed) {
    await Promise.race([work.catch(() => undefined), sleep(40)])
    if (!renamed) ended.push(...(await endSessions(ending, live).catch(() => [])))
  }
  await work
  return sessionNotes(ended.filter(({ denied }) => !denied))
}

async function rename({ renaming, sql }: SwapPlan): Promise<void> {
  try {
    await renaming.query(sql)
  } catch (error) {
    await renaming.query('ROLLBACK').catch(() => [])
    throw error
  }
}

// A prepared transaction holds its database until it is committed or rolled back, session or not.
export async function refusePrepared(connection: Connection, database: string): Promise<void> {
  const sql = 'SELECT gid::text AS gid FROM pg_prepared_xacts WHERE database = $1'
  const found = await connection.query<{ gid: string }>(sql, [database])
  if (found.length === 0) return
  const ids = found.map(({ gid }) => quoteLiteral(gid)).join(', ')
  throw restoreFailure(database, `database ${database} has prepared transactions: ${ids}`, [
    'COMMIT PREPARED or ROLLBACK PREPARED each of them, then run this again',
  ])
}

type Ended = Pick<DatabaseSession, 'application' | 'user'> & { readonly denied: boolean }

async function endSessions(connection: Connection, database: string): Promise<Ended[]> {
  const ended: Ended[] = []
  for (const { pid, application, user } of await sessionsOn(connection, database)) {
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
  const who = namesAndUsersOf(staying)
  throw restoreFailure(database, `sessions that may not be ended are on database ${database}: ${who}`, [
    'end them, or restore as a superuser, or as a member of pg_signal_backend',
  ])
}

/** "3 sessions were ended: psql, php-fpm (2)". */
function sessionNotes(ended: readonly Ended[]): string[] {
  if (ended.length === 0) return []
  return [`${ended.length === 1 ? '1 session was' : `${ended.length} sessions were`} ended: ${namesOf(ended)}`]
}
