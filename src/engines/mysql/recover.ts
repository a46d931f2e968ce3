import type { Server } from './catalogue.ts'
import type { Connection } from './connection.ts'
import { dropBlankMarker, type Marker, markerTable, readMarker } from './marker.ts'
import { isBeside, labelOf } from './names.ts'
import { dropDatabases, resumeSwap } from './swap.ts'

/**
 * Clears what an interrupted restore of this database left: finishes its swap or takes it back, and drops its databases.
 * Called with the lock held, so that nobody is still at it. What was done, one sentence each.
 */
export async function recoverLeftovers(
  connection: Connection,
  server: Pick<Server, 'database'>,
): Promise<readonly string[]> {
  const live = server.database
  const notes: string[] = []
  for (const name of await besideNames(connection, live)) {
    const marker = await readMarker(connection, name, live)
    if (marker !== undefined) notes.push(await recover(connection, live, name, marker))
  }
  for (const name of await besideNames(connection, live)) {
    if (await dropEmpty(connection, live, name))
      notes.push(`removed the empty database ${labelOf(name)}, left by an interrupted restore`)
  }
  await dropBlankMarker(connection, live)
  return notes
}

async function besideNames(connection: Connection, live: string): Promise<readonly string[]> {
  const rows = await connection.query(
    "SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '%\\\\_seatbelt\\\\_%'",
  )
  return rows.map((row) => String(row['name'])).filter((name) => isBeside(live, name))
}

async function recover(connection: Connection, live: string, scratch: string, marker: Marker): Promise<string> {
  if (marker.state === 'swapping') {
    const how = await resumeSwap(connection, marker.plan)
    return how === 'finished'
      ? `finished the interrupted restore of ${labelOf(live)}: it is the restored database`
      : `took the interrupted restore of ${labelOf(live)} back: it is as it was before`
  }
  await dropDatabases(connection, marker.state === 'swapped' ? [marker.old, scratch] : [scratch])
  return `removed ${labelOf(scratch)}, left by an interrupted restore of ${labelOf(live)}`
}

// Killed between CREATE DATABASE and its marker, whose table may be there without its row. A name cut short may be another
// database's: left alone.
async function dropEmpty(connection: Connection, live: string, name: string): Promise<boolean> {
  if (!name.startsWith(`${live}_seatbelt_`)) return false
  const [row] = await connection.query(
    `SELECT (SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME <> ?)
          + (SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?)
          + (SELECT COUNT(*) FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?) AS objects`,
    [name, markerTable, name, name],
  )
  if (Number(row?.['objects']) > 0) return false
  await dropDatabases(connection, [name])
  return true
}
