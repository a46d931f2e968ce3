import type { Secret } from './secret.ts'

/** MySQL and MariaDB are one engine: what differs is asked of the client and the server. */
export type EngineName = 'postgres' | 'mysql' | 'sqlite'

/** Where a target was read from. */
export type TargetSource = {
  readonly kind: 'flag' | 'environment' | 'env-file' | 'framework'
  /** The flag, `environment`, or the env file relative to the working directory (of several: the one that names the database). */
  readonly label: string
  /** The keys that were read, most telling first. */
  readonly keys: readonly string[]
  /** Where each key was read, when one chain of files holds them. */
  readonly labels: Readonly<Record<string, string>>
}

/** A server over the network or a socket. */
export type ServerTarget = {
  readonly engine: 'postgres' | 'mysql'
  /** Name or address, without brackets; absent: the engine's default socket. */
  readonly host?: string
  readonly port: number
  /** PostgreSQL: the folder of the socket. MySQL: the socket itself. */
  readonly socket?: string
  readonly database: string
  readonly user?: string
  readonly password?: Secret
  /** libpq's names (`sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `options`), also for MySQL's TLS. */
  readonly parameters: Readonly<Record<string, string>>
  readonly source: TargetSource
}

/** A SQLite file; `database` is its absolute path, or `:memory:`. */
export type FileTarget = {
  readonly engine: 'sqlite'
  readonly database: string
  readonly source: TargetSource
}

export type Target = ServerTarget | FileTarget

export const defaultPort = { postgres: 5432, mysql: 3306 } as const

const loopback = new Set(['localhost', '127.0.0.1', '::1'])

/** What makes two targets the same database: engine, host, port or socket, and name; not the user (but see `tenantOf`). */
export function identityOf(target: Target): string {
  if (target.engine === 'sqlite') return `sqlite:${target.database}`
  return JSON.stringify([target.engine, ...placeOf(target), target.database])
}

// PostgreSQL's loopback names are one server; MySQL's `localhost` means the socket, so there they stay apart.
function placeOf(target: ServerTarget): readonly (string | number)[] {
  // PostgreSQL's folder holds a socket for each port; MySQL's socket is the server.
  if (target.socket !== undefined) return target.engine === 'postgres' ? [target.socket, target.port] : [target.socket]
  const host = target.host?.toLowerCase() ?? ''
  const place = target.engine === 'postgres' && loopback.has(host) ? 'localhost' : host
  return [`${tenantOf(target)}${place}`, target.port]
}

/** Supabase's poolers serve all projects at one address, under one database name: the user says which (`postgres.<project>`). */
export function tenantOf({ host, user }: { readonly host?: string; readonly user?: string }): string {
  const tenant = user?.split('.')[1]
  return host?.includes('.pooler.') === true && tenant !== undefined ? `${tenant}@` : ''
}

/** The name that a person would use: the database's name, or the file's name of a SQLite database. */
export function shortName(target: Target): string {
  return target.engine === 'sqlite' ? (target.database.split('/').at(-1) ?? target.database) : target.database
}

/** The target as a URL without its password. */
export function urlOf(target: Target): string {
  if (target.engine === 'sqlite') return `sqlite://${encodePath(target.database)}`
  const user = target.user === undefined ? '' : `${encodeURIComponent(target.user)}@`
  const database = encodeURIComponent(target.database)
  if (target.socket === undefined)
    return `${target.engine}://${user}${authority(target)}/${database}${lonePort(target)}`
  return target.engine === 'postgres'
    ? `postgres://${user}/${database}?host=${encodePath(target.socket)}&port=${target.port}`
    : `mysql://${user}localhost/${database}?socket=${encodePath(target.socket)}`
}

/** The same with what the way there takes (TLS), as it can be given to us again. */
export function urlToPaste(target: Target): string {
  const url = urlOf(target)
  if (target.engine === 'sqlite') return url
  const given = tlsParameters.filter((name) => target.parameters[name] !== undefined)
  const query = given.map((name) => `${name}=${encodePath(target.parameters[name] ?? '')}`).join('&')
  return query === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

const tlsParameters = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const

function authority(target: ServerTarget): string {
  if (target.host === undefined) return ''
  const host = target.host.includes(':') ? `[${target.host}]` : encodeURIComponent(target.host)
  return `${host}:${target.port}`
}

// Without a host there is no place for a port but a parameter.
function lonePort({ engine, host, port }: ServerTarget): string {
  return host !== undefined || port === defaultPort[engine] ? '' : `?port=${port}`
}

function encodePath(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/')
}
