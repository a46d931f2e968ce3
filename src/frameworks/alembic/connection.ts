import { resolve } from 'node:path'
import { Secret } from '../../target/secret.ts'
import { optional, parseUrl, type Stated, type Unusable } from '../../target/url.ts'
import type { Reached } from './ask-python.ts'

/** Where an engine leads (SQLAlchemy, "Engine Configuration" and the pages of its dialects). */
export function statedOf(reached: Reached, cwd: string): Stated | Unusable {
  const { dialect } = reached
  if (dialect === 'sqlite') return fileOf(reached.database ?? '', cwd)
  const engine = dialect === 'postgresql' ? 'postgres' : /^(mysql|mariadb)$/.test(dialect) ? 'mysql' : undefined
  if (engine === undefined) return { problem: `is of ${dialect}, which is not handled here` }
  if (reached.database === null || reached.database === '') return { problem: 'names no database' }
  const host = hostOf(reached)
  const socket = textOf(reached.query['unix_socket']) ?? (host?.startsWith('/') === true ? host : undefined)
  return {
    engine,
    ...optional('host', socket === undefined ? host : undefined),
    ...optional('socket', socket),
    ...(reached.port === null ? {} : { port: reached.port }),
    database: reached.database,
    ...optional('user', reached.user ?? undefined),
    ...(reached.password === null ? {} : { password: new Secret(reached.password) }),
    parameters: parametersOf(reached),
  }
}

function fileOf(name: string, cwd: string): Stated {
  if (name === '' || name === ':memory:' || /mode=memory/.test(name)) return { engine: 'sqlite', database: ':memory:' }
  return { engine: 'sqlite', database: resolve(cwd, name.replace(/^file:/, '').replace(/\?.*$/, '')) }
}

// The drivers written in Python take `localhost` for TCP; libmysqlclient for its socket.
function hostOf({ host, query, driver }: Reached): string | undefined {
  const stated = host ?? textOf(query['host'])
  const python = /^(pymysql|aiomysql|asyncmy|mysqlconnector)$/.test(driver)
  return python && (stated === undefined || stated === 'localhost') ? '127.0.0.1' : stated
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

const parameterNames: Readonly<Record<string, string>> = {
  sslmode: 'sslmode',
  sslrootcert: 'sslrootcert',
  sslcert: 'sslcert',
  sslkey: 'sslkey',
  ssl_ca: 'sslrootcert',
  ssl_cert: 'sslcert',
  ssl_key: 'sslkey',
  options: 'options',
  service: 'service',
}

function parametersOf({ query }: Reached): Record<string, string> {
  const pairs = Object.entries(parameterNames).map(([key, name]) => [name, textOf(query[key]) ?? ''] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

/** The same of a URL of alembic.ini; three slashes are a relative file for SQLAlchemy, four an absolute one. */
export function statedOfUrl(url: string, cwd: string): Stated | Unusable {
  const file = /^sqlite(?:\+\w+)?:\/\/(?:\/(.*))?$/.exec(url)
  if (file === null) return pythonHost(parseUrl(url, cwd), url)
  const path = file[1] ?? ''
  return fileOf(path, cwd)
}

function pythonHost(stated: Stated | Unusable, url: string): Stated | Unusable {
  if ('problem' in stated || !/^\w+\+(pymysql|aiomysql|asyncmy|mysqlconnector):/.test(url)) return stated
  return stated.host === 'localhost' ? { ...stated, host: '127.0.0.1' } : stated
}
