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
  | { readonly state: 'in-place' }

type Stored = { readonly live: string; readonly marker: Marker }

export async function createMarker(
  connection: Connection,
  database: string,
  live: string,
  marker: Marker,
): Promise<void> {
  const table = qualified(database, markerTable)
  await connection.query(
    `CREATE TABLE ${table} (id INT PRIMARY KEY, content LONGTEXT CHARACTER SET utf8mb4 NOT NULL) ENGINE = InnoDB`,
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
