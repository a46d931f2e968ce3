import { Database } from 'bun:sqlite'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inject, onTestFinished, vi } from 'vitest'
import { createDatabase, sql, uniqueName, urlOf } from '../servers/databases.ts'
import type { Servers } from '../servers/setup.ts'

export type EngineLabel = 'PostgreSQL' | 'MariaDB' | 'SQLite'

export const engineLabels: readonly EngineLabel[] = ['PostgreSQL', 'MariaDB', 'SQLite']

/** A database with a table of three customers: what is not to be lost. */
export type Shop = {
  readonly engine: EngineLabel
  /** The name that a person would use. */
  readonly name: string
  readonly url: string
  /** What `.env` holds. */
  readonly env: Readonly<Record<string, string>>
  readonly ask: (statement: string) => Promise<Record<string, unknown>[]>
  readonly customers: () => Promise<readonly string[]>
  /** The databases (files) beside it that begin with its name: what a restore made, and should have taken away. */
  readonly beside: () => Promise<readonly string[]>
  /** Waits until the server has ended what killed clients had begun: PostgreSQL finishes a CREATE DATABASE. */
  readonly settled: () => Promise<void>
}

export const threeCustomers: readonly string[] = ['Ada', 'Grace', 'Linus']

const table = `CREATE TABLE customers (id integer PRIMARY KEY, name varchar(100) NOT NULL);
  INSERT INTO customers VALUES (1, 'Ada'), (2, 'Grace'), (3, 'Linus')`

export async function openShop(engine: EngineLabel, name?: string): Promise<Shop> {
  const { postgres, mariadb } = inject('servers')
  if (engine === 'SQLite') return fileShop(name)
  return serverShop(engine, engine === 'PostgreSQL' ? postgres['15'] : mariadb, name)
}

const databaseNames = {
  postgres: 'SELECT datname AS name FROM pg_database',
  mariadb: 'SELECT schema_name AS name FROM information_schema.schemata',
}

/** A shop on a server of one's own choice. */
export async function serverShop(
  engine: EngineLabel,
  server: Servers['mariadb'] | Servers['postgres']['15'],
  wanted?: string,
): Promise<Shop> {
  const name = await createDatabase(server, wanted ?? uniqueName('shop'))
  const ask: Shop['ask'] = (statement) => sql(server, name, statement)
  await ask(table)
  const url = urlOf(server, name)
  const beside = async () => {
    const names = await sql(server, undefined, databaseNames[server.engine])
    return names.map((row) => String(row['name'])).filter((other) => other !== name && other.startsWith(name))
  }
  const settled = async () => {
    if (server.engine !== 'postgres') return
    // What works on a scratch database, is in it, or holds one of our locks.
    const working = `SELECT 1 FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND (query LIKE '%${name}_seatbelt_%'
      OR datname LIKE '${name}_seatbelt_%' OR pid IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory'))`
    await vi.waitUntil(async () => (await sql(server, undefined, working)).length === 0, { timeout: 30_000 })
  }
  return { engine, name, url, env: { DATABASE_URL: url }, ask, customers: customersBy(ask), beside, settled }
}

async function fileShop(wanted = `${uniqueName('shop')}.sqlite`): Promise<Shop> {
  const folder = mkdtempSync(join(tmpdir(), 'seatbelt-shop-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, wanted)
  const ask: Shop['ask'] = async (statement) => {
    const database = new Database(path)
    try {
      if (/^\s*(?:select|pragma)/i.test(statement)) return database.query<Record<string, unknown>, []>(statement).all()
      database.run(statement)
      return []
    } finally {
      database.close()
    }
  }
  await ask(table)
  const env = { DB_CONNECTION: 'sqlite', DB_DATABASE: path }
  const url = `sqlite://${path.split('/').map(encodeURIComponent).join('/')}`
  const beside = async () => readdirSync(folder).filter((other) => other !== wanted)
  const settled = async () => undefined
  return { engine: 'SQLite', name: wanted, url, env, ask, customers: customersBy(ask), beside, settled }
}

function customersBy(ask: Shop['ask']): Shop['customers'] {
  return async () => (await ask('SELECT name FROM customers ORDER BY id')).map(({ name }) => String(name))
}
