import Table from 'cli-table3'
import type { Io } from '../effects/io.ts'
import { pickChoice } from '../effects/prompt.ts'
import { onOneLine, printable } from '../effects/terminal.ts'
import { shownBytes, shownCount } from '../effects/units.ts'
import type { BackupFolder } from './folder.ts'
import type { Backup } from './list.ts'
import { type Manifest, totalRows } from './manifest.ts'

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

const heads = ['When', 'Database', 'Engine', 'Size', 'Tables', 'Rows', 'Proven', 'Made for'] as const

/** The backups as a table, newest first: when, database, engine, size, tables, rows, when it was proven, why it was made, file. */
export function backupTable(backups: readonly Backup[], folder: BackupFolder): string {
  if (backups.length === 0) return `No backups in ${folder.shown}/ yet. backup-database makes one.`
  const rows = backups.map((backup) => [...cellsOf(backup), shown(`${folder.shown}/${backup.file}`)])
  return tableOf([...heads, 'File'], rows, aligns).join('\n')
}

type Align = 'left' | 'right'

const aligns: readonly Align[] = ['left', 'left', 'left', 'right', 'right', 'right', 'left', 'left', 'left']

/** Lines of aligned cells; the first one is the heads. */
export function tableOf(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  colAligns: readonly Align[],
): readonly string[] {
  const table = new Table({
    head: [...head],
    chars: plainLines,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: [...colAligns],
  })
  for (const row of rows) table.push([...row])
  return table.toString().replace(/[ ]+$/gm, '').split('\n')
}

function cellsOf({ manifest }: Backup): readonly string[] {
  return [
    whenOf(manifest.createdAt),
    manifest.target.replace(/^\w+:\/\//, ''),
    manifest.engine,
    shownBytes(manifest.storedBytes),
    shownCount(manifest.tables.length),
    shownCount(totalRows(manifest.tables)),
    proofOf(manifest),
    shortened(manifest.reason, 40),
  ].map(shown)
}

function proofOf({ proven, disproven }: Manifest): string {
  if (disproven !== undefined) return 'differs!'
  return proven === undefined ? '' : whenOf(proven).slice(0, '2026-11-20'.length)
}

/** A text for one cell: on one line, and with nothing in it that drives a terminal. */
export function shown(cell: string): string {
  return printable(onOneLine(cell))
}

/** `2026-11-20 23:20:58`, local time: the Swedish locale writes it the way files are named. */
export function whenOf(createdAt: string): string {
  return new Date(createdAt).toLocaleString('sv-SE')
}

function shortened(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`
}

/** On a terminal, the same table to pick from; undefined when nothing was picked. */
export async function pickBackup(
  io: Io,
  backups: readonly Backup[],
  folder: BackupFolder,
): Promise<string | undefined> {
  const [head = '', ...lines] = tableOf(heads, backups.map(cellsOf), aligns)
  io.terminal.warn(`    ${head}`)
  const choices = backups.map(({ file }, index) => ({
    title: shortened(lines[index] ?? file, io.terminal.columns - 6),
    value: `${folder.shown}/${file}`,
  }))
  return pickChoice(io, 'Restore which one? (Esc: none)', choices)
}
