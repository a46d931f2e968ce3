import type { Marker, ServerFacts } from '../engine.ts'
import { readSize, type Server } from './catalogue.ts'
import { markerIn } from './comment-marker.ts'
import type { Connection, Row } from './connection.ts'
import { qualified } from './names.ts'
import { limited } from './time-limit.ts'

/**
 * What a connection tells of its server and database. The driver sends these queries at once: one round trip, and one
 * more where there are tables of Rails. Only the size must be had; old versions and proxies lack some of the rest.
 */
export async function readFacts(connection: Connection, server: Server): Promise<ServerFacts> {
  const [size, startedAt, markers] = await Promise.all([
    readFreshSize(connection, server),
    readStart(connection, server),
    readMarkers(connection, server),
  ])
  return {
    version: server.version,
    sizeBytes: size.bytes,
    tables: size.tables,
    ...(connection.route.kind === 'socket' ? {} : { address: `${server.hostname}:${server.port}` }),
    ...(startedAt === undefined ? {} : { startedAt }),
    markers,
  }
}

// MySQL 8 shows what its catalogue knew a day ago of sizes, rows and times, unless it is told not to.
async function readFreshSize(connection: Connection, server: Server) {
  const fresh = 'SET SESSION information_schema_stats_expiry = 0'
  const [, size] = await Promise.all([
    server.flavour === 'mysql' ? rowsIfAny(connection, fresh) : [],
    readSize(connection, server),
  ])
  return size
}

// Both clocks are read at the statement's start, in whole seconds: the difference is the same at any time.
const startSql = {
  mariadb: `SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE AS started
              FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'`,
  mysql: `SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE AS started
            FROM performance_schema.global_status WHERE VARIABLE_NAME = 'Uptime'`,
} as const

async function readStart(connection: Connection, server: Server): Promise<string | undefined> {
  const [row] = await rowsIfAny(connection, startSql[server.flavour])
  const seconds = Number(row?.['started'] ?? Number.NaN)
  return Number.isFinite(seconds) ? new Date(seconds * 1000).toISOString() : undefined
}

async function readMarkers(connection: Connection, server: Server): Promise<readonly Marker[]> {
  const [comment, rails] = await Promise.all([
    readComment(connection, server.database),
    railsMarkers(connection, server),
  ])
  const ours = markerIn(comment ?? '')
  return [...(ours === undefined ? [] : [ours]), ...rails]
}

/** The comment on the database; undefined where the server has none (MySQL, MariaDB before 10.5). */
export async function readComment(connection: Connection, database: string): Promise<string | undefined> {
  const [row] = await rowsIfAny(
    connection,
    'SELECT SCHEMA_COMMENT AS comment FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?',
    [database],
  )
  return row === undefined ? undefined : String(row['comment'])
}

/** The environments that Rails wrote down (ActiveRecord::InternalMetadata); a project may give the table's name a prefix or a suffix. */
async function railsMarkers(connection: Connection, server: Server): Promise<readonly Marker[]> {
  const tables = await rowsIfAny(
    connection,
    `SELECT TABLE_NAME AS name FROM information_schema.TABLES
      WHERE TABLE_SCHEMA = ? AND TABLE_NAME LIKE '%ar\\_internal\\_metadata%'
      ORDER BY CHAR_LENGTH(TABLE_NAME), TABLE_NAME LIMIT 20`,
    [server.database],
  )
  const rows = await Promise.all(
    tables.map((row) => rowsIfAny(connection, environmentSql(server, String(row['name'])))),
  )
  const values = new Set(rows.flat().map((row) => String(row['value'])))
  return [...values].map((value) => ({ value, source: 'ar_internal_metadata' }))
}

function environmentSql({ flavour, database }: Server, table: string): string {
  const from = qualified(database, table)
  return limited(flavour, 2, `SELECT value FROM ${from} WHERE \`key\` = 'environment' AND value IS NOT NULL`)
}

async function rowsIfAny(connection: Connection, sql: string, values?: readonly unknown[]): Promise<readonly Row[]> {
  return connection.query(sql, values).catch(() => [])
}
