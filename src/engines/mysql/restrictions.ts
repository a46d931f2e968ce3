import { exitCode, Failure } from '../../failure.ts'
import type { Server } from './catalogue.ts'
import { type Connection, errorNumber } from './connection.ts'
import { accountOf, labelOf } from './names.ts'

/**
 * Settings of MySQL under which tables that a server has cannot be made again as they are: since 8.4 foreign keys need a
 * unique key (6125), and tables without a primary key may be refused (3750), or be given one.
 */
const restrictions = [
  'restrict_fk_on_non_standard_key',
  'sql_require_primary_key',
  'sql_generate_invisible_primary_key',
]

const notAllowed = 1227

/** Of those that a new session begins with, the ones that this account may lift, and the others. */
type Restrictions = { readonly lifted: readonly string[]; readonly held: readonly string[] }

/** Lifts what this account may in this session; another session has to lift its own. */
export async function liftRestrictions(connection: Connection): Promise<Restrictions> {
  const names = restrictions.map((name) => `'${name}'`).join(', ')
  const rows = await connection.query(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names}) AND Value = 'ON'`)
  const [lifted, held]: [string[], string[]] = [[], []]
  for (const name of rows.map((row) => String(row['Variable_name']))) {
    const which = (await isLifted(connection, name)) ? lifted : held
    which.push(name)
  }
  return { lifted, held }
}

async function isLifted(connection: Connection, name: string): Promise<boolean> {
  try {
    await connection.query(`SET SESSION ${name} = 0`)
    return true
  } catch (error) {
    if (errorNumber(error) !== notAllowed) throw error
    return false
  }
}

/** Throws a `Failure` (40) where tables of the database, once dropped, could not be made again as they are. */
export async function ensureTablesCanReturn(connection: Connection, server: Server): Promise<void> {
  const { held } = await liftRestrictions(connection)
  const tables = held.length === 0 ? [] : await tablesWithoutKey(connection, server.database)
  if (tables.length > 0) throw cannotReturn(server, held, tables)
}

async function tablesWithoutKey(connection: Connection, database: string): Promise<readonly string[]> {
  const rows = await connection.query(
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES AS all_tables
      WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' AND NOT EXISTS (
            SELECT 1 FROM information_schema.TABLE_CONSTRAINTS
             WHERE TABLE_SCHEMA = ? AND TABLE_NAME = all_tables.TABLE_NAME AND CONSTRAINT_TYPE = 'PRIMARY KEY')`,
    [database, database],
  )
  return rows.map((row) => String(row['name']))
}

function cannotReturn(server: Server, held: readonly string[], tables: readonly string[]): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `${server.account} could not make all tables of ${server.database} again as they are`,
    why: [`${held.join(', ')} is on, and without a primary key: ${tables.slice(0, 10).map(labelOf).join(', ')}`],
    next: [liftGrant(server.account), 'then run the restore again; the database is as it was before'],
  })
}

/** What lets an account lift them. */
export function liftGrant(account: string): string {
  return `as an administrator: GRANT SESSION_VARIABLES_ADMIN ON *.* TO ${accountOf(account)};`
}
