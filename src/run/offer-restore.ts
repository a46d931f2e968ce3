import { backupFolder } from '../backup/folder.ts'
import type { Backup } from '../backup/list.ts'
import type { Protected } from '../backup/prepare.ts'
import { examine, restoreBackup, restoredText, sayRestored } from '../backup/restore.ts'
import { explain } from '../effects/explain.ts'
import type { Io } from '../effects/io.ts'
import { askYes } from '../effects/prompt.ts'
import { Failure } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import type { Candidate } from '../target/resolve.ts'

/** What was backed up before the command, and the guard that let it pass. */
type Offered = { readonly backups: readonly Protected[]; readonly guarded: Guarded }

/** After a failed command: restores what was backed up before it, when told to or when a person says yes. */
export async function offerRestore(io: Io, invocation: Invocation, { backups, guarded }: Offered): Promise<void> {
  const { options, operation } = invocation
  if (operation.wayBack.length === 0) {
    if (options.restoreOnFailure) io.terminal.warn(notRestoredText(invocation, backups))
    return
  }
  const changed = backups.filter((_, index) => operation.targets[index]?.unchanged === undefined)
  if (changed.length === 0) return
  if (
    !options.restoreOnFailure &&
    !(await askYes(io, 'The command failed. Restore the database to what it was before?'))
  )
    return
  for (const { candidate, outcome } of changed)
    if ('backup' in outcome) await restoreOne(io, invocation, guarded, { candidate, backup: outcome.backup })
}

// Whoever asked for it beforehand takes it for done.
function notRestoredText({ operation, callOf }: Invocation, backups: readonly Protected[]): string {
  const what = 'Nothing was restored (--restore-on-failure):'
  if (backups.every(({ outcome }) => 'nothing' in outcome))
    return `${what} before the command there was nothing to lose.`
  const next = operation.instantWayBack[0] ?? `${callOf('restore-database')}, which lists the backups that are left`
  return `${what} the backup from before the command is not there any more. To go back, run: ${next}`
}

// The command was at work in between: what it did to env files does not change which database was backed up.
const checkAgain = async () => undefined

// The command's own exit code is what counts: a restore that fails is told, with the way to try it again.
async function restoreOne(
  io: Io,
  invocation: Invocation,
  guarded: Guarded,
  { candidate, backup }: { readonly candidate: Candidate; readonly backup: Backup },
): Promise<void> {
  const { operation, options, root } = invocation
  const folder = backupFolder(root, io.cwd, options.backupDirectory)
  const file = { path: backup.path, shown: `${folder.shown}/${backup.file}`, manifest: backup.manifest }
  const task = { file, candidate, folder, options }
  try {
    await examine(io, task)
    const restored = await restoreBackup(io, task, { ...guarded, checkAgain })
    io.terminal.say(`${io.terminal.style('green', '✓')} ${restoredText(task, restored)}`)
    await sayRestored(io, invocation, task, restored)
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    operation.failure = { code: error.code, ...error.text }
    explain(io.terminal, error)
  }
}
