import { exitCode, Failure } from '../../failure.ts'
import { type Connection, errorNumber } from './connection.ts'
import { qualified } from './names.ts'

/** Locks of tables that other sessions hold are waited for this long, in seconds. */
export const patience = {
  /** Before anything was touched. */
  before: 10,
  /** While something stands open: the others wait behind us. */
  swapping: 5,
  /** For what has to come to its end. */
  lasting: 60,
} as const

export async function waitAtMost(connection: Connection, seconds: number): Promise<void> {
  await connection.query(`SET SESSION lock_wait_timeout = ${seconds}`)
}

/**
 * Throws a `Failure` (40) where another session is at these tables: they are locked for a moment, before anything is
 * touched. Without the right to lock it is found later.
 */
export async function ensureFree(connection: Connection, database: string, tables: readonly string[]): Promise<void> {
  if (tables.length === 0) return
  await waitAtMost(connection, patience.before)
  try {
    await connection.query(`LOCK TABLES ${tables.map((table) => `${qualified(database, table)} WRITE`).join(', ')}`)
  } catch (error) {
    if (isBusy(error)) throw await busyFailure(connection, database, error)
  } finally {
    await connection.query('UNLOCK TABLES')
  }
}

const lockErrors = new Set([1205, 1213])

export function isBusy(error: unknown): boolean {
  return lockErrors.has(errorNumber(error))
}

export async function busyFailure(connection: Connection, database: string, cause: unknown): Promise<Failure> {
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `Database ${database} is in use: its tables could not be locked for the swap`,
      why: await holders(connection, database),
      next: ['the database is as it was before; end what works with it, then run the restore again'],
    },
    cause,
  )
}

// Those in a transaction, where this account may see which are; what they run may hold data, and is not shown.
async function holders(connection: Connection, database: string): Promise<readonly string[]> {
  const sessions = await connection
    .query(
      `SELECT ID AS id, USER AS user, HOST AS host, COMMAND AS command, TIME AS seconds
         FROM information_schema.PROCESSLIST
        WHERE DB = ? AND ID <> CONNECTION_ID() AND COALESCE(STATE, '') NOT LIKE 'Waiting for table%'`,
      [database],
    )
    .catch(() => [])
  const open = await connection
    .query('SELECT trx_mysql_thread_id AS id FROM information_schema.INNODB_TRX')
    .catch(() => [])
  const ids = new Set(open.map((row) => Number(row['id'])))
  const inTransaction = sessions.filter((row) => ids.has(Number(row['id'])))
  return (inTransaction.length > 0 ? inTransaction : sessions)
    .slice(0, 5)
    .map((row) => `connection ${row['id']} of ${row['user']}@${row['host']}: ${row['command']} for ${row['seconds']} s`)
}
