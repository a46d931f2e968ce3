import { isAbsolute, resolve } from 'node:path'
import type { Values } from '../../environment/env-file.ts'
import { Secret } from '../../target/secret.ts'
import type { EngineName } from '../../target/target.ts'
import { optional, parseUrl, type Stated, type Unusable } from '../../target/url.ts'
import type { Entry } from './database-yml.ts'
import { askRuby } from './erb.ts'

type Settings = Readonly<Record<string, string>>

/**
 * The entries with the variables over them (ActiveRecord::DatabaseConfigurations#merge_db_environment_variables): only
 * those of the current environment, `<NAME>_DATABASE_URL`, else `DATABASE_URL` for the one named `primary`, and none where
 * the file has a `url:` of its own. In the test environment too (rails #21441).
 */
export function withUrls(entries: readonly Entry[], current: string, values: Values): readonly Entry[] {
  const known = entries.some((entry) => entry.environment === current)
  const all = known ? entries : [...entries, { environment: current, name: 'primary', settings: {} }]
  return all.map((entry) => withUrl(entry, entry.environment === current ? values : new Map()))
}

function withUrl(entry: Entry, values: Values): Entry {
  const { url, ...settings } = entry.settings
  if (url !== undefined && url !== '') return { ...entry, settings: { ...settings, ...settingsOfUrl(url) } }
  const keys = [`${entry.name.toUpperCase()}_DATABASE_URL`, ...(entry.name === 'primary' ? ['DATABASE_URL'] : [])]
  const urlKey = keys.find((key) => values.has(key))
  const variable = urlKey === undefined ? '' : (values.get(urlKey)?.value ?? '')
  if (urlKey === undefined || variable === '') return { ...entry, settings }
  // Beside an empty `url:` the variable counts since 7.1, and did not before.
  if (url !== undefined) return { ...entry, settings: { ...settings, url: askRuby } }
  return { ...entry, settings: { ...settings, ...settingsOfUrl(variable) }, urlKey }
}

// ConnectionUrlResolver merges what stands in front of the query over it, and nothing over something: `?host=/tmp` is lost.
const overruledParameters = /([?&])(?:(?:host|port|database|username|password|adapter)=[^&]*(?:&|$))+/g

// ConnectionUrlResolver: `sqlite3:foo` is relative, `sqlite3:///foo` absolute; what a URL leaves out stays as it was.
function settingsOfUrl(url: string): Settings {
  if (/^(jdbc|http|https):/.test(url)) return { url }
  const sqlite = /^sqlite3?:(?:\/\/[^/]*)?([^?#]*)/.exec(url)
  if (sqlite !== null) return { adapter: 'sqlite3', ...optional('database', sqlite[1]) }
  const scheme = url.split(':')[0] ?? ''
  const known = url.replace(/^[\w-]+:/, /mysql|trilogy/.test(scheme) ? 'mysql:' : `${scheme}:`)
  const stated = parseUrl(known.replace(overruledParameters, '$1'), '/')
  if ('problem' in stated) return { url }
  return { ...stated.parameters, ...given(stated), adapter: scheme.replaceAll('-', '_') }
}

function given(stated: Stated): Settings {
  return {
    ...optional('host', stated.host ?? (stated.engine === 'postgres' ? stated.socket : undefined)),
    ...optional('socket', stated.engine === 'mysql' ? stated.socket : undefined),
    ...optional('port', stated.port?.toString()),
    ...optional('database', stated.database),
    ...optional('username', stated.user),
    ...optional('password', stated.password?.reveal()),
  }
}

/** The database that an entry leads to; relative SQLite paths count from the application's folder. */
export function statedOf({ settings }: Entry, root: string): Stated | Unusable {
  const engine = engineOf(settings['adapter'] ?? '')
  if (settings['url'] !== undefined) return { problem: 'has a URL that is not read here' }
  if (engine === undefined)
    return { problem: `has the adapter "${settings['adapter'] ?? ''}", which is not handled here` }
  const database = settings['database'] ?? ''
  if (database === '') return { problem: 'names no database' }
  return engine === 'sqlite' ? fileOf(database, root) : serverOf(engine, settings)
}

function engineOf(adapter: string): EngineName | undefined {
  if (/postg/.test(adapter)) return 'postgres'
  if (/mysql|trilogy/.test(adapter)) return 'mysql'
  return /sqlite/.test(adapter) ? 'sqlite' : undefined
}

function fileOf(database: string, root: string): Stated {
  if (database === ':memory:' || /mode=memory/.test(database)) return { engine: 'sqlite', database: ':memory:' }
  const path = database.replace(/^file:/, '').replace(/\?.*$/, '')
  return { engine: 'sqlite', database: isAbsolute(path) ? path : resolve(root, path) }
}

function serverOf(engine: 'postgres' | 'mysql', settings: Settings): Stated {
  const host = hostOf(settings)
  const socket = socketOf(engine, settings, host)
  const password = settings['password'] ?? settings['passwd']
  const port = Number(settings['port'] ?? '')
  return {
    engine,
    ...optional('host', socket === undefined ? host : undefined),
    ...optional('socket', socket),
    ...(port > 0 ? { port } : {}),
    ...optional('database', settings['database']),
    ...optional('user', settings['username'] ?? settings['user']),
    ...(password === undefined ? {} : { password: new Secret(password) }),
    parameters: parametersOf(settings),
  }
}

// Trilogy takes its host for TCP, and has one.
function hostOf(settings: Settings): string | undefined {
  const host = settings['host'] || undefined
  if (!/trilogy/.test(settings['adapter'] ?? '') || settings['socket'] !== undefined) return host
  return host === undefined || host === 'localhost' ? '127.0.0.1' : host
}

// libmysqlclient uses the socket for `localhost` alone; libpq takes a path as the host.
function socketOf(engine: EngineName, settings: Settings, host: string | undefined): string | undefined {
  if (engine === 'postgres') return host?.startsWith('/') === true ? host : undefined
  return host === undefined || host === 'localhost' ? settings['socket'] || undefined : undefined
}

const parameterKeys: Readonly<Record<string, string>> = {
  sslmode: 'sslmode',
  ssl_mode: 'ssl-mode',
  sslrootcert: 'sslrootcert',
  sslca: 'sslrootcert',
  sslcert: 'sslcert',
  sslkey: 'sslkey',
  options: 'options',
  service: 'service',
}

function parametersOf(settings: Settings): Record<string, string> {
  const pairs = Object.entries(parameterKeys).map(([key, name]) => [name, settings[key] ?? ''] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}
