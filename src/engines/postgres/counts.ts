import { exitCode, Failure } from '../../failure.ts'
import type { TableRows } from '../engine.ts'
import { readTables } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { quotedForSql, quoteLiteral } from './names.ts'

const tablesInOneQuery = 50

/** The exact number of rows of each table of the database. */
export async function countRows(connection: Connection): Promise<TableRows[]> {
  const names = (await readTables(connection)).map(({ name }) => name).sort()
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

/** How the tables differ from what the backup holds, one line each. An empty table more is no difference: replicas. */
export function differences(expected: readonly TableRows[], found: readonly TableRows[]): string[] {
  const there = new Map(found.map(({ name, rows }) => [name, rows]))
  const known = new Set(expected.map(({ name }) => name))
  const wrong = expected.filter(({ name, rows }) => there.get(name) !== rows)
  const more = found.filter(({ name, rows }) => !known.has(name) && rows > 0)
  return [
    ...wrong.map(({ name, rows }) => `${name}: ${rows} rows in the backup, ${there.get(name) ?? 'no table'} restored`),
    ...more.map(({ name, rows }) => `${name}: not in the backup, ${rows} rows restored`),
  ]
}

/** Throws a `Failure` (40) when what was loaded is not what the backup holds. */
export function compare(expected: readonly TableRows[], found: readonly TableRows[], database: string): void {
  const lines = differences(expected, found)
  if (lines.length === 0) return
  throw new Failure(exitCode.restoreFailed, {
    what: `what was loaded differs from the backup; database ${database} is as it was before`,
    why: lines.length > 5 ? [...lines.slice(0, 5), `… and ${lines.length - 5} more`] : lines,
    next: ['choose another backup: restore-database'],
  })
}

/** A block that raises an error, and so undoes the transaction, when a table's rows are not what the backup holds. */
export function checkBlock(expected: readonly TableRows[]): string {
  const checks = expected.map(({ name, rows }) => {
    const message = `${quoteLiteral(`${name}: ${rows} rows in the backup, `)} || n || ' restored'`
    const count = `SELECT count(*) INTO n FROM ONLY ${quotedForSql(name)};`
    return `${count} IF n <> ${rows} THEN RAISE EXCEPTION USING MESSAGE = ${message}; END IF;`
  })
  const body = `DECLARE n bigint; BEGIN ${checks.join('\n')} END`
  return `DO ${quoteLiteral(body)};\n`
}
