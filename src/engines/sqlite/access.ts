import { constants } from 'bun:sqlite'
import { statSync } from 'node:fs'
import { dirname } from 'node:path'
import { onOneLine } from '../../effects/terminal.ts'
import type { Failure } from '../../failure.ts'
import { shellWords } from '../../shell-words.ts'
import { holderLines, holdersOf } from './holders.ts'
import { unreachable } from './locate.ts'
import { uriOf } from './names.ts'
import { type Connection, inThread, type Opening, SqliteProblem } from './thread.ts'

/** How the file can be read here. */
export type Reading = {
  readonly opening: Opening
  /** Nobody can write beside the file, and SQLite takes no lock: what changes meanwhile has to be noticed. */
  readonly immutable: boolean
  readonly notes: readonly string[]
}

/** Finds out how a database can be opened read-only. Throws a `Failure` (11) that says why it cannot. */
export async function readingOf(signal: AbortSignal, path: string): Promise<Reading> {
  const plain = { opening: { file: path, flags: constants.SQLITE_OPEN_READONLY }, immutable: false, notes: [] }
  const problem = await problemWith(signal, plain)
  if (problem === undefined) return plain
  const other = await otherReading(signal, path, plain, problem)
  const left = other === undefined ? problem : await problemWith(signal, other)
  if (other === undefined || left !== undefined) throw cannotOpen(path, left ?? problem)
  return other
}

async function otherReading(
  signal: AbortSignal,
  path: string,
  plain: Reading,
  problem: SqliteProblem,
): Promise<Reading | undefined> {
  if (needsRecovery(problem)) return (await recover(signal, path)) ? { ...plain, notes: [recovered] } : undefined
  if (!cannotWriteBeside(problem) || sizeOf(`${path}-wal`) > 0) return undefined
  return { opening: immutably(path), immutable: true, notes: [] }
}

/** Opens a file that nobody changes: without locks, and without files beside it. */
export function immutably(path: string): Opening {
  return { file: uriOf(path, 'immutable=1'), flags: constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI }
}

// A crash in the middle of a transaction: SQLite may not read before that was rolled back, as the next program would do.
function needsRecovery(problem: SqliteProblem): boolean {
  return problem.code === 'SQLITE_READONLY_ROLLBACK' || problem.code === 'SQLITE_READONLY_RECOVERY'
}

const recovered = 'a transaction that a crash had interrupted was rolled back first'

// WAL mode in a folder that we may not write into: SQLite cannot make the -shm that readers share.
function cannotWriteBeside(problem: SqliteProblem): boolean {
  return /^SQLITE_(CANTOPEN|READONLY)/.test(problem.code)
}

async function recover(signal: AbortSignal, path: string): Promise<boolean> {
  const opening = { file: path, flags: constants.SQLITE_OPEN_READWRITE }
  return (await problemOf(inThread(signal, opening, touch))) === undefined
}

function problemWith(signal: AbortSignal, reading: Reading): Promise<SqliteProblem | undefined> {
  return problemOf(inThread(signal, reading.opening, touch))
}

async function problemOf(work: Promise<unknown>): Promise<SqliteProblem | undefined> {
  try {
    await work
    return undefined
  } catch (error) {
    if (error instanceof SqliteProblem) return error
    throw error
  }
}

async function touch(connection: Connection): Promise<void> {
  await connection.rows('SELECT count(*) FROM sqlite_schema')
}

/** Leaves the folder as it was after `work` has read the database. */
export async function leavingNoTrace<T>(signal: AbortSignal, path: string, work: () => Promise<T>): Promise<T> {
  const before = sizeOf(`${path}-wal`)
  try {
    return await work()
  } finally {
    if (before < 0 && sizeOf(`${path}-wal`) >= 0 && !signal.aborted) await tidy(signal, path)
  }
}

// A reader of a WAL database makes -wal and -shm and may not remove them: SQLite itself does, when no one else is there.
async function tidy(signal: AbortSignal, path: string): Promise<void> {
  await inThread(signal, { file: path, flags: constants.SQLITE_OPEN_READWRITE }, (connection) =>
    connection.rows('SELECT count(*) FROM sqlite_schema'),
  ).catch(() => undefined)
}

/** The size of a file in bytes, -1 where there is none. Never opens it: closing it would drop SQLite's locks. */
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? -1
}

/** SQLite's answer that somebody else holds a lock. */
export function isBusy(error: unknown): boolean {
  return error instanceof SqliteProblem && /^SQLITE_(BUSY|LOCKED)/.test(error.code)
}

/** SQLite's answer that this is no database, or a broken one. */
export function isDamage(error: unknown): boolean {
  return error instanceof SqliteProblem && /^SQLITE_(NOTADB|CORRUPT)/.test(error.code)
}

/** Who has the database open, for a message. */
export function whoHolds(path: string): readonly string[] {
  return holderLines(holdersOf(path) ?? [])
}

/** A `Failure` (11) for what SQLite says of a database that it cannot read. */
export function cannotOpen(path: string, problem: SqliteProblem): Failure {
  const database = `SQLite database ${onOneLine(path)}`
  const why = [`SQLite says: ${problem.message} (${problem.code})`]
  if (isBusy(problem))
    return unreachable(`${database} is locked by another program`, untilDone, whoHolds(path), problem)
  if (problem.code === 'SQLITE_NOTADB') {
    const encrypted = 'check the path; an encrypted database (SQLCipher) has to be backed up by its own program'
    const next = [encrypted, restoring(path)]
    return unreachable(`${onOneLine(path)} is not a SQLite database, or it is encrypted`, next, why, problem)
  }
  if (isDamage(problem)) return unreachable(`${database} is damaged`, outOfDamage(path), why, problem)
  const next = [`check the rights of the file and its folder: ${shellWords(['ls', '-la', dirname(path)])}`]
  return unreachable(`${database} cannot be opened`, next, why, problem)
}

/** What to do about a lock. */
export const untilDone = ['wait until that program is done, or stop it, and run this again']

/** What to do about a damaged database: a restore makes it anew once the damaged file is out of the way. */
export function outOfDamage(path: string): readonly string[] {
  return [`see what is wrong: ${shellWords(['sqlite3', path, 'PRAGMA integrity_check'])}`, restoring(path)]
}

function restoring(path: string): string {
  return `or restore a backup: ${shellWords(['mv', path, `${path}.damaged`])} && restore-database`
}
