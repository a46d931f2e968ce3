import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget, Target } from '../../target/target.ts'
import type { ClientTool, NothingToLose, Session } from '../engine.ts'
import { readServer, type Server } from './catalogue.ts'
import { findClient, type Program } from './client.ts'
import { reach, serverTarget } from './connect.ts'
import { type Connection, errorSentence } from './connection.ts'
import { startDump } from './dump.ts'
import { readFacts } from './facts.ts'
import { takeLock } from './lock.ts'
import { ensureWhole } from './marker.ts'
import { recoverLeftovers } from './recover.ts'

export async function connect(io: Io, target: Target): Promise<Session | NothingToLose> {
  const place = serverTarget(target)
  const reached = await reach(io, place)
  if ('state' in reached) return reached
  try {
    return await openSession(io, place, reached)
  } catch (error) {
    await reached.end()
    throw error
  }
}

async function openSession(io: Io, target: ServerTarget, connection: Connection): Promise<Session> {
  const server = await readServer(connection)
  if (server.database === '') throw new Failure(exitCode.cannotConnect, { what: 'The server named no database' })
  const facts = await readFacts(connection, server)
  let found: Promise<Program> | undefined
  const program = () => (found ??= findClient(io, 'dump', server))
  const access = { target, route: connection.route, encrypted: connection.encrypted }
  return {
    state: 'open',
    server: facts,
    lock: async (seconds) => {
      await takeLock(connection, server.database, seconds)
      for (const note of await recovered(io, connection, server)) io.terminal.warn(note)
      await ensureWhole(connection, server.database)
    },
    client: async (): Promise<ClientTool> => {
      const { name, path, version } = await program()
      return { name, path, version }
    },
    dump: async () => {
      await ensureWhole(connection, server.database)
      return startDump({ io, connection, server, access, program: await program() })
    },
    changeMark: async () => (await import('./change-mark.ts')).readChangeMark(connection, server),
    contents: async (seconds) => (await import('./contents.ts')).readContents({ connection, server, program }, seconds),
    writes: async (earlier) => (await import('./writes.ts')).readWrites(connection, server, facts, earlier),
    mark: async (value) => (await import('./mark.ts')).setMarker(connection, server, value),
    close: () => connection.end(),
  }
}

// What a restore left is not this operation's: where it cannot be cleared it is said, and the operation goes on.
async function recovered(io: Io, connection: Connection, server: Server): Promise<readonly string[]> {
  try {
    return await recoverLeftovers(connection, server)
  } catch (error) {
    io.signal.throwIfAborted()
    return [`what an interrupted restore of ${server.database} left could not be cleared: ${errorSentence(error)}`]
  }
}
