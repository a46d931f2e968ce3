import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import type { FileTarget } from '../../target/target.ts'
import type { NothingToLose, ServerFacts, Session } from '../engine.ts'
import { cannotOpen, leavingNoTrace, type Reading, readingOf, sizeOf } from './access.ts'
import { readTables } from './catalogue.ts'
import { changeMarkOf } from './change-mark.ts'
import { writeCopy } from './dump.ts'
import { liveContents } from './live.ts'
import { locate } from './locate.ts'
import { lockOperations, type Release } from './lock.ts'
import { noPlaceForMarker, railsMarkers } from './markers.ts'
import { clearLeftovers } from './scratch.ts'
import { inThread, SqliteProblem } from './thread.ts'

/** Reaches a SQLite file, read-only. Throws a `Failure` (11). */
export async function connect(io: Io, target: FileTarget): Promise<Session | NothingToLose> {
  const found = await locate(target.database)
  if (found.state === 'nothing') return found
  return leavingNoTrace(io.signal, found.path, async () => {
    const reading = await readingOf(io.signal, found.path)
    const facts = await factsOf(io, found.path, reading).catch((error) => {
      throw error instanceof SqliteProblem ? cannotOpen(found.path, error) : error
    })
    return sessionOn(io, found.path, reading, facts)
  })
}

function sessionOn(io: Io, path: string, reading: Reading, server: ServerFacts): Session {
  let release: Release | undefined
  return {
    state: 'open',
    server,
    lock: async (seconds) => {
      release ??= await lockOperations(io.signal, path, seconds)
      // Where the folder is not ours to write to, they stay.
      const cleared = await clearLeftovers(path).catch(() => [])
      for (const name of cleared)
        io.terminal.say(`Cleared ${onOneLine(name)}, left behind by a restore that was killed`)
    },
    client: async () => undefined,
    dump: async () => ({ kind: 'file', write: (copy) => writeCopy(io, { path, reading, server }, copy) }),
    changeMark: () => changeMarkOf(io, path, reading),
    contents: (seconds) => liveContents(io, path, reading, seconds),
    mark: async () => {
      throw noPlaceForMarker(path)
    },
    close: async () => {
      release?.()
      release = undefined
    },
  }
}

function factsOf(io: Io, path: string, reading: Reading): Promise<ServerFacts> {
  return inThread(io.signal, reading.opening, async (connection) => {
    const [version] = await connection.rows('SELECT sqlite_version() AS version')
    const tables = await readTables(connection)
    const sizeBytes = sizeOf(path) + Math.max(0, sizeOf(`${path}-wal`))
    const markers = await railsMarkers(connection)
    return { version: String(version?.['version']), sizeBytes, tables: tables.length, markers }
  })
}
