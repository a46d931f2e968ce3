import { createHash } from 'node:crypto'
import type { Io } from '../../effects/io.ts'
import type { ServerTarget } from '../../target/target.ts'
import { type Connection, openConnection } from './connection.ts'
import { databaseLock, takeLock } from './lock.ts'
import { type Login, loginOf } from './login.ts'
import { asRestoreFailure } from './restore-failure.ts'
import { unreachable } from './unreachable.ts'

export const lockSeconds = 30

/** Where a restore works. */
export type Work = {
  readonly io: Io
  readonly target: ServerTarget
  readonly login: Login
  readonly server: Server
  /** A session in another database (or in the live one, where no other lets us in). */
  readonly connection: Connection
  readonly besideName: string
  readonly besideIsLive: boolean
}

/** Does what is to be done beside a database, under the lock of its restores. Throws a `Failure` (40, 50). */
export async function workBeside<R>(io: Io, target: ServerTarget, task: (work: Work) => Promise<R>): Promise<R> {
  const login = await loginOf(io, target)
  const { connection, name, isLive } = await openBeside(io, login, target)
  try {
    const server = await readServer(connection, target.database)
    await takeLock(connection, lockKey(target.database), lockSeconds, target.database)
    return await task({ io, target, login, server, connection, besideName: name, besideIsLive: isLive })
  } catch (error) {
    io.signal.throwIfAborted()
    throw asRestoreFailure(error, target.database)
  } finally {
    await connection.close()
  }
}

/** A session on the live database that keeps backups of it away until the swap. */
export async function holdLive({ io, login, target }: Work): Promise<Connection> {
  const connection = await openConnection(login, target.database, io)
  await connection.query(sessionSettings)
  await takeLock(connection, databaseLock, lockSeconds, target.database)
  return connection
}

/** Restores of one database take turns, under a key made of its name: it may not exist, so it cannot hold the lock itself. */
function lockKey(database: string): number {
  return createHash('sha256').update(database).digest().readUInt32BE(0) >>> 1
}

type Beside = { readonly connection: Connection; readonly name: string; readonly isLive: boolean }

/**
 * Opens a session in another database of the server, as a rename needs; where none lets us in, in the live one itself.
 * Throws a `Failure` (11).
 */
export async function openBeside(io: Io, login: Login, target: ServerTarget): Promise<Beside> {
  const others = ['postgres', 'template1'].filter((name) => name !== target.database)
  let first: unknown
  for (const name of [...others, target.database]) {
    try {
      const connection = await openConnection(login, name, io)
      await connection.query(sessionSettings)
      return { connection, name, isLive: name === target.database }
    } catch (error) {
      io.signal.throwIfAborted()
      first ??= error
      if (!closedToUs.has((error as { code?: string }).code ?? '')) throw unreachable(error, { login, target })
    }
  }
  throw unreachable(first, { login, target })
}

const closedToUs = new Set(['3D000', '28000', '42501', '55000', '53300'])

/** For every session that makes or loads a database. */
export const sessionSettings = `
  SET search_path = pg_catalog; SET lock_timeout = '30s'; SET statement_timeout = 0;
  SET default_transaction_read_only = off; SET standard_conforming_strings = on;
  SELECT set_config(name, '0', false) FROM pg_settings
    WHERE name IN ('idle_in_transaction_session_timeout', 'idle_session_timeout', 'transaction_timeout')`

/** What a server lets this user do with one of its databases. */
export type Server = {
  readonly major: number
  readonly mayCreate: boolean
  readonly liveExists: boolean
  readonly ownsLive: boolean
  readonly inRecovery: boolean
}

async function readServer(connection: Connection, database: string): Promise<Server> {
  const [row] = await connection.query<{ number: number; create: boolean; owns: boolean | null; recovery: boolean }>(
    `SELECT current_setting('server_version_num')::int AS number, rolcreatedb OR rolsuper AS create,
       pg_is_in_recovery() AS recovery,
       (SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = $1) AS owns
     FROM pg_roles WHERE rolname = current_user`,
    [database],
  )
  if (row === undefined) throw new Error('the server gave no answer')
  const liveExists = row.owns !== null
  const major = Math.floor(row.number / 10_000)
  return { major, mayCreate: row.create, liveExists, ownsLive: row.owns ?? true, inRecovery: row.recovery }
}
