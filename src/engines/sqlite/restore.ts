import { constants } from 'bun:sqlite'
import { randomBytes } from 'node:crypto'
import { open, readdir, readlink, realpath, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { FileTarget } from '../../target/target.ts'
import type { RestoreOutcome, RestoreRequest } from '../engine.ts'
import { sizeOf } from './access.ts'
import { readCatalogue } from './catalogue.ts'
import { type Contents, differences, readContents } from './contents.ts'
import { headerBytes, readHeader } from './header.ts'
import { writeContent } from './load.ts'
import { lockOperations } from './lock.ts'
import { requireSound } from './soundness.ts'
import { swap } from './swap.ts'
import { inThread } from './thread.ts'

const lockSeconds = 10

/** Loads beside, compares, and swaps by one rename. Throws a `Failure` (40; 50 when another operation is at work). */
export async function restore(io: Io, target: FileTarget, request: RestoreRequest): Promise<RestoreOutcome> {
  try {
    const live = await liveFileOf(target.database)
    const release = await lockOperations(io.signal, live, lockSeconds)
    try {
      return await restoreInto(io, live, request)
    } finally {
      release()
    }
  } catch (error) {
    io.signal.throwIfAborted()
    throw restoreFailure(target.database, error)
  }
}

async function restoreInto(io: Io, live: string, request: RestoreRequest): Promise<RestoreOutcome> {
  await clearLeftovers(live)
  const scratch = scratchBeside(live)
  try {
    request.step('loading')
    await writeContent(io.signal, request.content, scratch)
    await requireDatabase(scratch)
    request.step('comparing')
    const compared = await compare(io, scratch, request)
    await takeAfter(live, scratch)
    await request.beforeSwap?.()
    request.step('swapping')
    const notes = await swap(io.signal, live, scratch)
    return { way: 'swap', tables: compared.tables, notes: [...compared.notes, ...notes] }
  } finally {
    await removeWithCompanions(scratch)
  }
}

/** The file that is replaced: the one that a symbolic link points to, also when that is not there. */
async function liveFileOf(path: string): Promise<string> {
  if (path === ':memory:' || path === '') throw new Error('a database in memory cannot be restored')
  try {
    return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const link = await readlink(path).catch(() => undefined)
    if (link !== undefined) return liveFileOf(resolve(dirname(path), link))
    return join(await realpath(dirname(path)), basename(path))
  }
}

// The process id tells a leftover of a killed run from the file of one that is at work.
function scratchBeside(live: string): string {
  const id = `${process.pid}-${randomBytes(4).toString('hex')}`
  return join(dirname(live), `.${basename(live)}.seatbelt-${id}.tmp`)
}

async function clearLeftovers(live: string): Promise<void> {
  const prefix = `.${basename(live)}.seatbelt-`
  const names = await readdir(dirname(live))
  const dead = names.filter((name) => name.startsWith(prefix) && isDead(name.slice(prefix.length)))
  await Promise.all(dead.map((name) => rm(join(dirname(live), name), { force: true })))
}

function isDead(rest: string): boolean {
  const pid = /^(\d+)-[0-9a-f]{8}\.tmp(-wal|-shm|-journal)?$/.exec(rest)?.[1]
  return pid !== undefined && (Number(pid) === process.pid || !isAlive(Number(pid)))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

async function removeWithCompanions(file: string): Promise<void> {
  await Promise.all(['', '-wal', '-shm', '-journal'].map((suffix) => rm(`${file}${suffix}`, { force: true })))
}

// SQLite takes an empty file for an empty database.
async function requireDatabase(scratch: string): Promise<void> {
  const header = readHeader(await Bun.file(scratch).slice(0, headerBytes).bytes())
  if (header === undefined) throw new Error('the backup is not a SQLite database')
  if ((header.bytes ?? 0) > sizeOf(scratch)) throw new Error('the backup is cut off')
}

/** Checks every page and index, compares the rows, and sets the journal mode that the dumped database had. */
async function compare(io: Io, scratch: string, request: RestoreRequest): Promise<Contents> {
  const opening = { file: scratch, flags: constants.SQLITE_OPEN_READWRITE }
  return inThread(io.signal, opening, async (connection) => {
    const found = requireSound(await connection.rows('PRAGMA integrity_check'))
    const { tables } = await readCatalogue(connection)
    const contents = await readContents(io.signal, connection, scratch, tables)
    const wrong = request.tables === undefined ? [] : differences(request.tables, contents.tables)
    if (wrong.length > 0) throw notTheSame(wrong)
    if (request.properties['journal_mode'] === 'wal') await connection.rows('PRAGMA journal_mode = WAL')
    return { tables: contents.tables, notes: [...found, ...contents.notes] }
  })
}

function notTheSame(why: readonly string[]): Failure {
  const what = 'the loaded backup does not match its manifest; the database is as it was'
  return new Failure(exitCode.restoreFailed, { what, why, next: ['choose another backup: restore-database'] })
}

/** Gives the new file the mode and owner of the old one, and syncs it. */
async function takeAfter(live: string, scratch: string): Promise<void> {
  const old = await stat(live).catch(() => undefined)
  const file = await open(scratch, 'r+')
  try {
    const { uid, gid } = await file.stat()
    if (old !== undefined && (old.uid !== uid || old.gid !== gid)) await file.chown(old.uid, old.gid)
    await file.chmod(old === undefined ? 0o666 & ~process.umask() : old.mode & 0o7777)
    await file.sync()
  } finally {
    await file.close()
  }
}

function restoreFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const next = code === 'EPERM' || code === 'EACCES' ? ['run this as the user that owns the file'] : []
  const what = `the restore of the SQLite database ${onOneLine(path)} failed; it is as it was before`
  return new Failure(exitCode.restoreFailed, { what, why: [messageOf(error)], next }, error)
}
