import { counted, shownBytes } from '../effects/units.ts'
import type { BackupFolder } from './folder.ts'
import { shown, tableOf, whenOf } from './list-table.ts'
import type { Plans, Verdict } from './rotation.ts'

/** What becomes of every backup, a table for each database; `done`: it was removed. */
export function rotationText(plans: Plans, folder: BackupFolder, done: boolean): string {
  if (plans.length === 0) return `No backups in ${folder.shown}/ yet. backup-database makes one.`
  return [...plans.map((verdicts) => databaseText(verdicts, folder, done)), summary(plans, done)].join('\n\n')
}

function databaseText(verdicts: readonly Verdict[], folder: BackupFolder, done: boolean): string {
  const fate = (keep: boolean) => (keep ? 'keep' : done ? 'removed' : 'remove')
  const rows = verdicts.map(({ backup, keep, why }) =>
    [
      `${folder.shown}/${backup.file}`,
      whenOf(backup.createdAt),
      shownBytes(backup.storedBytes),
      fate(keep),
      why.join(', '),
    ].map(shown),
  )
  const aligns = ['left', 'left', 'right', 'left', 'left'] as const
  const lines = tableOf(['Backup', 'When', 'Size', '', 'Why'], rows, aligns)
  return [shown(verdicts[0]?.backup.target ?? ''), ...lines.map((line) => `  ${line}`)].join('\n')
}

function summary(plans: Plans, done: boolean): string {
  const removed = plans.flat().filter(({ keep }) => !keep)
  const size = shownBytes(removed.reduce((sum, { backup }) => sum + backup.storedBytes, 0))
  if (removed.length === 0) return 'Nothing is to be removed.'
  const what = `${counted(removed.length, 'backup')} (${size})`
  return done ? `Removed ${what}.` : `Would remove ${what}; nothing was removed.`
}

/** The same as a document. */
export function rotationDocument(plans: Plans, done: boolean): Record<string, unknown> {
  const databases = plans.map((verdicts) => ({
    target: verdicts[0]?.backup.target,
    backups: verdicts.map(({ backup: { file, createdAt, storedBytes }, keep, why }) => ({
      file,
      createdAt,
      storedBytes,
      keep,
      why,
    })),
  }))
  return { version: 1, dryRun: !done, databases }
}
