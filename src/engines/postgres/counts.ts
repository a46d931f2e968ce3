import { exitCode, Failure } from '../../failure.ts'
import type { TableRows } from '../engine.ts'
import { readTables } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { ownTables } from './facts.ts'
import { displayName, quotedForSql } from './names.ts'
import { type Roots, summed } from './partitions.ts'

const tablesInOneQuery = 50

/** The exact number of rows of each table of the database. */
export async function countRows(connection: Connection): Promise<TableRows[]> {
  return countEach(connection, await namesOf(connection))
}

/** Rows that could be read back, and the tables of which this user may not read any, or not all. */
export type Readable = { readonly tables: readonly TableRows[]; readonly unreadable: readonly string[] }

/** The exact number of rows of each table that this user may read as a whole. */
export async function countReadable(connection: Connection): Promise<Readable> {
  const unreadable = await unreadableTables(connection)
  const names = (await namesOf(connection)).filter((name) => !unreadable.includes(name))
  return { tables: await countEach(connection, names), unreadable }
}

/** SQL: whether this user may read all rows of the table with this OID. */
export function mayReadSql(oid: string): string {
  return `(pg_catalog.has_table_privilege(${oid}, 'SELECT') AND NOT pg_catalog.row_security_active(${oid}))`
}

async function unreadableTables(connection: Connection): Promise<string[]> {
  const sql = `SELECT n.nspname::text AS schema, c.relname::text AS name ${ownTables} AND NOT ${mayReadSql('c.oid')}`
  const rows = await connection.query<{ schema: string; name: string }>(sql)
  return rows.map(({ schema, name }) => displayName([schema, name])).sort()
}

async function namesOf(connection: Connection): Promise<string[]> {
  return (await readTables(connection)).map(({ name }) => name).sort()
}

async function countEach(connection: Connection, names: readonly string[]): Promise<TableRows[]> {
  const counted: TableRows[] = []
  for (let at = 0; at < names.length; at += tablesInOneQuery) {
    const some = names.slice(at, at + tablesInOneQuery)
    const rows = await connection.query<{ at: number; rows: string }>(countSql(some))
    for (const row of rows) counted.push({ name: some[row.at] ?? '', rows: Number(row.rows) })
  }
  return counted.sort((a, b) => (a.name < b.name ? -1 : 1))
}

// ONLY: a dump holds the rows of each table on its own, its children's are theirs.
function countSql(names: readonly string[]): string {
  return names
    .map((name, at) => `SELECT ${at} AS at, count(*) AS rows FROM ONLY ${quotedForSql(name)}`)
    .join(' UNION ALL ')
}

/** How what was restored differs from the backup. */
export type Differences = {
  /** What is wrong, one line each. */
  readonly wrong: string[]
  /** Tables with as many rows as in the backup, and other ones. */
  readonly changed: readonly TableRows[]
}

/** Compares rows, and digests where both are known. An empty table more is no difference: replicas. */
export function differences(expected: readonly TableRows[], found: readonly TableRows[]): Differences {
  const there = new Map(found.map((table) => [table.name, table]))
  const known = new Set(expected.map(({ name }) => name))
  const miscounted = expected.filter(({ name, rows }) => there.get(name)?.rows !== rows)
  const more = found.filter(({ name, rows }) => !known.has(name) && rows > 0)
  return {
    wrong: [
      ...miscounted.map(
        ({ name, rows }) => `${name}: ${rows} rows in the backup, ${there.get(name)?.rows ?? 'no table'} restored`,
      ),
      ...more.map(({ name, rows }) => `${name}: not in the backup, ${rows} rows restored`),
    ],
    changed: expected.filter((table) => !miscounted.includes(table) && isChanged(table, there.get(table.name))),
  }
}

function isChanged({ digest }: TableRows, found: TableRows | undefined): boolean {
  return digest !== undefined && found?.digest !== undefined && digest !== found.digest
}

export type Restored = Readable & {
  readonly database: string
  /** Why the same rows may have other digests here: then a table with as many rows as in the backup is only noted. */
  readonly otherwise: string | undefined
  readonly roots: Roots
}

/** Throws a `Failure` (40) when what was loaded is not what the backup holds; notes what could not be compared. */
export function compare(expected: readonly TableRows[], restored: Restored): string[] {
  const { tables, unreadable, database, otherwise, roots } = restored
  const shut = new Set(unreadable.map((name) => roots.get(name) ?? name))
  const readable = summed(expected, roots).filter(({ name }) => !shut.has(name))
  const { wrong, changed } = differences(readable, summed(tables, roots))
  const [byName, others] = [changed.filter(namesObjects), changed.filter((table) => !namesObjects(table))]
  if (otherwise === undefined) wrong.push(...others.map(changedLine))
  if (wrong.length > 0) throw notTheBackup(wrong, database)
  return [
    ...aboutTables(byObjectNames, byName),
    ...aboutTables(`${otherwise}: rows that are written otherwise were only counted, of`, others),
    ...aboutTables('rows that may not be read back were not compared, of', unreadable.map(named)),
  ]
}

/** What is to be said of tables whose rows name objects, where these rows are written otherwise. */
export const byObjectNames = 'rows that name objects of the database (regclass …) were only counted, of'

const objectName = / reg(class|collation|config|dictionary|namespace|oper|operator|proc|procedure|role|type)(\[\])?$/

/** Whether rows name objects of the database: the number of one that is gone may be that of another one elsewhere. */
export function namesObjects({ columns = [] }: TableRows): boolean {
  return columns.some((column) => objectName.test(column))
}

function named(name: string): Pick<TableRows, 'name'> {
  return { name }
}

/** A note that names tables; none where there are none. */
export function aboutTables(what: string, tables: readonly Pick<TableRows, 'name'>[]): string[] {
  return tables.length === 0 ? [] : [`${what} ${listed(tables.map(({ name }) => name))}`]
}

function changedLine({ name, rows }: TableRows): string {
  return `${name}: ${rows} rows in the backup and restored, but not the same ones`
}

function notTheBackup(lines: readonly string[], database: string): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `what was loaded differs from the backup; database ${database} is as it was before`,
    why: lines.length > 5 ? [...lines.slice(0, 5), `… and ${lines.length - 5} more`] : lines,
    next: ['choose another backup: restore-database'],
  })
}

/** The first five names. */
export function listed(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ')
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown
}
