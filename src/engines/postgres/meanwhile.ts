import type { BackupContent, TableRows } from '../engine.ts'
import { readTables } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { quotedForSql, quoteLiteral } from './names.ts'
import { DumpReader } from './reader.ts'

/** A moment of a server, as the first transaction that may have written to one database after it. */
export type Moment = { readonly transaction: bigint }

// A transaction that runs, and each of its savepoints, holds a lock on its own number. Those of other databases do not count.
const runningSql = (database: string) => `
  SELECT txid_current();
  SELECT (txid_current() - max(age(l.transactionid)))::text AS oldest FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'transactionid' AND l.mode = 'ExclusiveLock' AND l.granted AND a.datname = ${quoteLiteral(database)}`

/** Notes this moment of a database; from a session in any database of the server. */
export async function noteMoment(connection: Connection, database: string): Promise<Moment> {
  const [next] = await connection.query<{ xmax: string }>(
    'SELECT txid_snapshot_xmax(txid_current_snapshot())::text AS xmax',
  )
  const [running] = await connection.query<{ oldest: string | null }>(runningSql(database))
  if (next === undefined || running === undefined) throw new Error('the server gave no answer')
  const xmax = BigInt(next.xmax)
  const oldest = BigInt(running.oldest ?? next.xmax)
  return { transaction: xmax > oldest ? oldest : xmax }
}

/** The rows of each table that a backup holds. */
export async function rowsOf(content: BackupContent): Promise<readonly TableRows[]> {
  const reader = new DumpReader()
  for await (const chunk of content()) reader.feed(chunk)
  return reader.end().tables
}

// Without pg_statistic, which ANALYZE writes by itself. What a temporary table had there goes with its session.
const catalogues = [
  'pg_class',
  'pg_attribute',
  'pg_attrdef',
  'pg_constraint',
  'pg_trigger',
  'pg_rewrite',
  'pg_policy',
  'pg_proc',
  'pg_type',
  'pg_enum',
  'pg_largeobject_metadata',
]

const relationsInOneQuery = 50

/** Whether the database of this connection was written to since: other rows than `before`, or rows of later transactions. */
export async function writtenSince(
  connection: Connection,
  moment: Moment,
  before: readonly TableRows[],
): Promise<boolean> {
  // The number of our own transaction has to be there before any row's age is asked for.
  await connection.query('BEGIN')
  try {
    const { span, objects } = await reach(connection, moment)
    const expected = new Map(before.map(({ name, rows }) => [name, rows]))
    const tables = (await readTables(connection)).map(({ name }) => ({ name, rows: expected.get(name) ?? -1 }))
    const system = objects ? [...catalogues, 'pg_largeobject'] : catalogues
    const relations = [...system.map((name) => ({ name: `pg_catalog.${name}` })), ...tables]
    return await anyWritten(connection, relations, span)
  } finally {
    await connection.query('ROLLBACK')
  }
}

type Reach = { readonly span: string; readonly objects: boolean }

async function reach(connection: Connection, { transaction }: Moment): Promise<Reach> {
  const sql = `SELECT (txid_current() - $1::bigint)::text AS span,
    has_table_privilege('pg_catalog.pg_largeobject', 'SELECT') AS objects`
  const [row] = await connection.query<Reach>(sql, [String(transaction)])
  if (row === undefined) throw new Error('the server gave no answer')
  return row
}

/** A table with the rows that it had, or one of the system's. */
type Relation = { readonly name: string; readonly rows?: number }

async function anyWritten(connection: Connection, relations: readonly Relation[], span: string): Promise<boolean> {
  for (let at = 0; at < relations.length; at += relationsInOneQuery) {
    const some = relations.slice(at, at + relationsInOneQuery)
    const looks = await connection.query<Look>(lookSql(some, span))
    const written = looks.some(({ at, later, rows }) => later || (some[at]?.rows ?? Number(rows)) !== Number(rows))
    if (written) return true
  }
  return false
}

type Look = { readonly at: number; readonly rows: string; readonly later: boolean }

// A row of long ago may show the number of a transaction that seems to be still to come: its age is below 0.
function lookSql(relations: readonly Relation[], span: string): string {
  const later = `coalesce(bool_or(age(xmin) BETWEEN 0 AND ${span}), false)`
  return relations
    .map(({ name }, at) => `SELECT ${at} AS at, count(*) AS rows, ${later} AS later FROM ONLY ${quotedForSql(name)}`)
    .join(' UNION ALL ')
}
