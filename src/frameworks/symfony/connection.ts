import { resolve } from 'node:path'
import { engineOfDriver } from '../../target/keys.ts'
import { Secret } from '../../target/secret.ts'
import { optional, parseUrl, type Stated, type Unusable } from '../../target/url.ts'
import { type Parameters, resolved } from './doctrine.ts'

type Connection = { readonly [key: string]: unknown }

const read = [
  'url',
  'driver',
  'host',
  'port',
  'dbname',
  'dbname_suffix',
  'path',
  'memory',
  'user',
  'password',
  'unix_socket',
  'sslmode',
  'sslrootcert',
] as const

type Settings = Readonly<Partial<Record<(typeof read)[number], string>>>

/**
 * The database of one of Doctrine's connections: the URL's parts over the others, the suffix behind the name of a server's database
 * (DoctrineBundle's ConnectionFactory::addDatabaseSuffix; DBAL's DsnParser). `problem` where a part cannot be known.
 */
export function statedByDoctrine(connection: Connection, parameters: Parameters, cwd: string): Stated | Unusable {
  const primary = typeof connection['primary'] === 'object' ? (connection['primary'] as Connection) : {}
  const settings: Record<string, string> = {}
  for (const key of read) {
    const value = primary[key] ?? connection[key]
    if (value === undefined || value === null) continue
    const text = typeof value === 'boolean' ? String(value) : resolved(value, parameters)
    if (text === undefined) return { problem: `takes its ${key} from ${String(value)}, which is not known` }
    settings[key] = text
  }
  return statedOf(settings, cwd)
}

function statedOf(settings: Settings, cwd: string): Stated | Unusable {
  const parts = partsOf(settings, cwd)
  const url = settings.url ? urlStated(settings.url, cwd) : undefined
  if (url !== undefined && 'problem' in url) return url
  const engine = url?.engine ?? (settings.driver === undefined ? 'mysql' : engineOfDriver(settings.driver))
  if (engine === undefined) return { problem: `has an engine that is not handled here (${settings.driver ?? ''})` }
  const stated = { ...parts, ...url, engine, parameters: { ...parts.parameters, ...url?.parameters } }
  if (stated.database === undefined || stated.database === '') return { problem: 'names no database' }
  if (engine === 'sqlite') return { engine, database: stated.database }
  return { ...stated, database: `${stated.database}${settings.dbname_suffix ?? ''}` }
}

// DBAL's DsnParser: `sqlite:///x` is relative to the process's folder, `sqlite:////x` absolute, and `pdo-pgsql` names the driver.
function urlStated(url: string, cwd: string): Stated | Unusable {
  const bare = url.replace(/^pdo-/, '')
  const file = /^sqlite3?:\/\/\/([^/?#][^?#]*)/.exec(bare)?.[1]
  if (file !== undefined) return { engine: 'sqlite', database: file === ':memory:' ? file : resolve(cwd, file) }
  const stated = parseUrl(bare, cwd)
  if ('problem' in stated || stated.parameters === undefined) return stated
  const { serverVersion: _version, charset: _charset, ...parameters } = stated.parameters
  return { ...stated, parameters }
}

function partsOf(settings: Settings, cwd: string): Omit<Stated, 'engine'> {
  const file =
    settings.memory === 'true' ? ':memory:' : settings.path === undefined ? undefined : resolve(cwd, settings.path)
  const sqlite = settings.driver !== undefined && engineOfDriver(settings.driver) === 'sqlite'
  const port = Number(settings.port ?? '')
  return {
    ...optional('host', settings.unix_socket ? undefined : settings.host),
    ...optional('socket', settings.unix_socket),
    ...(port > 0 ? { port } : {}),
    ...optional('database', sqlite ? file : settings.dbname),
    ...optional('user', settings.user),
    ...(settings.password === undefined ? {} : { password: new Secret(settings.password) }),
    parameters: {
      ...(settings.sslmode ? { sslmode: settings.sslmode } : {}),
      ...(settings.sslrootcert ? { sslrootcert: settings.sslrootcert } : {}),
    },
  }
}
