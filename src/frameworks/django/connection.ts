import { resolve } from 'node:path'
import { Secret } from '../../target/secret.ts'
import { optional, type Stated, type Unusable } from '../../target/url.ts'
import type { Database } from './ask-python.ts'

/** Where an entry of `DATABASES` leads (Django's settings reference, "DATABASES"); `name` for the tests' own name. */
export function statedOf(database: Database, name: string | null, cwd: string): Stated | Unusable {
  if (database.vendor === 'sqlite') return fileOf(name ?? '', cwd)
  if (database.vendor !== 'postgresql' && database.vendor !== 'mysql')
    return { problem: `is of ${database.vendor}, which is not handled here` }
  const engine = database.vendor === 'mysql' ? 'mysql' : 'postgres'
  const host = database.host === '' ? optionOf(database, ['host']) : database.host
  const socket = socketOf(database, engine, host)
  const port = Number(database.port || optionOf(database, ['port']))
  const password = database.password || optionOf(database, ['password', 'passwd'])
  return {
    engine,
    ...optional('host', socket === undefined ? host : undefined),
    ...optional('socket', socket),
    ...(port > 0 ? { port } : {}),
    // psycopg is given the database "postgres" where NAME is None.
    database: name ?? 'postgres',
    ...optional('user', database.user || optionOf(database, ['user'])),
    ...optional('password', password === undefined || password === '' ? undefined : new Secret(password)),
    parameters: parametersOf(database),
  }
}

function fileOf(name: string, cwd: string): Stated {
  if (name === '' || name === ':memory:' || /mode=memory/.test(name)) return { engine: 'sqlite', database: ':memory:' }
  return { engine: 'sqlite', database: resolve(cwd, name.replace(/^file:(\/\/)?/, '').replace(/\?.*$/, '')) }
}

function optionOf({ options }: Database, names: readonly string[]): string | undefined {
  const value = names.map((name) => options[name]).find((found) => found !== undefined)
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
}

// Both take a host that is a path for a socket (django.db.backends.mysql: `if settings_dict["HOST"].startswith("/")`).
function socketOf(database: Database, engine: 'postgres' | 'mysql', host: string | undefined): string | undefined {
  if (host?.startsWith('/') === true) return host
  if (engine === 'mysql' && (host ?? 'localhost') === 'localhost') return optionOf(database, ['unix_socket'])
  return undefined
}

const parameterNames = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options', 'service']

function parametersOf(database: Database): Record<string, string> {
  const pairs = parameterNames.map((name) => [name, optionOf(database, [name]) ?? ''] as const)
  return Object.fromEntries(
    [...pairs, ['ssl-mode', optionOf(database, ['ssl_mode']) ?? ''] as const, ...sslOf(database)].filter(
      ([, value]) => value !== '',
    ),
  )
}

// MySQLdb's `ssl`: {"ca": …, "cert": …, "key": …}
function sslOf({ options }: Database): readonly (readonly [string, string])[] {
  const ssl = (options['ssl'] ?? {}) as Record<string, unknown>
  const names = { ca: 'sslrootcert', cert: 'sslcert', key: 'sslkey' } as const
  return Object.entries(names).map(([key, name]) => [name, typeof ssl[key] === 'string' ? ssl[key] : ''] as const)
}

/** What else decides where the connection goes, and is not read here. */
export function elsewhere({ options }: Database): string | undefined {
  if (options['read_default_file'] !== undefined) return 'an options file of MySQL (read_default_file) decides'
  if (options['service'] !== undefined) return `the connection service "${String(options['service'])}" decides`
  return undefined
}
