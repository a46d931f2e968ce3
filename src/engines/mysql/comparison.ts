import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { TableRows } from '../engine.ts'
import { readCatalogue } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { markerTable } from './marker.ts'
import { labelOf, qualified } from './names.ts'

/** The exact rows of each table, those of a versioned table's history too: the dump has them or has lost them. */
export async function countTables(io: Io, connection: Connection, database: string): Promise<readonly TableRows[]> {
  const catalogue = await readCatalogue(connection, database)
  const tables = catalogue.objects.filter(({ kind, name }) => kind === 'table' && name !== markerTable)
  const counted: TableRows[] = []
  for (const { name } of tables) {
    io.signal.throwIfAborted()
    const history = catalogue.versioned.includes(name) ? ' FOR SYSTEM_TIME ALL' : ''
    const [row] = await connection.query(`SELECT COUNT(*) AS number FROM ${qualified(database, name)}${history}`)
    counted.push({ name: labelOf(name), rows: Number(row?.['number']) })
  }
  return counted
}

/** Throws a `Failure` (40) where the loaded tables are not those of the backup. */
export function compareTables(loaded: readonly TableRows[], expected: readonly TableRows[] | undefined): void {
  const differences = expected === undefined ? foreignDifferences(loaded) : differencesOf(loaded, expected)
  if (differences.length === 0) return
  throw new Failure(exitCode.restoreFailed, {
    what: 'What was loaded is not what was backed up',
    why: differences.slice(0, 10),
    next: ['the database is as it was before; try another backup'],
  })
}

function foreignDifferences(loaded: readonly TableRows[]): readonly string[] {
  return loaded.length > 0 ? [] : ['the file holds no table']
}

function differencesOf(loaded: readonly TableRows[], expected: readonly TableRows[]): readonly string[] {
  const tables = new Map(loaded.map((table) => [table.name, table]))
  const names = new Set(expected.map((table) => table.name))
  return [
    ...expected.flatMap((table) => differenceOf(table, tables.get(table.name))),
    ...loaded.filter(({ name }) => !names.has(name)).map(({ name }) => `table ${name} is not in the backup`),
  ]
}

function differenceOf({ name, rows, digest }: TableRows, loaded: TableRows | undefined): readonly string[] {
  if (loaded === undefined) return [`table ${name} is missing`]
  if (loaded.rows !== rows) return [`table ${name} has ${loaded.rows} rows, not ${rows}`]
  if (digest === undefined || loaded.digest === undefined || loaded.digest === digest) return []
  return [`table ${name} has as many rows, but not the same ones`]
}
