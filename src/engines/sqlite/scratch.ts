import { constants } from 'bun:sqlite'
import { randomBytes } from 'node:crypto'
import { open, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import type { BackupContent } from '../engine.ts'
import { sizeOf } from './access.ts'
import { readCatalogue, schemaDigestOf } from './catalogue.ts'
import { type Contents, readContents } from './contents.ts'
import { headerBytes, readHeader } from './header.ts'
import { writeContent } from './load.ts'
import { requireSound } from './soundness.ts'
import { inThread } from './thread.ts'

/** The path of a scratch file. The process id tells a leftover of a killed run from the file of one that is at work. */
export function scratchBeside(live: string): string {
  const id = `${process.pid}-${randomBytes(4).toString('hex')}`
  const path = join(dirname(live), `.${basename(live)}.seatbelt-${id}.tmp`)
  atWork.add(path)
  return path
}

// In a container a process often has the number of the one that was killed before.
const atWork = new Set<string>()

/** Removes the scratch files of runs that were killed; returns their names. */
export async function clearLeftovers(live: string): Promise<readonly string[]> {
  const prefix = `.${basename(live)}.seatbelt-`
  const names = await readdir(dirname(live))
  const paths = names.filter((name) => name.startsWith(prefix)).map((name) => join(dirname(live), name))
  const dead = paths.filter(isDead)
  await Promise.all(dead.map((path) => rm(path, { force: true })))
  return dead.map((path) => basename(path))
}

function isDead(path: string): boolean {
  const [, scratch, pid] = /^(.*-(\d+)-[0-9a-f]{8}\.tmp)(?:-wal|-shm|-journal)?$/s.exec(path) ?? []
  if (scratch === undefined) return false
  return Number(pid) === process.pid ? !atWork.has(scratch) : !isAlive(Number(pid))
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export async function removeWithCompanions(file: string): Promise<void> {
  await Promise.all(['', '-wal', '-shm', '-journal'].map((suffix) => rm(`${file}${suffix}`, { force: true })))
  atWork.delete(file)
}

/** Writes a backup into a scratch file. Throws when it cannot be a whole database. */
export async function load(io: Io, content: BackupContent, scratch: string): Promise<void> {
  await writeContent(io.signal, content, scratch)
  await requireWhole(scratch, 'the backup')
}

/** Throws when a file is no database, or not as long as its header says. SQLite would take an empty file for an empty database. */
export async function requireWhole(path: string, what: string): Promise<void> {
  const header = readHeader(await Bun.file(path).slice(0, headerBytes).bytes())
  if (header === undefined) throw new Error(`${what} is not a SQLite database`)
  if ((header.bytes ?? 0) > sizeOf(path)) throw new Error(`${what} is cut off`)
}

/** Checks every page and index of a scratch file, and reads what is in it. Throws when it is damaged. */
export async function contentsOfScratch(
  io: Io,
  scratch: string,
): Promise<Contents & { readonly schemaDigest: string }> {
  const opening = { file: scratch, flags: constants.SQLITE_OPEN_READWRITE }
  return inThread(io.signal, opening, async (connection) => {
    const found = requireSound(await connection.rows('PRAGMA integrity_check'))
    const catalogue = await readCatalogue(connection)
    const schemaDigest = await schemaDigestOf(connection, catalogue)
    const { tables, notes } = await readContents(io.signal, connection, scratch, catalogue.tables)
    return { tables, notes: [...found, ...notes], schemaDigest }
  })
}

export async function useWal(io: Io, path: string): Promise<void> {
  await inThread(io.signal, { file: path, flags: constants.SQLITE_OPEN_READWRITE }, (connection) =>
    connection.rows('PRAGMA journal_mode = WAL'),
  )
}

/** Gives the new file the mode and owner of the old one, and syncs it. */
export async function takeAfter(live: string, scratch: string): Promise<void> {
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
