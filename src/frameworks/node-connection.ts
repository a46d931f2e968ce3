import { userInfo } from 'node:os'
import type { Values } from '../environment/env-file.ts'
import { engineOfDriver } from '../target/keys.ts'
import { Secret } from '../target/secret.ts'
import type { EngineName } from '../target/target.ts'
import { optional, parseUrl, resolveFile, type Stated, type Unusable, validPort } from '../target/url.ts'

/** What a driver of Node is given: a URL, or an object of the settings that `pg`, `mysql2` and the SQLite drivers know. */
export type Settings = Readonly<Record<string, unknown>>

/** How the connection is made of the settings, as far as the drivers differ. */
export type Driver = {
  readonly engine: EngineName
  /** Where relative SQLite paths count from. */
  readonly folder: string
  /** What the process finds in its environment: `pg` fills its gaps from `PG*`. */
  readonly environment: Values
}

const drivers: Readonly<Record<string, EngineName>> = {
  pgnative: 'postgres',
  'pg-native': 'postgres',
  'better-sqlite': 'sqlite',
  libsql: 'sqlite',
  sqljs: 'sqlite',
}

/** The engine behind a client or dialect of Node's tools; undefined for one that is not handled (`mssql`, `cockroachdb`). */
export function engineOfClient(client: unknown): EngineName | undefined {
  return typeof client === 'string' ? (drivers[client] ?? engineOfDriver(client)) : undefined
}

/** The database that a driver of Node will open. */
export function statedBySettings(settings: unknown, driver: Driver): Stated | Unusable {
  if (typeof settings === 'string') return ofUrl(settings, {}, driver)
  if (typeof settings !== 'object' || settings === null) return { problem: 'names no connection' }
  const given = settings as Settings
  const url = text(given, 'connectionString', 'url', 'uri')
  return url === undefined ? ofParts(given, driver) : ofUrl(url, given, driver)
}

function ofUrl(url: string, given: Settings, driver: Driver): Stated | Unusable {
  if (driver.engine === 'sqlite' && !/^(?:sqlite3?|file):/.test(url)) return remoteOrFile(url, driver)
  const stated = parseUrl(url, driver.folder)
  if ('problem' in stated) return stated
  if (stated.engine === 'sqlite') return stated
  const parts = ofParts(given, { ...driver, environment: new Map() })
  return completed('problem' in parts ? stated : { ...parts, ...stated }, driver)
}

function remoteOrFile(url: string, { folder }: Driver): Stated | Unusable {
  return /^[a-z]{2,}:\/\//.test(url)
    ? { problem: `names a database behind ${url.slice(0, url.indexOf(':'))}:` }
    : { engine: 'sqlite', database: resolveFile(url, folder) }
}

function ofParts(given: Settings, driver: Driver): Stated | Unusable {
  if (driver.engine === 'sqlite') {
    const file = text(given, 'filename', 'storage', 'database')
    return file === undefined ? { problem: 'names no file' } : fileOf(file, driver)
  }
  const place = text(given, 'host', 'hostname', 'server')
  const socket = text(given, 'socketPath', 'socket') ?? (place?.startsWith('/') === true ? place : undefined)
  const port = given['port'] === undefined ? undefined : Number(given['port'])
  const password = given['password']
  return completed(
    {
      engine: driver.engine,
      ...optional('host', socket === undefined ? place : undefined),
      ...optional('socket', socket),
      ...optional('port', port !== undefined && validPort(port) ? port : undefined),
      ...optional('database', text(given, 'database')),
      ...optional('user', text(given, 'user', 'username')),
      ...(typeof password === 'string' && password !== '' ? { password: new Secret(password) } : {}),
      parameters: given['ssl'] === true && driver.engine === 'postgres' ? { sslmode: 'require' } : {},
    },
    driver,
  )
}

function fileOf(file: string, { folder }: Driver): Stated | Unusable {
  return file.startsWith('file:') ? parseUrl(file, folder) : { engine: 'sqlite', database: resolveFile(file, folder) }
}

function text(given: Settings, ...names: readonly string[]): string | undefined {
  const value = names.map((name) => given[name]).find((one) => one !== undefined && one !== null && one !== '')
  return value === undefined ? undefined : String(value)
}

function completed(stated: Stated, driver: Driver): Stated {
  return stated.engine === 'postgres' ? withPgDefaults(stated, driver.environment) : overTcp(stated)
}

/**
 * `pg` takes what a configuration leaves open from `PGHOST`, `PGPORT`, `PGUSER`, `PGPASSWORD`, `PGDATABASE`, then `localhost`, 5432,
 * the system's user, and the user's name as the database (node-postgres, `lib/connection-parameters.js`).
 */
function withPgDefaults(stated: Stated, environment: Values): Stated {
  const variable = (key: string) => environment.get(key)?.value || undefined
  const user = stated.user ?? variable('PGUSER') ?? variable('USER') ?? userInfo().username
  const host = stated.host ?? (stated.socket === undefined ? (variable('PGHOST') ?? 'localhost') : undefined)
  const password = variable('PGPASSWORD')
  const folder = host?.startsWith('/') === true ? host : undefined
  return {
    ...stated,
    ...(folder === undefined ? optional('host', host) : { socket: folder }),
    port: stated.port ?? Number(variable('PGPORT') ?? 5432),
    user,
    database: stated.database ?? variable('PGDATABASE') ?? user,
    ...(stated.password === undefined && password !== undefined ? { password: new Secret(password) } : {}),
  }
}

// To the drivers of Node `localhost` is an address; to MySQL's own clients, that back up, it is the socket.
function overTcp(stated: Stated): Stated {
  if (stated.engine !== 'mysql' || stated.socket !== undefined) return stated
  return stated.host === undefined || stated.host === 'localhost' ? { ...stated, host: '127.0.0.1' } : stated
}
