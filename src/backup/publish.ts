import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { claimName, exists, removeIfThere, syncFolder, writeSynced } from '../effects/files.ts'
import type { Io } from '../effects/io.ts'
import { exitCode, Failure } from '../failure.ts'
import type { BackupRequest } from './back-up.ts'
import { type BackupFolder, temporaryName } from './folder.ts'
import type { Backup } from './list.ts'
import { type Manifest, manifestText } from './manifest.ts'
import { backupFileName, manifestName } from './names.ts'
import { diskFacts } from './on-disk.ts'

/** A manifest, but for what only the file under its own name can tell. */
export type Draft = Omit<Manifest, 'file' | 'onDisk'>

/** Gives the finished dump its name, then its manifest, each step durable before the next. Throws a `Failure` (30). */
export async function publish(io: Io, temporary: string, draft: Draft, request: BackupRequest): Promise<Backup> {
  const { target, engine, compress, folder } = request
  const { version, ...facts } = draft
  const { size, onDisk } = await diskFacts(temporary, io.now())
  requireSize(size, draft.storedBytes)
  for (let attempt = 1; ; attempt++) {
    const file = backupFileName(target, engine.extension, compress, new Date(draft.createdAt), attempt)
    const manifest = { version, file, ...facts, onDisk }
    if (await publishAs(temporary, manifest, folder)) return { file, path: join(folder.path, file), manifest }
  }
}

function requireSize(size: number, expected: number): void {
  if (size === expected) return
  throw new Failure(exitCode.dumpFailed, {
    what: 'The backup on the disk has another size than what was written: it was thrown away',
    why: [`${expected} bytes were written, ${size} bytes are there.`],
  })
}

// The manifest waits beside under a temporary name: a run that is killed between the two renames is completed by the next.
async function publishAs(temporary: string, manifest: Manifest, folder: BackupFolder): Promise<boolean> {
  const waiting = join(folder.path, temporaryName('manifest'))
  const path = join(folder.path, manifest.file)
  try {
    if (await exists(manifestName(path))) return false
    await writeSynced(waiting, manifestText(manifest))
    if (!(await claimName(temporary, path))) return false
    await completeAs(path, waiting, folder)
    return true
  } finally {
    await removeIfThere(waiting)
  }
}

// A failure between the two names must not leave a file that looks like a backup and is none.
async function completeAs(path: string, waiting: string, folder: BackupFolder): Promise<void> {
  try {
    await syncFolder(folder.path)
    await rename(waiting, manifestName(path))
    await syncFolder(folder.path)
  } catch (error) {
    await removeIfThere(path)
    await removeIfThere(manifestName(path))
    throw error
  }
}
