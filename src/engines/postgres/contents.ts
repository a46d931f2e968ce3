import type { LiveTable } from '../engine.ts'
import { type NamedTable, namedTable, tableNaming } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { ownTables } from './facts.ts'
import { quotedForSql } from './names.ts'

/** A table, and what the server takes its number of rows for without counting. */
export type Countable = {
  readonly name: string
  readonly columns: readonly string[]
  readonly estimate: number
  /** Counting it would wait for another session, or fail: it is not ours to read, or policies hide rows of it. */
  readonly closed: boolean
}

// The statistics know at once what was inserted and deleted, reltuples only what the last VACUUM or ANALYZE found.
const listSql = `
  SELECT ${tableNaming},
    CASE WHEN pg_stat_get_live_tuples(c.oid) + pg_stat_get_dead_tuples(c.oid) > 0 THEN pg_stat_get_live_tuples(c.oid)
      ELSE greatest(c.reltuples, 0) END::float8 AS estimate,
    NOT has_table_privilege(c.oid, 'SELECT') OR NOT has_schema_privilege(n.oid, 'USAGE') OR row_security_active(c.oid)
      OR c.oid IN (SELECT l.relation FROM pg_locks l JOIN pg_database d ON d.oid = l.database
        WHERE d.datname = current_database() AND l.mode = 'AccessExclusiveLock' AND l.pid <> pg_backend_pid()) AS closed
    ${ownTables}`

type ListRow = NamedTable & { readonly estimate: number; readonly closed: boolean }

// For the list of tables itself, which nothing can replace.
const listSeconds = 2

/**
 * Every table, with its rows counted for at most `seconds`, the smallest first, and estimated after that; so are those
 * that another session has locked, and those of which we may not see every row.
 */
export async function readContents(connection: Connection, seconds: number): Promise<readonly LiveTable[]> {
  const deadline = performance.now() + seconds * 1000
  const rows = await connection.query<ListRow>(limited(listSql, (seconds + listSeconds) * 1000))
  const tables = rows.map((row) => ({ ...namedTable(row), estimate: row.estimate, closed: row.closed }))
  const counted = await countUntil(connection, tables, deadline)
  return tables.map((table) => liveTable(table, counted.get(table.name))).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function liveTable({ name, columns, estimate }: Countable, rows: number | undefined): LiveTable {
  return rows === undefined ? { name, rows: Math.round(estimate), columns, estimated: true } : { name, rows, columns }
}

async function countUntil(
  connection: Connection,
  tables: readonly Countable[],
  deadline: number,
): Promise<ReadonlyMap<string, number>> {
  const counted = new Map<string, number>()
  for (const batch of batches(tables)) {
    if (!worthCounting(batch, deadline - performance.now())) break
    for (const [name, rows] of await countBatch(connection, batch, deadline)) counted.set(name, rows)
  }
  return counted
}

const tablesInBatch = 50
const rowsInBatch = 1_000_000

/** The tables that can be counted, from the smallest to the largest; small ones together, to save round trips. */
export function batches(tables: readonly Countable[]): readonly (readonly Countable[])[] {
  const found: Countable[][] = []
  let rows = 0
  for (const table of tables.filter(({ closed }) => !closed).sort((a, b) => a.estimate - b.estimate)) {
    const batch = found.at(-1)
    rows += table.estimate
    if (batch !== undefined && batch.length < tablesInBatch && rows <= rowsInBatch) batch.push(table)
    else {
      found.push([table])
      rows = table.estimate
    }
  }
  return found
}

// No server counts faster: what cannot be done in the time that is left is not begun.
const mostRowsInMillisecond = 100_000

/** Whether the rows can be counted in so many milliseconds; the next batches are larger. */
export function worthCounting(batch: readonly Countable[], milliseconds: number): boolean {
  const rows = batch.reduce((sum, { estimate }) => sum + estimate, 0)
  return milliseconds >= 1 && rows / mostRowsInMillisecond <= milliseconds
}

type Counted = readonly (readonly [name: string, rows: number])[]

/** What could be counted of a batch: one table that cannot be read, or is larger than it seemed, must not hide the others. */
async function countBatch(connection: Connection, batch: readonly Countable[], deadline: number): Promise<Counted> {
  const left = deadline - performance.now()
  if (left < 1) return []
  if (batch.length === 1) return (await counts(connection, batch, left)) ?? []
  const together = await counts(connection, batch, left / 2)
  if (together !== undefined) return together
  const alone: Counted[] = []
  for (const table of batch) {
    alone.push((await counts(connection, [table], Math.max(1, (deadline - performance.now()) / 2))) ?? [])
  }
  return alone.flat()
}

/** Undefined where the server could or would not count them in so many milliseconds. */
async function counts(
  connection: Connection,
  batch: readonly Countable[],
  milliseconds: number,
): Promise<Counted | undefined> {
  try {
    const rows = await connection.query<{ at: number; rows: string }>(limited(countSql(batch), milliseconds))
    return rows.map(({ at, rows }) => [batch[at]?.name ?? '', Number(rows)])
  } catch (error) {
    if ((error as { severity?: string }).severity === 'ERROR') return undefined
    throw error
  }
}

// ONLY: as in a dump, the rows of a table's children are theirs.
function countSql(batch: readonly Countable[]): string {
  return batch
    .map(({ name }, at) => `SELECT ${at} AS at, count(*) AS rows FROM ONLY ${quotedForSql(name)}`)
    .join(' UNION ALL ')
}

// Until the end of these statements. Rows that a policy hides are an error rather than a lower number.
function limited(sql: string, milliseconds: number): string {
  const whole = Math.ceil(milliseconds)
  return `SET LOCAL statement_timeout = ${whole}; SET LOCAL lock_timeout = ${Math.min(whole, lockMilliseconds)};
    SET LOCAL row_security = off; ${sql}`
}

const lockMilliseconds = 100
