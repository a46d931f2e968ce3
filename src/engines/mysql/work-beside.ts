import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { RestoreRequest } from '../engine.ts'
import { readCharset, readServer, type Server } from './catalogue.ts'
import { findClient } from './client.ts'
import { reachServer, serverTarget } from './connect.ts'
import { redacted } from './connect-failure.ts'
import { type Connection, errorSentence } from './connection.ts'
import { takeLock } from './lock.ts'
import { accountOf } from './names.ts'
import { recoverLeftovers } from './recover.ts'
import type { RestorePlace } from './restore-place.ts'
import { readRights } from './rights.ts'

/**
 * Reaches the server, takes the lock, clears what an interrupted run left, and does the work; what was cleared is in its
 * notes. Throws a `Failure` (40) that says that the `job` failed.
 */
export async function workBeside<Outcome extends { readonly notes: readonly string[] }>(
  io: Io,
  request: RestoreRequest,
  job: string,
  work: (place: RestorePlace) => Promise<Outcome>,
): Promise<Outcome> {
  const target = serverTarget(request.target)
  // Our own statements end in seconds and leave the database whole: an interruption is looked at between them.
  const connection = await reachServer({ ...io, signal: new AbortController().signal }, target)
  try {
    const server = { ...(await readServer(connection)), database: await storedName(connection, target.database) }
    await takeLock(connection, server.database, 10)
    const recovered = await recoverLeftovers(connection, server)
    const outcome = await work(await placeOf({ io, request, target, connection, server }))
    return { ...outcome, notes: [...recovered, ...outcome.notes] }
  } catch (error) {
    throw asFailure(error, target, io, job)
  } finally {
    await connection.end()
  }
}

type Reached = Pick<RestorePlace, 'io' | 'request' | 'target' | 'connection' | 'server'>

async function placeOf(reached: Reached): Promise<RestorePlace> {
  const { io, connection, server } = reached
  const program = await findClient(io, 'load', server)
  const charset = await readCharset(connection, server.database)
  return { ...reached, program, charset, ...(await definerLimit(connection, server)) }
}

async function storedName(connection: Connection, name: string): Promise<string> {
  const [row] = await connection.query('SELECT @@lower_case_table_names AS setting')
  return row?.['setting'] === 1 ? name.toLowerCase() : name
}

const definerRights = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER']

async function definerLimit(connection: Connection, server: Server): Promise<{ readonly onlyDefiner?: string }> {
  const rights = await readRights(connection)
  const free = definerRights.some((right) => rights.has(right, '*'))
  return free ? {} : { onlyDefiner: accountOf(server.account) }
}

function asFailure(error: unknown, target: ServerTarget, io: Io, job: string): unknown {
  if (error instanceof Failure || (io.signal.aborted && error === io.signal.reason)) return error
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `The ${job} of ${target.database} failed`,
      why: [redacted(errorSentence(error), target)],
      next: ['the database is as it was before; correct what the server said, then run it again'],
    },
    error,
  )
}
