import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { removeIfThere } from '../effects/files.ts'
import { identityOf, type Target } from '../target/target.ts'
import { type BackupFolder, temporaryName } from './folder.ts'
import { identityOfBackup, listBackups } from './list.ts'
import { manifestName } from './names.ts'
import { planRotation } from './rotation.ts'

/** Removes what is beyond the last `keep` backups of this database; only after a new one was verified. Returns the names. */
export async function rotate(
  folder: BackupFolder,
  target: Target,
  rule: { readonly keep: number; readonly protect: readonly string[] },
): Promise<readonly string[]> {
  const backups = await listBackups(folder)
  const kept = backups.map(({ file, manifest }) => ({
    file,
    identity: identityOfBackup(manifest),
    createdAt: manifest.createdAt,
    storedBytes: manifest.storedBytes,
  }))
  const { remove } = planRotation(kept, { identity: identityOf(target), ...rule })
  for (const { file } of remove) await removeBackup(folder, file)
  return remove.map(({ file }) => file)
}

// The manifest waits under a temporary name meanwhile: a kill in between leaves a backup that the next run completes again,
// or nothing, and never a file that has a backup's name without being one.
async function removeBackup(folder: BackupFolder, file: string): Promise<void> {
  const path = join(folder.path, file)
  const waiting = join(folder.path, temporaryName('manifest'))
  await rename(manifestName(path), waiting)
  await removeIfThere(path)
  await removeIfThere(waiting)
}
