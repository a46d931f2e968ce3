import { setTimeout as sleep } from 'node:timers/promises'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { Connection } from './connection.ts'

/** Our key pair among the server's advisory locks: the second number tells what is locked. */
export const lockSpace = 0x5ea7be17
export const databaseLock = 1

/**
 * Waits for the lock; the server gives it up when our connection ends. Throws a `Failure`: 50 after `seconds`, 11 where the
 * connection was ended meanwhile, as a restore does that swaps the database.
 */
export async function takeLock(connection: Connection, key: number, seconds: number, database: string): Promise<void> {
  const deadline = performance.now() + seconds * 1000
  for (let pause = 50; ; pause = Math.min(pause * 2, 500)) {
    if (await tryLock(connection, key, database)) return
    const left = deadline - performance.now()
    if (left <= 0) throw busy(database, seconds, await holderOf(connection, key))
    await sleep(Math.min(pause, left))
  }
}

async function tryLock(connection: Connection, key: number, database: string): Promise<boolean> {
  try {
    const sql = 'SELECT pg_try_advisory_lock($1, $2) AS locked'
    const [row] = await connection.query<{ locked: boolean }>(sql, [lockSpace, key])
    return row?.locked === true
  } catch (error) {
    if (error instanceof Failure) throw error
    throw new Failure(
      exitCode.cannotConnect,
      {
        what: `the server ended our connection to database ${database} before anything was done`,
        why: [messageOf(error)],
        next: ['run the same command again'],
      },
      error,
    )
  }
}

type Holder = { readonly pid: number; readonly address: string | null; readonly since: string }

async function holderOf(connection: Connection, key: number): Promise<Holder | undefined> {
  const sql = `
    SELECT l.pid, a.client_addr::text AS address, to_char(a.backend_start, 'YYYY-MM-DD HH24:MI:SS') AS since
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = $1 AND l.objid::bigint = $2
      AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`
  const [holder] = await connection.query<Holder>(sql, [lockSpace, key]).catch(() => [])
  return holder
}

function busy(database: string, seconds: number, holder: Holder | undefined): Failure {
  const held = `held by server process ${holder?.pid} since ${holder?.since}`
  return new Failure(exitCode.busy, {
    what: `another operation of db-seatbelt holds database ${database} (waited ${seconds} s)`,
    ...(holder === undefined ? {} : { why: [holder.address === null ? held : `${held}, from ${holder.address}`] }),
    next: ['wait for it to end and run this again'],
  })
}
