import { createHash } from 'node:crypto'
import type { ChangeMark } from '../engine.ts'
import { readBrokenViews, type Server } from './catalogue.ts'
import type { Flavour } from './client.ts'
import type { Connection, Row } from './connection.ts'
import { readDefinitions } from './definitions.ts'
import { missingRights } from './dump.ts'
import { readRights } from './rights.ts'

/**
 * InnoDB's log sequence number: it moves with every change of InnoDB's data and with every commit, and after that for
 * some seconds, while InnoDB cleans up. With it goes what it cannot tell: which server this is and since when it runs,
 * and what MariaDB keeps in files of its own. Why each of the conditions is there: docs/backups.md.
 */
export async function readChangeMark(connection: Connection, server: Server): Promise<ChangeMark | undefined> {
  // In a transaction, as the dump is: a proxy that knows several servers then asks the one that the dump will come from.
  await connection.query('START TRANSACTION')
  try {
    return await readInTransaction(connection, server)
  } finally {
    await connection.query('COMMIT')
  }
}

async function readInTransaction(connection: Connection, server: Server): Promise<ChangeMark | undefined> {
  const before = await readLog(connection, server)
  if (before === undefined || !(await seesAll(connection, server))) return undefined
  const tables = await readTables(connection, server)
  if (!(await isCovered(connection, server, tables))) return undefined
  const catalogue = server.flavour === 'mariadb' ? { catalogue: await digestOf(connection, server, tables) } : {}
  const after = await readLog(connection, server)
  if (after === undefined || after.server !== before.server) return undefined
  const moved = after.log === before.log ? {} : { unsettled: 'the server is being written to at this moment' }
  return { values: { ...before, ...catalogue }, ...moved }
}

type Log = { readonly server: string; readonly log: string }

// A start is a new beginning: after a crash the log goes on from an earlier number.
const logSql: Readonly<Record<Flavour, string>> = {
  mariadb: `
    SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir,
             (SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_VARIABLES WHERE VARIABLE_NAME = 'SERVER_UID'),
             UNIX_TIMESTAMP() - MAX(IF(VARIABLE_NAME = 'UPTIME', VARIABLE_VALUE, NULL))) AS server,
           MAX(IF(VARIABLE_NAME = 'INNODB_LSN_CURRENT', VARIABLE_VALUE, NULL)) AS log, 'ON' AS logging, 0 AS shared
      FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME IN ('UPTIME', 'INNODB_LSN_CURRENT')`,
  mysql: `
    SELECT CONCAT_WS(' ', @@hostname, @@port, @@datadir, @@server_uuid,
             UNIX_TIMESTAMP() - MAX(IF(VARIABLE_NAME = 'Uptime', VARIABLE_VALUE, NULL))) AS server,
           MAX(IF(VARIABLE_NAME = 'Innodb_redo_log_current_lsn', VARIABLE_VALUE, NULL)) AS log,
           MAX(IF(VARIABLE_NAME = 'Innodb_redo_log_enabled', VARIABLE_VALUE, NULL)) AS logging,
           (SELECT COUNT(*) FROM performance_schema.global_variables WHERE VARIABLE_NAME LIKE 'aurora\\_%') AS shared
      FROM performance_schema.global_status
     WHERE VARIABLE_NAME IN ('Uptime', 'Innodb_redo_log_current_lsn', 'Innodb_redo_log_enabled')`,
}

/** Undefined where the server does not say its log's number (MySQL before 8.0.30), keeps no log, or shares its storage with other servers. */
async function readLog(connection: Connection, { flavour }: Server): Promise<Log | undefined> {
  const [row] = await connection.query(logSql[flavour]).catch(() => [])
  const { server, log, logging, shared } = row ?? {}
  if (typeof server !== 'string' || logging !== 'ON' || Number(shared) !== 0) return undefined
  return typeof log === 'string' && /^[1-9]\d*$/.test(log) ? { server, log } : undefined
}

// What this account may not see could be changed unseen.
async function seesAll(connection: Connection, server: Server): Promise<boolean> {
  return missingRights(await readRights(connection), server).length === 0
}

// No sizes, no numbers of rows: they change without anybody's doing.
async function readTables(connection: Connection, { database }: Server): Promise<readonly Row[]> {
  return connection.query(
    `SELECT TABLE_NAME AS name, TABLE_TYPE AS type, ENGINE AS engine, CREATE_TIME AS created, CREATE_OPTIONS AS options,
            TABLE_COLLATION AS collation, TABLE_COMMENT AS comment
       FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? ORDER BY TABLE_NAME`,
    [database],
  )
}

/** Whether InnoDB's log covers all data of the database, and a dump of it would leave nothing out. */
async function isCovered(connection: Connection, { database }: Server, tables: readonly Row[]): Promise<boolean> {
  const views = tables.filter((row) => row['type'] === 'VIEW')
  const elsewhere = tables.some((row) => row['type'] !== 'VIEW' && row['engine'] !== 'InnoDB')
  if (elsewhere) return false
  // A view may begin to work by what is done in another database.
  const objects = views.map((row) => ({ kind: 'view', name: String(row['name']) }) as const)
  return (await readBrokenViews(connection, database, { objects })).length === 0
}

// MySQL has all of this in InnoDB.
async function digestOf(connection: Connection, { database }: Server, tables: readonly Row[]): Promise<string> {
  const schema = await connection.query('SELECT * FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?', [database])
  const definitions = await readDefinitions(connection, database)
  return createHash('sha256')
    .update(JSON.stringify([schema, tables, definitions]))
    .digest('hex')
}
