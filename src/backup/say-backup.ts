import type { Io } from '../effects/io.ts'
import { counted, shownAge, shownBytes, shownSeconds } from '../effects/units.ts'
import type { BackupFolder } from './folder.ts'
import { type Manifest, totalRows } from './manifest.ts'
import type { Made, Reused } from './reuse.ts'

/** Which file the backup of an operation is, and how that came; it took so many seconds. */
export function sayBackup(io: Io, backup: Made, folder: BackupFolder, seconds: number): void {
  const { manifest, reused } = backup
  const file = `${folder.shown}/${backup.file}`
  const age = shownAge((io.now().getTime() - Date.parse(manifest.createdAt)) / 1000)
  const text =
    reused === undefined
      ? `Backed up ${manifest.target} → ${file} (${sizeText(manifest)}, ${shownSeconds(seconds)})`
      : reusedTexts[reused](`${file} (${age})`)
  io.terminal.say(`${io.terminal.style('green', '✓')} ${text}`)
  for (const note of manifest.notes) io.terminal.warn(`  ${note}`)
}

const reusedTexts: Readonly<Record<Reused, (backup: string) => string>> = {
  'same content': (backup) => `Unchanged since ${backup}: kept that one`,
  'nothing changed': (backup) => `Nothing changed since ${backup}: no dump needed`,
}

function sizeText({ tables, storedBytes }: Manifest): string {
  return `${counted(tables.length, 'table')}, ${counted(totalRows(tables), 'row')}, ${shownBytes(storedBytes)}`
}
