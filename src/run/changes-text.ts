import { onOneLine } from '../effects/terminal.ts'
import { counted, shownCount } from '../effects/units.ts'
import type { TableChange } from '../operation.ts'
import { rowsLost } from './changes.ts'

/** One line for a person: `lost` is red, `doubtful` yellow. */
export type ChangeLine = { readonly text: string; readonly tone: 'lost' | 'doubtful' | 'plain' }

type Row = { readonly table: string; readonly text: string; readonly tone: ChangeLine['tone'] }

/** The changes as aligned lines, in their order, at most `limit`; the last one then says how many there are more. */
export function changeLines(changes: readonly TableChange[], limit: number): readonly ChangeLine[] {
  const rows = grouped(changes).map(rowOf)
  const shown = rows.slice(0, limit)
  const width = Math.max(...shown.map(({ table }) => Bun.stringWidth(table)), 0)
  const lines = shown.map(({ table, text, tone }) => ({
    text: width === 0 ? text : `${padded(table, width)}  ${text}`,
    tone,
  }))
  return rows.length > limit ? [...lines, restLine(rows.slice(limit))] : lines
}

function restLine(rest: readonly Row[]): ChangeLine {
  const losses = rest.filter(({ tone }) => tone !== 'plain').length
  const more = `… and ${shownCount(rest.length)} more`
  if (losses === 0) return { text: more, tone: 'plain' }
  return { text: `${more}, ${shownCount(losses)} of them ${losses === 1 ? 'a loss' : 'losses'}`, tone: 'lost' }
}

// New columns of one table are one line, and so are those that are gone.
function grouped(changes: readonly TableChange[]): readonly (readonly [TableChange, ...TableChange[]])[] {
  const groups = new Map<string, [TableChange, ...TableChange[]]>()
  for (const [index, change] of changes.entries()) {
    const key = isListed(change) ? JSON.stringify([change.kind, change.table]) : String(index)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [change])
    else group.push(change)
  }
  return [...groups.values()]
}

function isListed({ kind, perhapsRenamedTo }: TableChange): boolean {
  return kind === 'column-new' || (kind === 'column-gone' && perhapsRenamedTo === undefined)
}

function rowOf(group: readonly [TableChange, ...TableChange[]]): Row {
  const [change] = group
  const text = isListed(change) ? columnsText(group) : textOf(change)
  return { table: shownTable(change.table), text: `${text}${renamedText(change)}`, tone: toneOf(change) }
}

function renamedText({ column, perhapsRenamedTo }: TableChange): string {
  if (perhapsRenamedTo === undefined) return ''
  return `; perhaps renamed to ${column === undefined ? shownTable(perhapsRenamedTo) : shownName(perhapsRenamedTo)}`
}

function toneOf({ loss, perhapsRenamedTo }: TableChange): ChangeLine['tone'] {
  if (!loss) return 'plain'
  return perhapsRenamedTo === undefined ? 'lost' : 'doubtful'
}

const columnsShown = 4

function columnsText(group: readonly [TableChange, ...TableChange[]]): string {
  const names = group.slice(0, columnsShown).map(({ column = '' }) => shownName(column))
  const all = `${names.join(', ')}${group.length > columnsShown ? ` and ${group.length - columnsShown} more` : ''}`
  const noun = group.length === 1 ? 'column' : 'columns'
  return group[0].kind === 'column-new' ? `new ${noun} ${all}` : `${noun} ${all} gone`
}

function textOf(change: TableChange): string {
  const { kind, before = 0, after = 0, column = '', typeBefore = '', typeAfter = '' } = change
  const now = `${change.estimated ? 'about ' : ''}${shownCount(after)}`
  switch (kind) {
    case 'database-gone':
      return `the database itself is gone (it had ${counted(before, 'row')})`
    case 'table-gone':
      return `${counted(before, 'row')} → the table is gone`
    case 'table-new':
      return `new table, ${now} ${after === 1 ? 'row' : 'rows'}`
    case 'column-changed':
      return `column ${shownName(column)}: ${shownName(typeBefore)} → ${shownName(typeAfter)}`
    case 'column-gone':
    case 'column-new':
      return `column ${shownName(column)} gone`
    default:
      return `${shownCount(before)} → ${now} ${after === 1 ? 'row' : 'rows'}${difference(change)}`
  }
}

function difference({ kind, before = 0, after = 0, estimated }: TableChange): string {
  if (estimated) return ' (an estimate: it took too long to count)'
  if (kind === 'emptied') return ' (all gone)'
  return kind === 'fewer-rows' ? ` (${shownCount(before - after)} gone)` : ` (${shownCount(after - before)} more)`
}

// PostgreSQL's default schema says nothing.
function shownTable(table = ''): string {
  return shownName(table.replace(/^public\./, ''))
}

const longestName = 60

function shownName(name: string): string {
  const line = onOneLine(name)
  return line.length <= longestName ? line : `${line.slice(0, longestName - 1)}…`
}

function padded(text: string, width: number): string {
  return text + ' '.repeat(width - Bun.stringWidth(text))
}

/** `1,204 rows of users are gone`, for several tables together; undefined where nothing but columns is known to be gone. */
export function lostText(changes: readonly TableChange[]): string | undefined {
  const losses = changes.filter((change) => toneOf(change) === 'lost' && change.kind !== 'column-gone')
  const [first] = losses
  if (first === undefined) return undefined
  if (first.kind === 'database-gone') return 'the database itself is gone'
  const rows = losses.reduce((sum, change) => sum + rowsLost(change), 0)
  const tables = losses.length === 1 ? shownTable(first.table) : counted(losses.length, 'table')
  return `${counted(rows, 'row')} of ${tables} ${rows === 1 ? 'is' : 'are'} gone`
}
