import { HalfRestored } from '../../failure.ts'
import type { Connection } from './connection.ts'
import { qualified } from './names.ts'
import type { SwapPlan } from './swap-plan.ts'

/** The table that says what a scratch database is, and how far its restore has come. */
export const markerTable = 'seatbelt_restore'

export type Marker =
  | { readonly state: 'loading' }
  /** The plan is written: from here on it is finished or taken back. */
  | { readonly state: 'swapping'; readonly plan: SwapPlan }
  /** Only the old and the scratch database are left to be dropped. */
  | { readonly state: 'swapped'; readonly old: string }
  /** The live database itself is being loaded. */
  | { readonly state: 'in-place'; readonly at: string }

type Stored = { readonly live: string; readonly marker: Marker }

export async function createMarker(
  connection: Connection,
  database: string,
  live: string,
  marker: Marker,
): Promise<void> {
  const table = qualified(database, markerTable)
  await connection.query(
    `CREATE TABLE IF NOT EXISTS ${table} (id INT PRIMARY KEY, content LONGTEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE = InnoDB`,
  )
  await writeMarker(connection, database, live, marker)
}

export async function writeMarker(
  connection: Connection,
  database: string,
  live: string,
  marker: Marker,
): Promise<void> {
  const stored: Stored = { live, marker }
  await connection.query(`REPLACE INTO ${qualified(database, markerTable)} VALUES (1, ?)`, [JSON.stringify(stored)])
}

/** What a database is marked as; absent: it is not one of ours for this live database. */
export async function readMarker(connection: Connection, database: string, live: string): Promise<Marker | undefined> {
  const rows = await connection
    .query(`SELECT content FROM ${qualified(database, markerTable)} WHERE id = 1`)
    .catch(() => [])
  const content = rows[0]?.['content']
  if (typeof content !== 'string') return undefined
  const stored = JSON.parse(content) as Stored
  return stored.live === live ? stored.marker : undefined
}

export async function dropMarker(connection: Connection, database: string): Promise<void> {
  await connection.query(`DROP TABLE ${qualified(database, markerTable)}`)
}

/** Drops a marker that has no row yet: whoever wrote it was killed before it touched anything. */
export async function dropBlankMarker(connection: Connection, database: string): Promise<void> {
  const columns = await connection.query(
    `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION`,
    [database, markerTable],
  )
  if (columns.map((row) => row['name']).join() !== 'id,content') return
  const [row] = await connection.query(`SELECT COUNT(*) AS number FROM ${qualified(database, markerTable)}`)
  if (Number(row?.['number']) === 0) await dropMarker(connection, database)
}

/** Throws a `Failure` (30) where a restore into the live database itself was cut off. */
export async function ensureWhole(connection: Connection, live: string): Promise<void> {
  const marker = await readMarker(connection, live, live)
  if (marker?.state !== 'in-place') return
  throw new HalfRestored({
    what: `Database ${live} is not whole: the restore of ${new Date(marker.at).toLocaleString('sv-SE')} was interrupted half-way`,
    why: [`what is in it now is worth no backup (table ${markerTable} in it is the mark)`],
    next: ['restore-database <the safety backup that was taken just before that time>'],
  })
}
