import { librariesOf } from './catalogue.ts'
import type { Connection, Row } from './connection.ts'
import { qualified, quoteName } from './names.ts'

type DefinitionKind = 'trigger' | 'procedure' | 'function' | 'package' | 'package body' | 'view' | 'event' | 'library'

/** An object that cannot be moved between databases: what creates it again, and under which settings of the session. */
export type Definition = {
  readonly kind: DefinitionKind
  readonly name: string
  readonly sql: string
  readonly settings: Readonly<Record<string, string>>
  /** The collation that the database had when it was created; absent for a view and a library. */
  readonly databaseCollation?: string
}

/** All triggers, routines, views and events of a database, in the order in which they can be created. */
export async function readDefinitions(connection: Connection, database: string): Promise<readonly Definition[]> {
  await connection.query(`USE ${quoteName(database)}`) // SHOW CREATE VIEW then names no database
  const rows = await connection.query(listing, [database, database, database, database])
  // The driver sends them all at once: one way to the server and back.
  const definitions = await Promise.all(
    rows.map(async (row) => {
      const [kind, name] = [row['kind'] as DefinitionKind, String(row['name'])]
      const [shown] = await connection.query(`SHOW CREATE ${kind.toUpperCase()} ${qualified(database, name)}`)
      return shown === undefined ? undefined : definitionOf(kind, name, shown)
    }),
  )
  return definitions.filter((definition) => definition !== undefined)
}

// Libraries before the routines that use them, packages before their bodies, triggers of one table in the order in which they fire.
const listing = `
  SELECT 1 AS position, 'trigger' AS kind, TRIGGER_NAME AS name, ACTION_ORDER AS place
    FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
  UNION ALL SELECT 2, LOWER(ROUTINE_TYPE), ROUTINE_NAME, LENGTH(ROUTINE_TYPE) FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
  UNION ALL SELECT 3, 'view', TABLE_NAME, 0 FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ?
  UNION ALL SELECT 4, 'event', EVENT_NAME, 0 FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?
  ${librariesOf("0, 'library', LIBRARY_NAME, 0", 'DATABASE()')}
  ORDER BY position, place, name`

const settingNames = ['sql_mode', 'time_zone', 'character_set_client', 'collation_connection']

/** The definition in a row of SHOW CREATE. */
function definitionOf(kind: DefinitionKind, name: string, row: Row): Definition {
  const sql = row[createColumn(kind)]
  if (typeof sql !== 'string') throw new Error(`no right to read ${kind} ${name}`)
  const given = settingNames.filter((setting) => row[setting] !== undefined)
  const settings = Object.fromEntries(given.map((setting) => [setting, String(row[setting])]))
  const collation = row['Database Collation']
  return { kind, name, sql, settings, ...(collation === undefined ? {} : { databaseCollation: String(collation) }) }
}

function createColumn(kind: DefinitionKind): string {
  if (kind === 'trigger') return 'SQL Original Statement'
  return `Create ${kind.replace(/\b[a-z]/g, (letter) => letter.toUpperCase())}`
}
