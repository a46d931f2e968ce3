import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { removeIfThere } from '../effects/files.ts'
import type { Io } from '../effects/io.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import type { Options } from '../options.ts'
import { type BackupFolder, temporaryName } from './folder.ts'
import { filesInUse } from './in-use.ts'
import { type Backup, identityOfBackup, pickOfBackups } from './list.ts'
import { manifestName } from './names.ts'
import { type Kept, newestFirst, type Plans, planRotation, type RotationRule, type Verdict } from './rotation.ts'

/** What is known before the folder is looked at. */
type Rule = Omit<RotationRule, 'inUse'>

/** What the options say of rotation, at a time; `protect`: files that stay. */
export function rotationRule(options: Options, now: Date, protect: readonly string[]): Rule {
  const { keep, keepDaily, keepWeekly, keepMonthly } = options
  return { keep, keepDaily, keepWeekly, keepMonthly, protect, now }
}

/** Removes the backups of one database that the rule does not keep; only after a new one was verified. Returns them. */
export async function rotate(folder: BackupFolder, identity: string, rule: Rule): Promise<readonly Verdict[]> {
  const backups = await pickOfBackups(folder, keptOf)
  const verdicts = planRotation(backups, identity, { ...rule, inUse: await filesInUse(folder) })
  return applyRotation(folder, verdicts)
}

/**
 * Applies the options to every backup in a folder, for each database on its own: the one with the newest backup first. With
 * `dryRun` nothing is removed. Throws a `Failure` (2, 30).
 */
export async function rotateFolder(io: Io, folder: BackupFolder, options: Options): Promise<Plans> {
  if (!options.rotate) throw new Failure(exitCode.usage, { what: '--dry-run goes with --rotate' })
  const backups = (await pickOfBackups(folder, keptOf)).toSorted(newestFirst)
  const rule = { ...rotationRule(options, io.now(), []), inUse: await filesInUse(folder) }
  const identities = new Set(backups.map(({ identity }) => identity))
  const plans = [...identities].map((identity) => planRotation(backups, identity, rule))
  if (!options.dryRun)
    await applyRotation(folder, plans.flat()).catch((error) => Promise.reject(notRemoved(folder, error)))
  return plans
}

function notRemoved({ shown }: BackupFolder, error: unknown): Failure {
  const why = [messageOf(error)]
  return new Failure(exitCode.dumpFailed, { what: `Old backups in ${shown} could not be removed`, why }, error)
}

function keptOf({ file, manifest }: Backup): Kept {
  const { createdAt, storedBytes, target } = manifest
  return { file, identity: identityOfBackup(manifest), target, createdAt, storedBytes }
}

async function applyRotation(folder: BackupFolder, verdicts: readonly Verdict[]): Promise<readonly Verdict[]> {
  const removed = verdicts.filter(({ keep }) => !keep)
  for (const { backup } of removed) await removeBackup(folder, backup.file)
  return removed
}

// The manifest waits under a temporary name meanwhile: a kill in between leaves a backup that the next run completes again,
// or nothing, and never a file that has a backup's name without being one.
async function removeBackup(folder: BackupFolder, file: string): Promise<void> {
  const path = join(folder.path, file)
  const waiting = join(folder.path, temporaryName('manifest'))
  try {
    await rename(manifestName(path), waiting)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return // another operation removed it meanwhile
    throw error
  }
  await removeIfThere(path)
  await removeIfThere(waiting)
}
