import type { Io } from '../../effects/io.ts'
import { Failure } from '../../failure.ts'
import type { ServerTarget, Target } from '../../target/target.ts'
import type { ChangeMark, Engine, NothingToLose, ServerFacts, Session } from '../engine.ts'
import { type ClientFolder, dumpTool, findClient } from './clients.ts'
import { type Connection, openConnection } from './connection.ts'
import { startDump } from './dump.ts'
import { type DatabaseFacts, readFacts } from './facts.ts'
import { databaseLock, takeLock } from './lock.ts'
import { type Login, loginOf, placeName } from './login.ts'
import { quoteIdentifier } from './names.ts'
import { refusePooler } from './pooler.ts'
import { clearScratches } from './scratch.ts'
import { unreachable } from './unreachable.ts'

export const postgres: Engine = {
  name: 'postgres',
  extension: 'sql',
  connect,
  scan: async (_io, content) => (await import('./scan.ts')).scanDump(content),
  restore: async (io, request) => (await import('./restore.ts')).restoreDump(io, request),
  instant: {
    copy: async (io, target, backup) => (await import('./instant.ts')).copyInside(io, serverOf(target), backup),
    list: async (io, target) => (await import('./instant-list.ts')).listCopies(io, serverOf(target)),
    connected: async (io, target) => (await import('./instant-list.ts')).connectedTo(io, serverOf(target)),
    swapIn: async (io, target, copy, beforeSwap) =>
      (await import('./instant-swap.ts')).swapCopyIn(io, serverOf(target), copy, beforeSwap),
    remove: async (io, target, copy) => (await import('./instant-list.ts')).removeCopy(io, serverOf(target), copy),
    dropCommand: ({ name }) => `DROP DATABASE ${quoteIdentifier(name)}`,
  },
  rehearse: async (io, request) => (await import('./rehearse.ts')).rehearseDump(io, request),
}

function serverOf(target: Target): ServerTarget {
  if (target.engine === 'postgres') return target
  throw new Error(`not a PostgreSQL target: ${target.engine}`)
}

async function connect(io: Io, given: Target): Promise<Session | NothingToLose> {
  const target = serverOf(given)
  const login = await loginOf(io, target)
  let connection: Connection | undefined
  try {
    connection = await openConnection(login, target.database, io)
    const facts = await readFacts(connection)
    const answersAnother = () => processBehind(login, target.database, io)
    await refusePooler(target, { handshake: connection.processId, answers: facts.processId, answersAnother })
    return sessionOf(io, { login, database: target.database, connection, facts })
  } catch (error) {
    await connection?.close()
    if (isMissingDatabase(error)) return nothing(target.database, login)
    throw io.signal.aborted || isFailure(error) ? error : unreachable(error, { login, target })
  }
}

async function processBehind(login: Login, database: string, io: Io): Promise<number | undefined> {
  const connection = await openConnection(login, database, io).catch(() => undefined)
  try {
    const [row] = (await connection?.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')) ?? []
    return row?.pid
  } finally {
    await connection?.close()
  }
}

function isMissingDatabase(error: unknown): boolean {
  return (error as { code?: string }).code === '3D000'
}

function isFailure(error: unknown): boolean {
  return error instanceof Failure
}

function nothing(database: string, login: Login): NothingToLose {
  return { state: 'nothing', reason: `database ${database} does not exist yet on ${placeName(login)}` }
}

type Open = {
  readonly login: Login
  readonly database: string
  readonly connection: Connection
  readonly facts: DatabaseFacts
}

function sessionOf(io: Io, { login, database, connection, facts }: Open): Session {
  let client: Promise<ClientFolder> | undefined
  const chosen = () => {
    client ??= findClient(io, facts.major)
    return client
  }
  return {
    state: 'open',
    server: serverFacts(facts),
    lock: async (seconds) => {
      await takeLock(connection, databaseLock, seconds, database)
      for (const note of await clearScratches(connection, database)) io.terminal.say(note)
    },
    client: async () => dumpTool(io, await chosen()),
    dump: async () => startDump(io, connection, { login, database, client: await chosen(), facts }),
    changeMark: async (earlier) => readMark(connection, facts, earlier),
    contents: async (seconds) => (await import('./contents.ts')).readContents(connection, seconds),
    writes: async (earlier) => (await import('./writes.ts')).readWrites(connection, facts, earlier),
    mark: async (value) => (await import('./mark.ts')).setMarker(connection, value),
    close: () => connection.close(),
  }
}

async function readMark(
  connection: Connection,
  facts: DatabaseFacts,
  earlier: ChangeMark['values'] | undefined,
): Promise<ChangeMark | undefined> {
  const reading = await (await import('./change-reading.ts')).readChanges(connection, facts)
  return reading && (await import('./change-mark.ts')).markOf(reading, earlier)
}

function serverFacts({
  version,
  database,
  sizeBytes,
  tables,
  address,
  startedAt,
  markers,
}: DatabaseFacts): ServerFacts {
  return { version, database, sizeBytes, tables, startedAt, markers, ...(address === undefined ? {} : { address }) }
}
