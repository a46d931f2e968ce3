import { existsSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { join } from 'node:path'
import type { Environment, Io } from '../../effects/io.ts'
import { Secret } from '../../target/secret.ts'
import type { ServerTarget } from '../../target/target.ts'
import { conninfo } from './names.ts'
import { passwordFromFile } from './passfile.ts'

/** Where a server is and as whom: what the driver and the client tools are both given. */
export type Login = {
  /** A name, an address, or the folder of a socket. */
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: Secret | undefined
  /** libpq's TLS parameters and `options`. */
  readonly parameters: Readonly<Record<string, string>>
}

/** Fills in what libpq would: the default socket, the user of the system, the password file. */
export async function loginOf(io: Io, target: ServerTarget): Promise<Login> {
  const host = target.socket ?? target.host ?? defaultHost(existsSync, target.port)
  const user = target.user ?? userInfo().username
  const key = { host: isSocket(host) ? 'localhost' : host, port: target.port, database: target.database, user }
  const found = target.password?.reveal() || (await passwordFromFile(io.environment, key))
  const parameters = withDefaultFiles(target.parameters, join(io.environment['HOME'] || homedir(), '.postgresql'))
  return { host, port: target.port, user, password: found ? new Secret(found) : undefined, parameters }
}

const socketFolders = ['/var/run/postgresql', '/tmp']

/** libpq's default place: a socket of this port where there is one (Debian's folder, then PostgreSQL's own), else TCP. */
export function defaultHost(exists: (path: string) => boolean, port: number): string {
  return socketFolders.find((folder) => exists(`${folder}/.s.PGSQL.${port}`)) ?? 'localhost'
}

export function isSocket(host: string): boolean {
  return host.startsWith('/')
}

// libpq takes these of the home folder where they exist.
const defaultFiles = { sslrootcert: 'root.crt', sslcert: 'postgresql.crt', sslkey: 'postgresql.key' } as const

function withDefaultFiles(parameters: Readonly<Record<string, string>>, folder: string): Record<string, string> {
  const found = Object.entries(defaultFiles)
    .map(([name, file]) => [name, join(folder, file)] as const)
    .filter(([, path]) => existsSync(path))
  return { ...Object.fromEntries(found), ...parameters }
}

/** The place as a person would write it: `127.0.0.1:5432`, `[::1]:5432`, `/tmp:5432`. */
export function placeName(login: Login): string {
  return login.host.includes(':') ? `[${login.host}]:${login.port}` : `${login.host}:${login.port}`
}

/** The connection string that a client tool gets as its argument; never a password. */
export function connectionString(login: Login, database: string): string {
  return conninfo({ host: login.host, port: String(login.port), user: login.user, dbname: database })
}

const tlsVariables: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
}

/** What only the client tool may see: the caller's `PG*` variables are gone, ours are there. Messages in English. */
export function clientEnvironment(
  environment: Environment,
  login: Login,
  settings: readonly string[] = [],
): Environment {
  const inherited = Object.entries(environment).filter(([key]) => !key.startsWith('PG') && !key.startsWith('PSQL'))
  const tls = Object.entries(tlsVariables).map(([name, variable]) => [variable, login.parameters[name]] as const)
  const options = [
    login.parameters['options'],
    ...settings.map((setting) => `-c ${setting.replace(/[\\\s]/g, '\\$&')}`),
  ]
  return {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(tls),
    PGOPTIONS: options.filter((option) => option !== undefined).join(' ') || undefined,
    PGPASSWORD: login.password?.reveal(),
    PGAPPNAME: 'db-seatbelt',
    PGCONNECT_TIMEOUT: '10',
    PGGSSENCMODE: 'disable',
    LC_ALL: 'C',
  }
}
