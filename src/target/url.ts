import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { Secret } from './secret.ts'
import type { EngineName } from './target.ts'

/** What a URL or a group of keys says of a database; what it leaves out stays open. */
export type Stated = {
  readonly engine: EngineName
  readonly host?: string
  readonly port?: number
  readonly socket?: string
  readonly database?: string
  readonly user?: string
  readonly password?: Secret
  readonly parameters?: Readonly<Record<string, string>>
}

/** Why a value does not lead to a database; a sentence without its subject: "names an engine that …". */
export type Unusable = { readonly problem: string }

const schemes: Readonly<Record<string, EngineName>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  pgsql: 'postgres',
  postgis: 'postgres',
  psql: 'postgres',
  mysql: 'mysql',
  mysql2: 'mysql',
  mariadb: 'mysql',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  file: 'sqlite',
}

/** The engine that a URL's scheme means, `postgresql+psycopg2` and `jdbc:mysql` included. */
function engineOfScheme(scheme: string): EngineName | undefined {
  const name = scheme.toLowerCase().replace(/\+.*$/, '')
  return Object.hasOwn(schemes, name) ? schemes[name] : undefined
}

/**
 * Reads a database URL ourselves: libpq takes `pgsql://…` for the *name* of a database on the default server, and rejects
 * the parameters that ORMs add. A password may hold `@`, `/`, `?`, `#` that nobody encoded.
 */
export function parseUrl(text: string, cwd: string): Stated | Unusable {
  const match = /^(?:jdbc:)?([A-Za-z][\w.+-]*):(.*)$/s.exec(text.trim())
  if (match?.[1] === undefined || match[2] === undefined) return { problem: 'is not a database URL' }
  const engine = engineOfScheme(match[1])
  if (engine === undefined) return { problem: `names an engine that is not handled here (${match[1]}:)` }
  if (engine === 'sqlite') return { engine, ...optional('database', sqlitePath(match[2], cwd)) }
  if (!match[2].startsWith('//')) return { problem: `is not a database URL (${match[1]}: without //)` }
  return parseServerUrl(engine, match[2].slice(2))
}

function parseServerUrl(engine: 'postgres' | 'mysql', rest: string): Stated | Unusable {
  const { credentials, place } = splitCredentials(rest)
  const [beforeQuery = '', query = ''] = splitOnce(place.replace(/#.*$/s, ''), '?')
  const [authority = '', path = ''] = splitOnce(beforeQuery, '/')
  const parameters = parametersOf(query)
  if ([authority, parameters['host']].some(severalHosts)) return { problem: 'names several hosts; name the one to use' }
  const hostAndPort = splitPort(authority)
  const port = parameters['port']
  if (hostAndPort === undefined || (port !== undefined && !validPort(Number(port)))) {
    return { problem: 'has a port that is no number from 1 to 65535' }
  }
  return stated(engine, { ...credentials, ...hostAndPort, database: decode(path), parameters })
}

/** libpq's list of hosts to try in turn: which of them answers cannot be known from here. */
export function severalHosts(host: string | undefined): boolean {
  return host?.startsWith('/') !== true && host?.includes(',') === true
}

type Parts = {
  readonly user?: string
  readonly password?: Secret
  readonly host?: string
  readonly port?: number
  readonly database: string
  readonly parameters: Readonly<Record<string, string>>
}

// libpq lets the parameters name host, port, user and database too: postgres:///shop?host=/tmp
function stated(engine: 'postgres' | 'mysql', parts: Parts): Stated {
  const { host: hostParameter, port, user, dbname, password, socket, ...parameters } = parts.parameters
  const host = hostParameter ?? parts.host
  const socketPath = socket ?? parts.parameters['unix_socket'] ?? (host?.startsWith('/') === true ? host : undefined)
  const secret = parts.password ?? (password === undefined ? undefined : new Secret(password))
  return {
    engine,
    ...optional('host', socketPath === undefined ? host : undefined),
    ...optional('socket', socketPath),
    ...optional('port', port === undefined ? parts.port : Number(port)),
    ...optional('database', parts.database === '' ? dbname : parts.database),
    ...optional('user', parts.user ?? user),
    ...optional('password', secret),
    parameters,
  }
}

/** The key only where there is a value: `exactOptionalPropertyTypes` tells an absent key from an undefined one. */
export function optional<K extends string, V>(key: K, value: V | undefined): { readonly [P in K]?: V } {
  return value === undefined || value === '' ? {} : ({ [key]: value } as { readonly [P in K]?: V })
}

function splitCredentials(rest: string): { credentials: { user?: string; password?: Secret }; place: string } {
  const at = endOfCredentials(rest)
  if (at < 0) return { credentials: {}, place: rest }
  const [user = '', password] = splitOnce(rest.slice(0, at), ':')
  const credentials = {
    ...optional('user', decode(user)),
    ...(password === undefined ? {} : { password: new Secret(decode(password)) }),
  }
  return { credentials, place: rest.slice(at + 1) }
}

/**
 * Where the credentials end: at the last `@` before the path, by the standard. A later `@` is the separator after all when
 * a password that nobody encoded holds `/`, `?` or `#`: `user:p/w@host/shop` is no database `w@host/shop` of a host `user`.
 */
function endOfCredentials(rest: string): number {
  const strict = (/^[^/?#]*@/.exec(rest)?.[0].length ?? 0) - 1
  const last = rest.lastIndexOf('@')
  if (last === strict || !/^[^:/?#@]+:/.test(rest)) return strict
  if (!/^(?:\[[^\]]*\]|[^:/?#]*)(?::\d*)?(?:[/?#]|$)/.test(rest.slice(strict + 1))) return last
  const insideQuery = /\?[\w.-]+=/.test(rest.slice(strict + 1, last))
  return !insideQuery && /^[\w.[\]:%-]+\/[^/]/.test(rest.slice(last + 1)) ? last : strict
}

function splitOnce(text: string, separator: string): readonly [string, string?] {
  const index = text.indexOf(separator)
  return index < 0 ? [text] : [text.slice(0, index), text.slice(index + separator.length)]
}

function splitPort(authority: string): { host?: string; port?: number } | undefined {
  const match = /^(?:\[([^\]]*)\]|([^:]*))(?::(\d*))?$/.exec(authority)
  if (match === null) return undefined
  const port = match[3] === undefined || match[3] === '' ? undefined : Number(match[3])
  if (port !== undefined && !validPort(port)) return undefined
  return { ...optional('host', decode(match[1] ?? match[2] ?? '')), ...optional('port', port) }
}

export function validPort(port: number): boolean {
  return Number.isInteger(port) && port >= 1 && port <= 65_535
}

function parametersOf(query: string): Record<string, string> {
  return Object.fromEntries(
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => splitOnce(pair, '='))
      .map(([key, value]) => [decode(key), decode(value ?? '')]),
  )
}

// A lone `%` in a password that nobody encoded stands for itself.
function decode(text: string): string {
  return text.replace(/(?:%[0-9A-Fa-f]{2})+/g, (run) => {
    try {
      return decodeURIComponent(run)
    } catch {
      return run
    }
  })
}

/**
 * The path of a SQLite URL: `sqlite:rel`, `file:./rel`, `sqlite://rel`, `sqlite:////abs` (SQLAlchemy), and `sqlite:///x`,
 * which is absolute for most tools and relative for SQLAlchemy: the one of the two that exists, absolute when neither does.
 */
function sqlitePath(rest: string, cwd: string): string {
  const path = decode(rest.replace(/[?#].*$/s, ''))
  if (/^(\/\/)?\/?:memory:$/.test(path) || /[?&]mode=memory\b/.test(rest)) return ':memory:'
  if (!path.startsWith('//')) return resolveFile(path, cwd)
  const behind = path.slice(2)
  if (behind.startsWith('//')) return behind.slice(1)
  if (!behind.startsWith('/')) return resolveFile(behind, cwd)
  const besideUs = resolve(cwd, behind.slice(1))
  return !existsSync(behind) && existsSync(besideUs) ? besideUs : behind
}

/** An absolute path of a SQLite file; `:memory:` stays. */
export function resolveFile(path: string, cwd: string): string {
  return path === ':memory:' || path === '' ? path : resolve(cwd, path)
}
