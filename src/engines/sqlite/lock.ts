import { constants, Database } from 'bun:sqlite'
import { createHash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure } from '../../failure.ts'
import { isBusy, whoHolds } from './access.ts'
import { SqliteProblem } from './thread.ts'

/** Lets go of a lock; harmless when called twice. */
export type Release = () => void

/**
 * The one lock of our operations on a database file, for this user on this machine. It is SQLite's own lock on an empty
 * file of ours, kept by the kernel for as long as the process lives: a dead holder leaves nothing to clear.
 */
export async function lockOperations(signal: AbortSignal, path: string, seconds: number): Promise<Release> {
  const file = lockFileOf(path)
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    signal.throwIfAborted()
    const release = tryLock(file)
    if (release !== undefined) return release
    if (Date.now() >= deadline) throw held(path, file, seconds)
    await sleep(50)
  }
}

function lockFileOf(path: string): string {
  const folder = join(tmpdir(), `db-seatbelt-${userInfo().uid}`)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const found = lstatSync(folder)
  if (!found.isDirectory() || (found.uid !== userInfo().uid && userInfo().uid !== -1)) throw notOurs(folder)
  return join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.lock`)
}

function tryLock(file: string): Release | undefined {
  const database = new Database(file, constants.SQLITE_OPEN_READWRITE | constants.SQLITE_OPEN_CREATE)
  try {
    database.run('BEGIN EXCLUSIVE')
    return () => database.close()
  } catch (error) {
    database.close()
    if (isBusy(asProblem(error))) return undefined
    throw error
  }
}

/** An error of `bun:sqlite` in our words. */
export function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  return new SqliteProblem(String(error.code), error.message)
}

function held(path: string, file: string, seconds: number): Failure {
  const why = whoHolds(file).map((line) => line.replace('has the file open', 'holds it'))
  const next = ['wait until that operation is done, and run this again']
  return new Failure(exitCode.busy, {
    what: `another operation of db-seatbelt holds the SQLite database ${onOneLine(path)} (waited ${seconds} s)`,
    why,
    next,
  })
}

function notOurs(folder: string): Failure {
  const what = `the folder for locks, ${folder}, belongs to somebody else`
  return new Failure(exitCode.busy, { what, next: ['set TMPDIR to a folder of your own'] })
}
