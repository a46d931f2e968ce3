import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerFacts, ServerWrites } from '../engine.ts'
import type { Server } from './catalogue.ts'
import type { Flavour } from './client.ts'
import type { Connection, Row } from './connection.ts'
import { isOwnDatabase } from './names.ts'
import { limited } from './time-limit.ts'

/** What the server knows of one database: what its tables are, and when one of them was last written to, in its seconds. */
type Written = { readonly name: string; readonly shape: string; readonly updated: number; readonly created: number }

/**
 * Reads when the tables of every database that this account may see were last written to, and how they were made. It
 * does not see: UPDATE on MEMORY, Aria and ARCHIVE tables, which have no time; TRUNCATE without the right PROCESS where there is
 * no AUTO_INCREMENT; views, routines and events. Undefined where it takes the server more than some seconds.
 *
 * The times are kept in memory, in whole seconds, and are forgotten when a server with very many tables closes some.
 */
export async function readWrites(
  connection: Connection,
  server: Server,
  { startedAt }: Pick<ServerFacts, 'startedAt'>,
  earlier: ServerWrites | undefined,
): Promise<ServerWrites | undefined> {
  if (startedAt === undefined) return undefined
  const reading = await readTables(connection, server).catch(() => undefined)
  if (reading === undefined) return undefined
  if (earlier === undefined) await untilNextSecond(reading, server.database)
  const texts = reading.databases.map(({ name, shape, updated }) => [name, `${shape} ${updated}`] as const)
  return withoutForgotten({ since: startedAt, databases: new Map(texts) }, earlier)
}

type Reading = { readonly databases: readonly Written[]; readonly now: number }

async function readTables(connection: Connection, { flavour }: Server): Promise<Reading> {
  const [rows, ids, [clock]] = await Promise.all([
    connection.query(limited(flavour, mostSeconds, tablesSql)),
    connection.query(limited(flavour, mostSeconds, idsSql[flavour])).catch(() => []),
    connection.query('SELECT UNIX_TIMESTAMP(SYSDATE(6)) AS now'),
  ])
  const made = new Map(ids.map((row) => [folderName(String(row['folder'])), `/${row['ids']}`]))
  const databases = rows.filter((row) => !isOwnDatabase(String(row['name']))).map((row) => writtenOf(row, made))
  return { databases, now: Number(clock?.['now']) }
}

const mostSeconds = 5

// Aria and ARCHIVE tell the time of a write when they flush it, MEMORY never: of these the number of rows is exact.
const tablesSql = `
  SELECT TABLE_SCHEMA AS name, COUNT(*) AS tables, MAX(UNIX_TIMESTAMP(CREATE_TIME)) AS created,
         MAX(IF(ENGINE IN ('Aria', 'ARCHIVE'), NULL, UNIX_TIMESTAMP(UPDATE_TIME))) AS updated,
         SUM(CRC32(CONCAT_WS('/', TABLE_NAME, ENGINE, CREATE_TIME, COALESCE(AUTO_INCREMENT > 1, 0),
                                  IF(ENGINE IN ('Aria', 'ARCHIVE', 'MEMORY'), TABLE_ROWS, NULL)))) AS shape
    FROM information_schema.TABLES
   WHERE TABLE_SCHEMA NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') GROUP BY TABLE_SCHEMA`

// TRUNCATE gives a table another number, and nothing else (MariaDB leaves even its time as it was).
const idsSql: Readonly<Record<Flavour, string>> = {
  mariadb: idsOf('INNODB_SYS_TABLES'),
  mysql: idsOf('INNODB_TABLES'),
}

function idsOf(table: string): string {
  return `SELECT SUBSTRING_INDEX(NAME, '/', 1) AS folder, SUM(CRC32(TABLE_ID)) AS ids
            FROM information_schema.${table} WHERE NAME NOT LIKE '%/#sql%' GROUP BY 1`
}

/** The database's name in InnoDB's list, where other characters than these are written by their code: `my@002dshop`. */
function folderName(folder: string): string {
  return folder.replace(/@([0-9a-f]{4})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

function writtenOf(row: Row, made: ReadonlyMap<string, string>): Written {
  const name = String(row['name'])
  return {
    name,
    shape: `${row['tables']}/${row['shape']}${made.get(name) ?? ''}`,
    updated: Number(row['updated'] ?? 0),
    created: Number(row['created'] ?? 0),
  }
}

// Later in the same second another write would look the same. What the command writes to its own database is no matter.
async function untilNextSecond({ databases, now }: Reading, own: string): Promise<void> {
  const others = databases.filter(({ name }) => name !== own)
  const newest = Math.max(0, ...others.flatMap(({ updated, created }) => [updated, created]))
  const milliseconds = (Math.trunc(newest) + 1 - now) * 1000 + clockTick
  if (milliseconds > 0) await sleep(Math.min(milliseconds, 1000 + clockTick))
}

// The server's coarse clock may still show the last second when the second begins.
const clockTick = 20

/** The reading, with the earlier texts where a time went back: the server has forgotten it, and nobody wrote since. */
export function withoutForgotten(now: ServerWrites, earlier: ServerWrites | undefined): ServerWrites {
  if (earlier === undefined || earlier.since !== now.since) return now
  const databases = [...now.databases].map(([name, text]) => {
    const before = earlier.databases.get(name)
    return [name, before !== undefined && isForgotten(before, text) ? before : text] as const
  })
  return { ...now, databases: new Map(databases) }
}

function isForgotten(before: string, text: string): boolean {
  const [[shapeThen, then], [shape, time]] = [before.split(' '), text.split(' ')]
  return shape === shapeThen && Number(time) < Number(then)
}
