import Table from 'cli-table3'
import type { Io } from '../effects/io.ts'
import { askChoice } from '../effects/prompt.ts'
import { onOneLine, printable } from '../effects/terminal.ts'
import { shownBytes, shownCount } from '../effects/units.ts'
import type { BackupFolder } from './folder.ts'
import type { Backup } from './list.ts'
import { totalRows } from './manifest.ts'

const plainLines = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
}

/** The backups as a table, newest first: when, database, engine, size, tables, rows, why it was made, file. */
export function backupTable(backups: readonly Backup[], folder: BackupFolder): string {
  if (backups.length === 0) return `No backups in ${folder.shown}/ yet. backup-database makes one.`
  const table = new Table({
    head: ['When', 'Database', 'Engine', 'Size', 'Tables', 'Rows', 'Made for', 'File'],
    chars: plainLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'left', 'left'],
  })
  for (const backup of backups) table.push(rowOf(backup, folder))
  return table.toString().replace(/[ ]+$/gm, '')
}

function rowOf({ file, manifest }: Backup, folder: BackupFolder): string[] {
  const cells = [
    whenOf(manifest.createdAt),
    manifest.target.replace(/^\w+:\/\//, ''),
    manifest.engine,
    shownBytes(manifest.storedBytes),
    shownCount(manifest.tables.length),
    shownCount(totalRows(manifest.tables)),
    shortened(manifest.reason, 40),
    `${folder.shown}/${file}`,
  ]
  return cells.map((cell) => printable(onOneLine(cell)))
}

// The Swedish locale writes local time the way files are named: 2026-11-20 23:20:58.
function whenOf(createdAt: string): string {
  return new Date(createdAt).toLocaleString('sv-SE')
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

/** On a terminal, lets a person pick one; undefined when nothing was picked. */
export async function pickBackup(
  io: Io,
  backups: readonly Backup[],
  folder: BackupFolder,
): Promise<string | undefined> {
  if (backups.length === 0) return undefined
  const choices = backups.map(({ file, manifest }) => ({
    title: `${whenOf(manifest.createdAt)}  ${manifest.target}  ${shortened(manifest.reason, 40)}`,
    value: `${folder.shown}/${file}`,
  }))
  return askChoice(io, 'Restore which one? (Esc: none)', choices)
}
