import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isLink, realPathOf, sizeOf } from '../effects/files.ts'
import { collectWhenLarge } from '../effects/memory.ts'
import { targetOfUrl } from '../target/resolve.ts'
import { isSameDatabase } from '../target/same-database.ts'
import { identityOf, type Target } from '../target/target.ts'
import type { BackupFolder } from './folder.ts'
import { type Manifest, readManifest } from './manifest.ts'
import { looksLikeBackup, manifestName } from './names.ts'
import { newestFirst } from './rotation.ts'

/** A finished backup that is there with its manifest, and whose size is what the manifest says. */
export type Backup = { readonly file: string; readonly path: string; readonly manifest: Manifest }

/** The backups of a folder, newest first. Files without a manifest, and manifests without their file, are not backups. */
export async function listBackups(folder: BackupFolder): Promise<readonly Backup[]> {
  const found = await pickOfBackups(folder, (backup) => backup)
  return found.toSorted((one, other) => newestFirst(rankOf(one), rankOf(other)))
}

const readAtOnce = 8

/** What `pick` takes of each backup, in no order. A manifest of many tables is large: few are held at a time. */
export async function pickOfBackups<T>(folder: BackupFolder, pick: (backup: Backup) => T): Promise<readonly T[]> {
  const names = await readdir(folder.path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return []
    throw error
  })
  const files = names.filter(looksLikeBackup)
  const picked: T[] = []
  for (let at = 0; at < files.length; at += readAtOnce) {
    const found = await Promise.all(files.slice(at, at + readAtOnce).map((file) => readBackup(folder, file)))
    picked.push(...found.filter((backup) => backup !== undefined).map(pick))
    collectWhenLarge()
  }
  return picked
}

function rankOf(backup: Backup): { createdAt: string; file: string } {
  return { createdAt: backup.manifest.createdAt, file: backup.file }
}

// A link is none: what it leads to may lie outside, and is not what was verified and made private.
async function readBackup(folder: BackupFolder, file: string): Promise<Backup | undefined> {
  const path = join(folder.path, file)
  if ((await isLink(path)) || (await isLink(manifestName(path)))) return undefined
  const reading = await readManifest(path)
  if (reading.state !== 'read' || reading.manifest.file !== file) return undefined
  return (await sizeOf(path)) === reading.manifest.storedBytes ? { file, path, manifest: reading.manifest } : undefined
}

/**
 * The newest backup of this database; `identity` is of `identityOf`. One that another clock made in the future is it only
 * where there is no other: it would hide all that are made until then.
 */
export async function latestBackup(folder: BackupFolder, identity: string, now: Date): Promise<Backup | undefined> {
  const ranked = await pickOfBackups(folder, (backup) => ({ ...rankOf(backup), of: identityOfBackup(backup.manifest) }))
  const own = ranked.filter(({ of }) => of === identity).toSorted(newestFirst)
  const newest = own.find(({ createdAt }) => Date.parse(createdAt) <= now.getTime()) ?? own[0]
  return newest && readBackup(folder, newest.file)
}

/** Which database a backup is of, comparable with `identityOf`. */
export function identityOfBackup(manifest: Manifest): string {
  const target = targetOfUrl(manifest.target, '/', manifest.file)
  return 'problem' in target ? manifest.target : identityOf(target)
}

/** Whether a backup is of this database, by whatever name or path of it. */
export function isOf(manifest: Manifest, target: Target): boolean {
  const own = targetOfUrl(manifest.target, '/', manifest.file)
  return !('problem' in own) && isSameDatabase(own, target, realPathOf)
}
