import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isLink } from '../effects/files.ts'
import { exitCode, Failure } from '../failure.ts'
import type { EngineName } from '../target/target.ts'
import type { BackupFolder } from './folder.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { manifestName } from './names.ts'

/** A file to restore from: a backup with its manifest, or a foreign file without one. */
export type BackupFile = { readonly path: string; readonly shown: string; readonly manifest?: Manifest }

/** Finds the file that was named: as a path, or by its bare name in the backup folder. Throws a `Failure` (2, 31). */
export async function locateBackup(named: string, folder: BackupFolder, cwd: string): Promise<BackupFile> {
  const places = [resolve(cwd, named), ...(named.includes('/') ? [] : [join(folder.path, named)])]
  for (const path of places) {
    if (!(await isFile(path, named))) continue
    await refuseLinkOutside(path, named, folder)
    return { path, shown: named, ...(await manifestOf(path, named)) }
  }
  throw new Failure(exitCode.usage, {
    what: `There is no backup ${named}`,
    why: places.map((place) => `Looked for ${place}`),
    next: ['restore-database lists the backups that are there.'],
  })
}

// Whoever can write into the folder must not choose which of the user's other files is read and loaded.
async function refuseLinkOutside(path: string, named: string, folder: BackupFolder): Promise<void> {
  if (dirname(path) !== folder.path) return
  for (const link of [path, manifestName(path)]) {
    if (!(await isLink(link))) continue
    const inside = await realpath(folder.path)
    const leadsTo = await realpath(link).catch(() => 'nothing')
    if (leadsTo.startsWith(`${inside}/`)) continue
    throw new Failure(exitCode.refused, {
      what: `Refused: ${named} ${link === path ? 'is' : 'has a manifest that is'} a link that leads out of the backup folder`,
      why: [`It leads to ${leadsTo}`],
      next: ['If that file is what you mean, name it itself.'],
    })
  }
}

async function isFile(path: string, named: string): Promise<boolean> {
  const facts = await stat(path).catch(() => undefined)
  if (facts === undefined) return false
  if (path.endsWith('.json'))
    throw notABackup(`${named} is a manifest, not a backup`, `restore-database ${named.slice(0, -'.json'.length)}`)
  if (!facts.isFile())
    throw notABackup(
      `${named} is ${facts.isDirectory() ? 'a folder' : 'no regular file'}`,
      'Name one backup file in it; restore-database lists them.',
    )
  return true
}

function notABackup(what: string, next: string): Failure {
  return new Failure(exitCode.usage, { what, next: [next] })
}

async function manifestOf(path: string, named: string): Promise<{ readonly manifest?: Manifest }> {
  const reading = await readManifest(path)
  if (reading.state === 'absent') return {}
  if (reading.state === 'read' && reading.manifest.file === basename(path)) return { manifest: reading.manifest }
  const problem = reading.state === 'broken' ? reading.problem : `is of another file (${reading.manifest.file})`
  throw new Failure(exitCode.backupNotWhole, {
    what: `The manifest of ${named} ${problem}; nothing was restored`,
    why: [manifestName(join(dirname(path), basename(path)))],
    next: [
      'Choose another backup; or, if you trust the file itself, move that manifest away: the file is then examined first.',
    ],
  })
}

/** The engine that a file is for: its manifest says, else its first bytes, else nothing is known. */
export async function engineOfFile(file: BackupFile, firstBytes: Uint8Array): Promise<EngineName | undefined> {
  if (file.manifest !== undefined) return file.manifest.engine
  const text = Buffer.from(firstBytes).toString('latin1')
  if (text.startsWith('SQLite format 3\0')) return 'sqlite'
  if (/^--\n-- PostgreSQL database dump/m.test(text) || text.startsWith('PGDMP')) return 'postgres'
  if (/^-- (?:MySQL|MariaDB) dump |^\/\*(?:!|M!)/m.test(text)) return 'mysql'
  return undefined
}

/** The manifest of the backup of that name in the folder, where there is one. */
export async function manifestNamed(named: string, folder: BackupFolder): Promise<Manifest | undefined> {
  const reading = await readManifest(join(folder.path, basename(named)))
  return reading.state === 'read' ? reading.manifest : undefined
}
