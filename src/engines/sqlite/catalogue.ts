import { createHash } from 'node:crypto'
import { RowDigest } from '../digest.ts'
import type { Connection, Row } from './thread.ts'

/** Everything that the database says of itself: one entry for each table, index, view and trigger. */
export type Catalogue = {
  /** `type name sql`, sorted: equal texts mean equal schemas. */
  readonly objects: readonly string[]
  readonly tables: readonly Table[]
}

/** A table that holds rows. A virtual one's shadow tables are its own affair, and not listed. */
export type Table = {
  readonly name: string
  readonly virtual: boolean
  readonly hasRowid: boolean
  /** The first pages of what it is stored in: its own, or those of its shadow tables. */
  readonly roots: readonly number[]
}

// SQLite's own `sqlite_sequence` stays behind when the last AUTOINCREMENT table is dropped, and VACUUM leaves it out then.
// VACUUM keeps the SQL to the letter but moves root pages, so these are left out.
const objectsOf = `SELECT type || ' ' || name || ' ' || coalesce(sql, '') AS object FROM sqlite_schema
  WHERE name <> 'sqlite_sequence'`

// A virtual table of a module that we do not have: SQLite lists its shadow tables as plain ones, so its data is counted there.
const tablesOf = `SELECT l.name AS name, l.type AS type, l.wr AS keyed, s.rootpage AS root FROM pragma_table_list AS l JOIN sqlite_schema AS s
  ON s.name = l.name AND s.type = 'table'
  WHERE l.schema = 'main' AND l.type IN ('table', 'virtual', 'shadow') AND substr(l.name, 1, 7) <> 'sqlite_' ORDER BY l.name`

/** Reads the catalogue of a database. */
export async function readCatalogue(connection: Connection): Promise<Catalogue> {
  const objects = await connection.rows(objectsOf)
  return { objects: objects.map(({ object }) => String(object)).sort(), tables: await readTables(connection) }
}

export async function readTables(connection: Connection): Promise<readonly Table[]> {
  return toTables(await connection.rows(tablesOf))
}

/** Equal for equal schemas: what is kept of a catalogue that another is compared with. */
export function schemaKey({ objects }: Catalogue): string {
  const hash = createHash('sha256')
  for (const object of objects) hash.update(object).update('\0')
  return hash.digest('hex')
}

function toTables(rows: readonly Row[]): readonly Table[] {
  const shadows = Map.groupBy(
    rows.filter((row) => row['type'] === 'shadow'),
    (row) => ownerOf(String(row['name'])),
  )
  return rows
    .filter((row) => row['type'] !== 'shadow')
    .map((row) => {
      const name = String(row['name'])
      const virtual = row['type'] === 'virtual'
      const stored = virtual ? (shadows.get(name.toLowerCase()) ?? []) : [row]
      return { name, virtual, hasRowid: !virtual && row['keyed'] === 0, roots: stored.map(({ root }) => Number(root)) }
    })
}

// A shadow table has its owner's name and one more word: `notes_data` is of `notes`.
function ownerOf(shadow: string): string {
  return shadow.slice(0, shadow.lastIndexOf('_')).toLowerCase()
}

const settingsOfSchema = ['user_version', 'application_id', 'encoding'] as const

/** A digest of everything that is no row. What SQLite keeps for itself (statistics, indexes of its own) is left out. */
export async function schemaDigestOf(connection: Connection, { objects }: Catalogue): Promise<string> {
  const digest = new RowDigest()
  for (const object of objects) if (!internal.test(object)) digest.row(Buffer.from(object))
  for (const name of settingsOfSchema) {
    const [row] = await connection.rows(`PRAGMA ${name}`)
    digest.row(Buffer.from(`PRAGMA ${name} = ${row?.[name]}`))
  }
  return digest.toString()
}

const internal = /^\w+ sqlite_/
