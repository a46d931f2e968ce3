import type { Io } from '../../effects/io.ts'
import { within } from '../../effects/time-limit.ts'
import type { LiveTable } from '../engine.ts'
import { isBusy, leavingNoTrace, type Reading } from './access.ts'
import { readTables, type Table } from './catalogue.ts'
import { type Columns, columnsOf, columnText } from './columns.ts'
import { type Count, countOn, countVirtual } from './count.ts'
import { estimateRows } from './estimate.ts'
import { displayed } from './names.ts'
import { type Connection, inThread } from './thread.ts'

type Estimates = ReadonlyMap<string, number>

type Schema = { readonly tables: readonly Table[]; readonly columns: Columns }

/**
 * Every table as it is now, its rows counted for at most `seconds` in all, the smallest first, and estimated after that.
 * A writer never waits for the whole of it: rows are counted in parts where that is possible.
 */
export async function liveContents(
  io: Io,
  path: string,
  reading: Reading,
  seconds: number,
): Promise<readonly LiveTable[]> {
  const deadline = performance.now() + seconds * 1000
  return leavingNoTrace(io.signal, path, async () => {
    const schema = await inThread(io.signal, { ...reading.opening, seconds }, readSchema)
    const counts = await countUntil(io, reading, schema, deadline)
    const uncounted = schema.tables.filter(({ name }) => !counts.has(name))
    const estimates: Estimates = uncounted.length === 0 ? new Map() : estimateRows(path, uncounted)
    return schema.tables.flatMap((table) => liveTable(table, schema, counts, estimates))
  })
}

async function readSchema(connection: Connection): Promise<Schema> {
  const tables = await readTables(connection)
  return { tables, columns: await columnsOf(connection, tables) }
}

/** By name; undefined for a virtual table whose module is not part of this SQLite. */
type Counts = ReadonlyMap<string, number | undefined>

async function countUntil(io: Io, reading: Reading, schema: Schema, deadline: number): Promise<Counts> {
  const counts = new Map<string, number | undefined>()
  const late = new Error('the time is up')
  const seconds = Math.max(0, deadline - performance.now()) / 1000
  try {
    // A statement cannot be interrupted: its thread is left behind, and ends with us.
    await within(io, seconds, late, ({ signal }) =>
      inThread(signal, { ...reading.opening, seconds }, (connection) => countAll(connection, schema, counts)),
    )
  } catch (error) {
    if (error !== late && !isBusy(error)) throw error
  }
  return counts
}

/** Counts a part of each table in turns, so that the small ones are done first; what cannot be counted in parts comes last. */
async function countAll(
  connection: Connection,
  { tables, columns }: Schema,
  counts: Map<string, number | undefined>,
): Promise<void> {
  const [divisible, whole] = [tables.filter(({ hasRowid }) => hasRowid), tables.filter(({ hasRowid }) => !hasRowid)]
  const queue: Count[] = divisible.map((table) => ({ table, rows: 0, done: false }))
  for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
    const count = await countOn(connection, next, columns(next.table.name))
    if (count.done) counts.set(count.table.name, count.rows)
    else queue.push(count)
  }
  for (const { name } of whole) counts.set(name, await countVirtual(connection, name))
}

function liveTable(table: Table, { columns }: Schema, counts: Counts, estimates: Estimates): readonly LiveTable[] {
  const { name, virtual } = table
  const own = columns(name)
  const rows = counts.get(name)
  const isUnknown = virtual && (own.length === 0 || (counts.has(name) && rows === undefined))
  if (isUnknown) return []
  const shown = { name: displayed(name), columns: own.map(columnText) }
  return [rows === undefined ? { ...shown, rows: estimates.get(name) ?? 0, estimated: true } : { ...shown, rows }]
}
