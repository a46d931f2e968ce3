import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { onTestFinished, vi } from 'vitest'
import { type EngineLabel, openShop, type Shop, serverShop } from '../e2e/shops.ts'
import { startMaria } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'

/** A shop of which every row carries the version: half of one and half of another shows at once. */
export type Versioned = {
  readonly shop: Shop
  /** Changes every row in one transaction. */
  readonly become: (version: number) => Promise<void>
  /** The one version of all rows. Throws where the database is not whole. */
  readonly version: () => Promise<number>
  /** Sends SIGKILL to the server's main process and waits until it is there again; nothing for SQLite. */
  readonly killServer?: () => Promise<void>
}

const orders = 4000

const fill: Readonly<Record<EngineLabel, string>> = {
  PostgreSQL: `INSERT INTO orders SELECT n, 0, repeat('x', 200) FROM generate_series(1, ${orders}) n`,
  MariaDB: `INSERT INTO orders SELECT seq, 0, repeat('x', 200) FROM seq_1_to_${orders}`,
  SQLite: `INSERT INTO orders WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < ${orders})
    SELECT n, 0, hex(zeroblob(100)) FROM s`,
}

/** A database of this engine; a server of its own, which a service manager would start again. */
export async function openVersioned(engine: EngineLabel): Promise<Versioned> {
  const { shop, pid } = await openOn(engine)
  await shop.ask('CREATE TABLE orders (id integer PRIMARY KEY, version integer NOT NULL, note varchar(300))')
  await shop.ask('CREATE TABLE orders_seen (id integer PRIMARY KEY, version integer NOT NULL)')
  await shop.ask(fill[engine])
  await shop.ask('INSERT INTO orders_seen SELECT id, version FROM orders WHERE id <= 50')
  const version = () => versionOf(shop)
  const become = (next: number) => shop.ask(changeTo(next)).then(() => undefined)
  if (pid === undefined) return { shop, become, version }
  return { shop, become, version, killServer: () => killed(shop, pid) }
}

async function openOn(engine: EngineLabel): Promise<{ readonly shop: Shop; readonly pid?: () => number }> {
  if (engine === 'SQLite') return { shop: await openShop(engine) }
  const started = await (engine === 'PostgreSQL'
    ? startPostgres('15', { restarts: true })
    : startMaria({ restarts: true, settings: { 'innodb-flush-log-at-trx-commit': 2 } }))
  onTestFinished(started.kept.stop)
  const { server } = started
  const pidFile =
    server.engine === 'postgres' ? join(server.dataDirectory, 'postmaster.pid') : join(server.dataDirectory, '../pid')
  return { shop: await serverShop(engine, server), pid: () => Number.parseInt(readFileSync(pidFile, 'utf8'), 10) }
}

/** All rows become of this version, or none. */
export function changeTo(version: number): string {
  return `BEGIN; UPDATE orders SET version = ${version}; UPDATE orders_seen SET version = ${version}; COMMIT`
}

async function versionOf(shop: Shop): Promise<number> {
  const each = ['orders', 'orders_seen'].map((table) => `SELECT version, count(*) AS n FROM ${table} GROUP BY version`)
  const [all, seen] = [await shop.ask(each[0] ?? ''), await shop.ask(each[1] ?? '')]
  const found = JSON.stringify([all, seen], (_key, value) => (typeof value === 'bigint' ? Number(value) : value))
  const [one, other] = [all[0], seen[0]]
  const whole = all.length === 1 && seen.length === 1 && Number(one?.['n']) === orders && Number(other?.['n']) === 50
  if (!whole || one?.['version'] !== other?.['version']) throw new Error(`the database is not whole: ${found}`)
  return Number(one?.['version'])
}

async function killed(shop: Shop, pid: () => number): Promise<void> {
  const before = pid()
  process.kill(before, 'SIGKILL')
  const isBack = async () => {
    const other = await Promise.resolve()
      .then(pid)
      .catch(() => before)
    if (Number.isNaN(other) || other === before) return false
    return shop.ask('SELECT 1').then(
      () => true,
      () => false,
    )
  }
  await vi.waitUntil(isBack, { timeout: 60_000, interval: 20 })
}
