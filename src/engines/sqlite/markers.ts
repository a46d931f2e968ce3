import { basename } from 'node:path'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { Marker } from '../engine.ts'
import { quoted } from './names.ts'
import { type Connection, SqliteProblem } from './thread.ts'

// A project may give the table's name a prefix or a suffix.
const metadataTables = `SELECT name FROM sqlite_schema WHERE type = 'table' AND instr(name, 'ar_internal_metadata') > 0
  ORDER BY length(name), name LIMIT 20`

/** The environments that Rails wrote down (ActiveRecord::InternalMetadata). */
export async function railsMarkers(connection: Connection): Promise<readonly Marker[]> {
  const values = new Set<string>()
  for (const { name } of await connection.rows(metadataTables)) {
    for (const value of await environmentsIn(connection, String(name))) values.add(value)
  }
  return [...values].map((value) => ({ value, source: 'ar_internal_metadata' }))
}

async function environmentsIn(connection: Connection, table: string): Promise<readonly string[]> {
  try {
    const sql = `SELECT value FROM ${quoted(table)} WHERE key = 'environment' AND value IS NOT NULL LIMIT 2`
    return (await connection.rows(sql)).map((row) => String(row['value']))
  } catch (error) {
    // A table of somebody else's that has such a name.
    if (error instanceof SqliteProblem && error.code === 'SQLITE_ERROR') return []
    throw error
  }
}

/** A `Failure` (20): whatever stands in a SQLite file would also stand in every copy of it. */
export function noPlaceForMarker(path: string): Failure {
  const file = basename(path)
  return new Failure(exitCode.refused, {
    what: `The SQLite file ${onOneLine(path)} has no place for a marker`,
    why: ['what stands in the file travels with every copy of it: a test copy would be marked too'],
    next: [`name it in seatbelt.json instead: { "productionNames": [${JSON.stringify(file)}] }`],
  })
}
