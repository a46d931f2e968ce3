import { constants, Database } from 'bun:sqlite'
import { existsSync } from 'node:fs'
import { link, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { syncFolder } from '../../effects/files.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure } from '../../failure.ts'
import { isBusy, isDamage, sizeOf, untilDone } from './access.ts'
import { holderLines, holdersOf } from './holders.ts'
import { asProblem } from './lock.ts'
import { inThread, SqliteProblem } from './thread.ts'

/**
 * Puts the checked file `scratch` in the place of `live` by one rename. Before it, under SQLite's exclusive lock, the old
 * file takes in its `-wal` and its journal, so that at no moment one of them stands beside the wrong file: a crash at
 * any point leaves the old database whole, or the new one. A sound old file is kept as `former`, where that is given.
 */
export async function swap(
  signal: AbortSignal,
  live: string,
  scratch: string,
  former?: string,
): Promise<readonly string[]> {
  if (sizeOf(live) < 0) return putInPlace(live, scratch, await moveAside(live, ['-wal', '-journal', '-shm']))
  requireUnheld(live)
  const hold = await holdAlone(signal, live)
  if (hold === 'damaged') return putInPlace(live, scratch, await moveAside(live, ['-wal', '-journal', '-shm', '']))
  try {
    // Once more: whoever came after the first look waits for our lock, and would go on with the old file.
    requireUnheld(live)
    await rm(`${live}-journal`, { force: true })
    if (existsSync(`${live}-wal`)) throw new Error(`${live}-wal is still there`)
    await replace(live, scratch, former)
  } catch (error) {
    hold.giveBack()
    throw error
  }
  hold.end()
  await syncFolder(dirname(live))
  return holdersOf(live) === undefined ? [notLooked] : []
}

// A second name keeps the old file, and leaves no moment without a database.
async function replace(live: string, scratch: string, former: string | undefined): Promise<void> {
  if (former === undefined) return rename(scratch, live)
  await link(live, former)
  try {
    await rename(scratch, live)
  } catch (error) {
    await rm(former, { force: true })
    throw error
  }
}

const busySeconds = 10

const notLooked = 'whether other programs have the file open could not be found out here: restart those that use it'

async function putInPlace(live: string, scratch: string, notes: readonly string[]): Promise<readonly string[]> {
  await rename(scratch, live)
  await syncFolder(dirname(live))
  return notes
}

/** Renames what cannot be used but is nobody's backup either; SQLite must not find it beside the new file. */
async function moveAside(live: string, suffixes: readonly string[]): Promise<readonly string[]> {
  const present = suffixes.filter((suffix) => existsSync(`${live}${suffix}`))
  const mark = `.damaged-${Date.now()}`
  for (const suffix of present) await rename(`${live}${suffix}`, `${live}${mark}${suffix}`)
  return present.map(
    (suffix) => `${live}${suffix} was damaged or without its database: it is now ${live}${mark}${suffix}`,
  )
}

function requireUnheld(live: string): void {
  const holders = holdersOf(live) ?? []
  if (holders.length === 0) return
  const pids = holders.map((holder) => holder.pid).join(' ')
  throw new Failure(exitCode.restoreFailed, {
    what: `other programs have the SQLite database ${onOneLine(live)} open, and would go on writing into the old file; nothing was changed`,
    why: holderLines(holders),
    next: [`stop them (kill ${pids}), and run this again`],
  })
}

/** The old database, held so that nobody else can read or write it. */
type Hold = {
  /** Lets go of it as it was. */
  giveBack(): void
  end(): void
}

async function holdAlone(signal: AbortSignal, live: string): Promise<Hold | 'damaged'> {
  try {
    await takeInWal(signal, live)
    return await waitForHold(signal, live)
  } catch (error) {
    if (isDamage(error)) return 'damaged'
    throw isBusy(error) ? lockedByOthers(live) : error
  }
}

// The long part, in a thread; a reader that stands in the way shows again when we take the lock.
async function takeInWal(signal: AbortSignal, live: string): Promise<void> {
  await inThread(signal, { file: live, flags: constants.SQLITE_OPEN_READWRITE }, async (connection) => {
    await connection.rows('PRAGMA wal_checkpoint(TRUNCATE)')
    await connection.rows('SELECT count(*) FROM sqlite_schema')
  })
}

async function waitForHold(signal: AbortSignal, live: string): Promise<Hold> {
  const deadline = Date.now() + busySeconds * 1000
  for (;;) {
    signal.throwIfAborted()
    try {
      return hold(live)
    } catch (error) {
      if (!isBusy(error) || Date.now() >= deadline) throw error
    }
    await sleep(5)
  }
}

function hold(live: string): Hold {
  const database = new Database(live, constants.SQLITE_OPEN_READWRITE)
  try {
    database.run('PRAGMA locking_mode = EXCLUSIVE')
    const wasWal = modeOf(database, 'PRAGMA journal_mode') === 'wal'
    if (wasWal && modeOf(database, 'PRAGMA journal_mode = DELETE') === 'wal') throw inUse()
    database.run('BEGIN EXCLUSIVE')
    return { giveBack: () => giveBack(database, wasWal), end: () => database.close() }
  } catch (error) {
    database.close()
    throw asProblem(error)
  }
}

function inUse(): SqliteProblem {
  return new SqliteProblem('SQLITE_BUSY', 'another connection is open')
}

function giveBack(database: Database, wasWal: boolean): void {
  database.run('ROLLBACK')
  if (wasWal) modeOf(database, 'PRAGMA journal_mode = WAL')
  database.close()
}

// A statement that is left over keeps a closed connection, and its locks, until it is collected.
function modeOf(database: Database, pragma: string): unknown {
  using statement = database.prepare<{ journal_mode: string }, []>(pragma)
  return statement.get()?.journal_mode
}

function lockedByOthers(live: string): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `another program keeps the SQLite database ${onOneLine(live)} locked; nothing was changed`,
    why: holderLines(holdersOf(live) ?? []),
    next: untilDone,
  })
}
