import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { $ } from 'zx'
import { createDatabase, type Server, sql, uniqueName, urlOf } from '../test/servers/databases.ts'
import { startMaria } from '../test/servers/mariadb.ts'
import { startPostgres } from '../test/servers/postgres.ts'
import type { Call } from './measure.ts'
import { bytesPerOrder, dialects, shopStatements } from './shop.ts'

export const bin = join(import.meta.dirname, '../bin')

/** A database with data in it, and all that a raw tool needs to reach it. */
export type Filled = { readonly url: string; readonly environment: Readonly<Record<string, string>> }

/** A temporary folder and private servers, each started when it is first needed. */
export type Place = {
  readonly folder: string
  postgres(bytes: number): Promise<Filled>
  maria(bytes: number): Promise<Filled>
  sqlite(bytes: number): Promise<Filled & { readonly file: string }>
  /** Stops the servers and removes everything. */
  close(): Promise<void>
}

type Started = { readonly server: Server; readonly kept: { stop(): Promise<void> } }

export async function openPlace(): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'seatbelt-bench-'))
  const started: Promise<Started>[] = []
  const once = (start: () => Promise<Started>) => {
    let running: Promise<Started> | undefined
    const begin = () => {
      const fresh = start()
      started.push(fresh)
      return fresh
    }
    return async () => {
      running ??= begin()
      return (await running).server
    }
  }
  const postgres = once(() => startPostgres('15', { settings: { max_wal_size: '4GB', autovacuum: 'off' } }))
  const maria = once(() => startMaria({ settings: { 'innodb-buffer-pool-size': '512M' } }))
  return {
    folder,
    postgres: async (bytes) => fillPostgres(await postgres(), bytes),
    maria: async (bytes) => fillMaria(await maria(), bytes),
    sqlite: (bytes) => fillSqlite(join(folder, `${uniqueName('shop')}.sqlite`), bytes),
    close: async () => {
      for (const one of await Promise.allSettled(started)) if (one.status === 'fulfilled') await one.value.kept.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function fillPostgres(server: Server, bytes: number): Promise<Filled> {
  const database = await fillServer(server, 'postgres', bytes)
  await sql(server, database, 'VACUUM (FREEZE, ANALYZE)')
  await sql(server, database, 'CHECKPOINT')
  const { host, port, superuser, password } = server
  const login = { PGHOST: host, PGPORT: `${port}`, PGUSER: superuser, PGPASSWORD: password, PGDATABASE: database }
  return { url: urlOf(server, database), environment: login }
}

async function fillMaria(server: Server, bytes: number): Promise<Filled> {
  const database = await fillServer(server, 'mysql', bytes)
  const { host, port, superuser, password } = server
  const login = { DB_HOST: host, DB_PORT: `${port}`, DB_USER: superuser, MYSQL_PWD: password, DB_NAME: database }
  return { url: urlOf(server, database), environment: login }
}

async function fillServer(server: Server, dialect: 'postgres' | 'mysql', bytes: number): Promise<string> {
  const database = await createDatabase(server, uniqueName('shop'))
  for (const statement of shopStatements(dialects[dialect], Math.ceil(bytes / bytesPerOrder))) {
    await sql(server, database, statement)
  }
  return database
}

async function fillSqlite(file: string, bytes: number): Promise<Filled & { readonly file: string }> {
  const { Database } = await import('bun:sqlite')
  const database = new Database(file, { create: true })
  database.run('PRAGMA synchronous = OFF')
  for (const statement of shopStatements(dialects.sqlite, Math.ceil(bytes / bytesPerOrder))) database.run(statement)
  database.close()
  return { url: `sqlite:${file}`, environment: {}, file }
}

/** The client tool that our own commands take for this database: both sides run the same one. */
export async function clientTool({ url }: Filled): Promise<string> {
  const env = { PATH: process.env['PATH'], SEATBELT_DATABASE_URL: url }
  // Without an input: bash takes a socket there for a remote shell, and reads its settings.
  const { stdout } = await $({ env, stdio: ['ignore', 'pipe', 'pipe'] })`${join(bin, 'inspect-database')} --json`
  const { targets } = JSON.parse(stdout) as { targets: readonly { client?: { path?: string } }[] }
  const path = targets[0]?.client?.path
  if (path === undefined) throw new Error(`No client tool for ${url.replace(/:[^:@]*@/, '@')}: see inspect-database`)
  return path
}

export type OurCall = Call & {
  /** Bytes on the disk for each byte of the dump, of the last run. */
  readonly storedShare: () => number
}

/** One of our commands on a database; its backups are removed after each run. */
export function ourCall({ folder }: Place, { url }: Filled, words: readonly string[]): OurCall {
  const backups = join(folder, 'backups')
  const environment = { PATH: process.env['PATH'] ?? '', SEATBELT_DATABASE_URL: url, SEATBELT_BACKUP_DIR: backups }
  const [name = '', ...rest] = words
  let share = 0
  const tidy = async () => {
    share = await storedShareOf(backups)
    await rm(backups, { recursive: true, force: true })
  }
  return { command: [join(bin, name), ...rest], cwd: folder, environment, tidy, storedShare: () => share }
}

/**
 * `backup-database` on a database that does not change any more: its backup stays, and it was seen to make no dump. Servers
 * go on writing for a while after a large load. Throws after two minutes.
 */
export async function unchangedCall({ folder }: Place, { url }: Filled): Promise<Call> {
  const kept = join(folder, uniqueName('kept'))
  const environment = { PATH: process.env['PATH'] ?? '', SEATBELT_DATABASE_URL: url, SEATBELT_BACKUP_DIR: kept }
  const command = [join(bin, 'backup-database')]
  for (const deadline = performance.now() + 120_000; performance.now() < deadline; await Bun.sleep(1000)) {
    const { stderr } = await $({ env: environment, quiet: true, stdio: ['ignore', 'pipe', 'pipe'] })`${command}`
    if (stderr.includes('no dump needed')) return { command, cwd: folder, environment }
  }
  throw new Error(`Each run made a dump of ${url.replace(/:[^:@]*@/, '@')}, which nobody writes to`)
}

/** The way back by an instant copy, which each run uses up. */
export async function instantCall({ folder }: Place, { url }: Filled): Promise<Call> {
  const backups = join(folder, uniqueName('instant'))
  const environment = { PATH: process.env['PATH'] ?? '', SEATBELT_DATABASE_URL: url, SEATBELT_BACKUP_DIR: backups }
  const command = [join(bin, 'backup-database'), '--instant']
  const restore = join(bin, 'restore-database')
  const run = $({ env: environment, quiet: true, stdio: ['ignore', 'pipe', 'pipe'] })
  const copy = async () => void (await run`${command}`)
  // What a swap puts aside stays until somebody drops it.
  const tidy = async () => {
    const { copies } = JSON.parse((await run`${restore} --json`).stdout)
    const aside = copies.flatMap((one: Listed) => (one.copy.backup === undefined ? [one.copy.name] : []))
    for (const name of aside) await run`psql -qX ${url} -c ${`DROP DATABASE "${name}"`}`
    await copy()
  }
  await copy()
  return { command: [restore, '--instant', '--yes'], cwd: folder, environment, tidy }
}

type Listed = { readonly copy: { readonly name: string; readonly backup?: string } }

async function storedShareOf(folder: string): Promise<number> {
  const manifest = (await readdir(folder)).find((name) => name.endsWith('.json'))
  if (manifest === undefined) throw new Error(`No manifest in ${folder}: no backup was made`)
  const { bytes, storedBytes } = JSON.parse(await readFile(join(folder, manifest), 'utf8'))
  return storedBytes / bytes
}

/** A shell line that stands for what people use without us; what it writes to `$OUT` is removed after each run. */
export function rawCall({ folder }: Place, filled: Filled, line: string): Call {
  const out = join(folder, 'raw')
  const environment = { PATH: process.env['PATH'] ?? '', ...filled.environment, OUT: out }
  return {
    command: ['sh', '-c', line],
    cwd: folder,
    environment,
    tidy: () => rm(out, { force: true, recursive: true }),
  }
}
