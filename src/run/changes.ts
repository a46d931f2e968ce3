import type { LiveTable, TableRows } from '../engines/engine.ts'
import type { TableChange } from '../operation.ts'

/** How the live tables differ from those of a backup: losses first, the greatest first. */
export function changesBetween(before: readonly TableRows[], now: readonly LiveTable[]): readonly TableChange[] {
  const live = new Map(now.map((table) => [table.name, table]))
  const known = new Set(before.map(({ name }) => name))
  const gone = before.filter(({ name }) => !live.has(name))
  const fresh = now.filter(({ name }) => !known.has(name))
  const renamed = perhapsRenamed(gone, fresh)
  const changes = before.flatMap((table) => {
    const there = live.get(table.name)
    if (there === undefined) return [goneTable(table, renamed.get(table.name))]
    return [...rowChanges(table, there), ...columnChanges(table, there)]
  })
  return [...changes, ...fresh.map(newTable)].toSorted(greatestLossFirst)
}

/** The one change where the whole database is not there any more. */
export function databaseGone(before: readonly TableRows[]): TableChange {
  const rows = before.reduce((sum, table) => sum + table.rows, 0)
  return { kind: 'database-gone', loss: before.length > 0, before: rows }
}

function goneTable({ name, rows }: TableRows, renamed: string | undefined): TableChange {
  const perhaps = renamed === undefined ? {} : { perhapsRenamedTo: renamed }
  return { kind: 'table-gone', table: name, loss: rows > 0, before: rows, ...perhaps }
}

function newTable({ name, rows, estimated }: LiveTable): TableChange {
  return { kind: 'table-new', table: name, loss: false, after: rows, ...(estimated ? { estimated } : {}) }
}

// By old name: the one new table with the same columns and the same number of rows, where no other table could be it.
function perhapsRenamed(gone: readonly TableRows[], fresh: readonly LiveTable[]): ReadonlyMap<string, string> {
  const comparable = fresh.filter(({ estimated }) => estimated === undefined)
  const alike = (tables: readonly TableRows[]) => Map.groupBy(tables, looks)
  const [then, now] = [alike(gone.filter(hasFace)), alike(comparable.filter(hasFace))]
  const pairs = [...then].flatMap(([look, [old, ...rivals]]): [string, string][] => {
    const [other, ...others] = now.get(look) ?? []
    const only = old !== undefined && other !== undefined && rivals.length === 0 && others.length === 0
    return only ? [[old.name, other.name]] : []
  })
  return new Map(pairs)
}

function looks({ rows, columns = [] }: TableRows): string {
  return JSON.stringify([rows, columns])
}

function hasFace({ columns = [], rows }: TableRows): boolean {
  return columns.length > 0 && rows > 0
}

// The server's estimate is some per cent off on the best of days.
const notableShare = 0.1

function rowChanges({ name, rows }: TableRows, { rows: now, estimated }: LiveTable): readonly TableChange[] {
  if (rows === now || (estimated && Math.abs(now - rows) < rows * notableShare)) return []
  const kind = now > rows ? 'more-rows' : now === 0 && !estimated ? 'emptied' : 'fewer-rows'
  const loss = now < rows && !estimated
  return [{ kind, table: name, loss, before: rows, after: now, ...(estimated ? { estimated } : {}) }]
}

type Column = { readonly name: string; readonly type: string }

function columnChanges(table: TableRows, live: LiveTable): readonly TableChange[] {
  if (table.columns === undefined || live.columns === undefined) return []
  const then = table.columns.map(columnOf)
  const now = live.columns.map(columnOf)
  const lacks =
    (columns: readonly Column[]) =>
    ({ name }: Column) =>
      columns.every((other) => other.name !== name)
  const changed = then.flatMap((column) => typeChange(table.name, column, now))
  const gone = then.filter(lacks(now)).map((column) => goneColumn(table, column, then, now))
  const fresh = now.filter(lacks(then)).map(
    ({ name, type }): TableChange => ({
      kind: 'column-new',
      table: table.name,
      loss: false,
      column: name,
      typeAfter: type,
    }),
  )
  return [...gone, ...changed, ...fresh]
}

/** `email character varying(255)`, `"Order No" integer`, `v`: the name is quoted where it holds a space. */
function columnOf(text: string): Column {
  const [, name = text, type = ''] = /^("(?:[^"]|"")*"|`(?:[^`]|``)*`|\S+)\s*(.*)$/s.exec(text) ?? []
  return { name, type }
}

function typeChange(table: string, { name, type }: Column, now: readonly Column[]): readonly TableChange[] {
  const other = now.find((column) => column.name === name)
  if (other === undefined || other.type === type) return []
  return [{ kind: 'column-changed', table, loss: false, column: name, typeBefore: type, typeAfter: other.type }]
}

function goneColumn(table: TableRows, column: Column, then: readonly Column[], now: readonly Column[]): TableChange {
  const there = now[then.indexOf(column)]
  const renamed =
    then.length === now.length && there?.type === column.type && then.every(({ name }) => name !== there.name)
  return {
    kind: 'column-gone',
    table: table.name,
    loss: table.rows > 0,
    column: column.name,
    typeBefore: column.type,
    ...(renamed ? { perhapsRenamedTo: there.name } : {}),
  }
}

const severity: Readonly<Record<TableChange['kind'], number>> = {
  'database-gone': 0,
  'table-gone': 1,
  emptied: 2,
  'fewer-rows': 3,
  'column-gone': 4,
  'column-changed': 5,
  'table-new': 6,
  'column-new': 7,
  'more-rows': 8,
}

function greatestLossFirst(one: TableChange, other: TableChange): number {
  return (
    doubt(one) - doubt(other) ||
    severity[one.kind] - severity[other.kind] ||
    rowsLost(other) - rowsLost(one) ||
    compareTexts(one.table, other.table)
  )
}

function doubt({ loss, perhapsRenamedTo }: TableChange): number {
  return loss ? (perhapsRenamedTo === undefined ? 0 : 1) : 2
}

/** How many rows are not there any more; 0 where that is not known. */
export function rowsLost({ loss, before = 0, after = 0 }: TableChange): number {
  return loss ? Math.max(before - after, 0) : 0
}

function compareTexts(one = '', other = ''): number {
  return one < other ? -1 : one > other ? 1 : 0
}
