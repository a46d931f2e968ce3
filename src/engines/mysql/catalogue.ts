import { type Flavour, flavourOf } from './client.ts'
import type { Connection, Row } from './connection.ts'
import { qualified } from './names.ts'
import { limited } from './time-limit.ts'

export type ObjectKind =
  | 'table'
  | 'sequence'
  | 'view'
  | 'trigger'
  | 'event'
  | 'procedure'
  | 'function'
  | 'package'
  | 'package body'
  | 'library'

export type CatalogueObject = { readonly kind: ObjectKind; readonly name: string }

/** What is in a database, as far as this account may see it. */
export type Catalogue = {
  readonly objects: readonly CatalogueObject[]
  /** Tables that a transaction does not protect (MyISAM, Aria, MEMORY). */
  readonly outsideTransactions: readonly string[]
  /** Tables that keep the history of their rows. */
  readonly versioned: readonly string[]
}

export type Server = {
  /** As the engine's interface wants it: `10.11.19-MariaDB`, `8.0.36`. */
  readonly version: string
  readonly flavour: Flavour
  /** The database's name as the server stores it. */
  readonly database: string
  readonly account: string
  /** Its machine's name as the server itself knows it, and the port that it listens on. */
  readonly hostname: string
  readonly port: number
}

export async function readServer(connection: Connection): Promise<Server> {
  const [row] = await connection.query(
    `SELECT VERSION() AS version, DATABASE() AS name, CURRENT_USER() AS account,
            @@hostname AS hostname, @@port AS port`,
  )
  const version = String(row?.['version'])
  return {
    version: shortVersion(version),
    flavour: flavourOf(version),
    database: String(row?.['name'] ?? ''),
    account: String(row?.['account']),
    hostname: String(row?.['hostname']),
    port: Number(row?.['port']),
  }
}

/** `10.11.19-MariaDB-0+deb12u1` → `10.11.19-MariaDB`, `8.0.36-0ubuntu0.22.04.1` → `8.0.36`, `5.5.5-10.4.1-MariaDB` → `10.4.1-MariaDB`. */
export function shortVersion(version: string): string {
  const numbers = /^(?:5\.5\.5-)?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? version
  return flavourOf(version) === 'mariadb' ? `${numbers}-MariaDB` : numbers
}

export const dataTables = "TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"

export async function readSize(
  connection: Connection,
  { flavour, database }: Pick<Server, 'flavour' | 'database'>,
): Promise<{ bytes: number; tables: number }> {
  const sql = `SELECT COUNT(*) AS tables, COALESCE(SUM(DATA_LENGTH + INDEX_LENGTH), 0) AS bytes
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND ${dataTables}`
  const [row] = await connection.query(limited(flavour, 60, sql), [database])
  return { bytes: Number(row?.['bytes'] ?? 0), tables: Number(row?.['tables'] ?? 0) }
}

export async function readCatalogue(connection: Connection, database: string): Promise<Catalogue> {
  const tables = await connection.query(
    'SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME',
    [database],
  )
  const others = await connection.query(
    `SELECT 'trigger' AS kind, TRIGGER_NAME AS name FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = ?
     UNION ALL SELECT 'event', EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = ?
     UNION ALL SELECT LOWER(ROUTINE_TYPE), ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = ?
     ${librariesOf("'library', LIBRARY_NAME", `_utf8mb4 x'${Buffer.from(database).toString('hex')}'`)}`,
    [database, database, database],
  )
  return catalogueOf(tables, others)
}

/** The part of a UNION that lists libraries (of JavaScript) where there are any: MySQL since 9.2; MariaDB reads no such comment. */
export function librariesOf(columns: string, database: string): string {
  return `/*!90200 UNION ALL SELECT ${columns} FROM information_schema.LIBRARIES WHERE LIBRARY_SCHEMA = ${database} */`
}

const transactional = new Set(['innodb', 'rocksdb', 'tokudb', 'xtradb', 'sequence', ''])

function catalogueOf(tables: readonly Row[], others: readonly Row[]): Catalogue {
  const data = tables.filter((row) => row['type'] === 'BASE TABLE' || row['type'] === 'SYSTEM VERSIONED')
  const outside = data.filter((row) => !transactional.has(String(row['engine'] ?? '').toLowerCase()))
  return {
    objects: [
      ...tables.flatMap(tableObject),
      ...others.map((row) => ({ kind: row['kind'] as ObjectKind, name: String(row['name']) })),
    ],
    outsideTransactions: outside.map((row) => String(row['name'])),
    versioned: data.filter((row) => row['type'] === 'SYSTEM VERSIONED').map((row) => String(row['name'])),
  }
}

const invalidView = 1356

/**
 * Views on something that is gone, or that their definer may not read: their columns cannot be shown, and every dumping
 * client stops at one. Asked as the clients ask: information_schema does not tell them apart on MariaDB.
 */
export async function readBrokenViews(
  connection: Connection,
  database: string,
  { objects }: Pick<Catalogue, 'objects'>,
): Promise<readonly string[]> {
  const views = objects.filter(({ kind }) => kind === 'view').map(({ name }) => name)
  const broken = await Promise.all(views.map((name) => isBroken(connection, qualified(database, name))))
  return views.filter((_, at) => broken[at])
}

async function isBroken(connection: Connection, view: string): Promise<boolean> {
  try {
    await connection.query(`SHOW FIELDS FROM ${view}`)
    return false
  } catch (error) {
    if ((error as { errno?: number }).errno === invalidView) return true
    throw error
  }
}

const kindOfType: Readonly<Record<string, ObjectKind>> = {
  'BASE TABLE': 'table',
  'SYSTEM VERSIONED': 'table',
  SEQUENCE: 'sequence',
  VIEW: 'view',
}

function tableObject(row: Row): readonly CatalogueObject[] {
  const kind = kindOfType[String(row['type'])]
  return kind === undefined ? [] : [{ kind, name: String(row['name']) }]
}

export type Charset = { readonly charset: string; readonly collation: string }

export async function readCharset(connection: Connection, database: string): Promise<Charset | undefined> {
  const [row] = await connection.query(
    `SELECT DEFAULT_CHARACTER_SET_NAME AS charset, DEFAULT_COLLATION_NAME AS collation
       FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?`,
    [database],
  )
  return row === undefined ? undefined : { charset: String(row['charset']), collation: String(row['collation']) }
}
