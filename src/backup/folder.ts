import { randomBytes } from 'node:crypto'
import { readdir, rename, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import {
  ensurePrivateFolder,
  exists,
  readIfThere,
  removeIfThere,
  requireWritable,
  sizeOf,
  syncFolder,
} from '../effects/files.ts'
import { isAlive } from '../effects/processes.ts'
import { exitCode, Failure } from '../failure.ts'
import { shellWords } from '../shell-words.ts'
import { parseManifest } from './manifest.ts'
import { manifestName } from './names.ts'

/** Where backups are kept; `path` is absolute, `shown` is how a person wrote it. */
export type BackupFolder = { readonly path: string; readonly shown: string }

/** The backup folder of a project: relative to its root, shown relative to where the user stands when that is the same. */
export function backupFolder(root: string, cwd: string, directory: string): BackupFolder {
  const path = resolve(root, directory)
  return { path, shown: resolve(cwd, directory) === path ? directory : path }
}

/** Makes sure that backups can be written. Throws a `Failure` (30). */
export async function openFolder(folder: BackupFolder): Promise<void> {
  try {
    await ensurePrivateFolder(folder.path)
    await requireWritable(folder.path)
  } catch (error) {
    throw unusable(folder, error as NodeJS.ErrnoException)
  }
  if (!(await stat(folder.path)).isDirectory()) throw unusable(folder, { code: 'ENOTDIR' })
}

/** A warning where others may write into the folder: they could put another dump in a backup's place. */
export async function sharedWithOthers({ path, shown }: BackupFolder): Promise<string | undefined> {
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined || (facts.mode & othersWrite) === 0 || process.platform === 'win32') return undefined
  const mode = (facts.mode & 0o7777).toString(8).padStart(4, '0')
  return `Others may write into ${shown} (mode ${mode}), and so could change a backup: ${shellWords(['chmod', 'go-w', path])}`
}

const othersWrite = 0o022

function unusable(folder: BackupFolder, error: Pick<NodeJS.ErrnoException, 'code'>): Failure {
  const isFile = error.code === 'EEXIST' || error.code === 'ENOTDIR'
  return new Failure(exitCode.dumpFailed, {
    what: `The backup folder ${folder.shown} ${isFile ? 'is a file' : 'cannot be written to'}: no backup was made`,
    why: [`${folder.path} (${error.code ?? 'unknown error'})`],
    next: [
      isFile
        ? 'Move that file away, or name another folder with --backup-dir.'
        : 'Make it writable for you, or name another folder with --backup-dir.',
    ],
  })
}

// The owner's machine and process stand in the name: the next run can tell a killed run's leftovers from another's work.
// SQLite writes a journal beside its copy.
const leftover = /^\.seatbelt-(?<host>[\w-]+)-(?<pid>\d+)-[0-9a-f]+\.(?<kind>dump|manifest|in-use)\.tmp(?:-journal)?$/

const thisHost = hostname().replace(/[^\w]+/g, '_')

type TemporaryKind = 'dump' | 'manifest' | 'in-use'

/** A name of ours that nobody takes for a backup. */
export function temporaryName(kind: TemporaryKind): string {
  return `.seatbelt-${thisHost}-${process.pid}-${randomBytes(6).toString('hex')}.${kind}.tmp`
}

export function isTemporaryName(name: string, kind: TemporaryKind): boolean {
  return leftover.exec(name)?.groups?.['kind'] === kind
}

/**
 * Clears what a killed run left behind. A finished dump whose manifest was not yet given its name becomes the backup that it
 * is; everything else goes. Returns sentences that say what was done.
 */
export async function clearLeftovers(folder: BackupFolder): Promise<readonly string[]> {
  const names = (await readdir(folder.path)).filter((name) => leftover.test(name))
  const said = (await Promise.all(names.map((name) => clearIfDead(folder, name)))).flat()
  if (said.length > 0) await syncFolder(folder.path)
  return said
}

async function clearIfDead(folder: BackupFolder, name: string): Promise<readonly string[]> {
  try {
    return (await isLeftBehind(folder, name)) ? [await clearOne(folder, name)] : []
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [] // another run cleared it meanwhile
    throw error
  }
}

const dayMilliseconds = 24 * 60 * 60 * 1000

// A container has another name each time, and the same process ids: what nobody wrote to for a day has no owner any more.
/** Whether the run that made a temporary file is over. Throws where the file is not there any more. */
export async function isLeftBehind(folder: BackupFolder, name: string): Promise<boolean> {
  const groups = leftover.exec(name)?.groups ?? {}
  if (groups['host'] === thisHost && !isAlive(Number(groups['pid']))) return true
  return Date.now() - (await stat(join(folder.path, name))).mtimeMs > dayMilliseconds
}

async function clearOne(folder: BackupFolder, name: string): Promise<string> {
  const path = join(folder.path, name)
  const backup = name.includes('.manifest.') ? await finishedDump(folder, path) : undefined
  if (backup === undefined) {
    await removeIfThere(path)
    return `Cleared ${name}, left behind by a run that was killed`
  }
  await rename(path, manifestName(join(folder.path, backup)))
  return `Completed ${backup}, whose run was killed at its last step`
}

/** The backup that a left-over manifest belongs to, when that file is there, has its size, and has no manifest yet. */
async function finishedDump(folder: BackupFolder, manifestPath: string): Promise<string | undefined> {
  const reading = parseManifest((await readIfThere(manifestPath)) ?? '')
  if (reading.state !== 'read') return undefined
  const { file, storedBytes } = reading.manifest
  const whole = (await sizeOf(join(folder.path, file))) === storedBytes
  return whole && !(await exists(manifestName(join(folder.path, file)))) ? file : undefined
}
