import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import type { Order } from './keep.ts'
import { freePort, type Kept, keep, newFolderPath, serverUser, untilItAnswers } from './keeper.ts'

export type PostgresVersion = '13' | '15' | '16' | '18'

export type PostgresServer = {
  readonly engine: 'postgres'
  readonly version: PostgresVersion
  readonly host: '127.0.0.1'
  readonly port: number
  readonly socketDirectory: string
  readonly superuser: string
  readonly password: string
  readonly pid: number
  readonly dataDirectory: string
}

/** `settings` are those of the server's configuration file. */
export type ServerOptions = {
  readonly settings?: Readonly<Record<string, string | number>>
  /** Started again when it is killed. */
  readonly restarts?: boolean
}

/** Starts a server of its own. It ends with `stop`, at the latest with this process. */
export async function startPostgres(
  version: PostgresVersion,
  options: ServerOptions = {},
): Promise<{ server: PostgresServer; kept: Kept }> {
  const folder = newFolderPath()
  const place = { folder, port: await freePort(), password: randomBytes(12).toString('hex') }
  const kept = await keep(order(version, place, options))
  const server: PostgresServer = {
    engine: 'postgres',
    version,
    host: '127.0.0.1',
    port: place.port,
    socketDirectory: folder,
    superuser: 'postgres',
    password: place.password,
    pid: kept.pid,
    dataDirectory: join(folder, 'data'),
  }
  await untilItAnswers(kept, () => postgresRows(server, 'postgres', 'SELECT 1'))
  return { server, kept }
}

type Place = { readonly folder: string; readonly port: number; readonly password: string }

function order(
  version: PostgresVersion,
  { folder, port, password }: Place,
  { settings, restarts = false }: ServerOptions,
): Order {
  const { native, copies } = binaries(version, folder)
  const data = join(folder, 'data')
  const initdb = [join(native, 'bin/initdb'), '--pgdata', data, '--username', 'postgres', '--auth', 'scram-sha-256']
  const all = { port, listen_addresses: '127.0.0.1,::1', unix_socket_directories: folder, fsync: 'off', ...settings }
  return {
    folder,
    ...serverUser(),
    environment: { LD_LIBRARY_PATH: join(native, 'lib') },
    files: { password },
    copies,
    prepare: [[...initdb, '--pwfile', join(folder, 'password'), '--encoding', 'UTF8', '--no-locale', '--no-sync']],
    serve: [join(native, 'bin/postgres'), '-D', data, ...Object.entries(all).flatMap(([k, v]) => ['-c', `${k}=${v}`])],
    // Immediate shutdown: nothing of the data is wanted any more.
    stopSignal: 'SIGQUIT',
    restarts,
  }
}

function binaries(version: PostgresVersion, folder: string): { native: string; copies: Record<string, string> } {
  const native = join(import.meta.dirname, `../../node_modules/pg${version}/native`)
  if (!existsSync(join(native, 'bin/postgres'))) {
    throw new Error(
      `PostgreSQL ${version} is missing: node_modules/pg${version} holds no server. npm leaves it out where it cannot ` +
        'be downloaded or the machine is not Linux on x64. Run: npm ci --include=optional',
    )
  }
  if (canReach(native)) return { native, copies: {} }
  return { native: join(folder, 'native'), copies: { native } }
}

/** A clone below a home folder of mode 0700 is out of the server user's reach. */
function canReach(native: string): boolean {
  const command = [join(native, 'bin/postgres'), '--version']
  const place = { cwd: '/', env: { LD_LIBRARY_PATH: join(native, 'lib') }, ...serverUser()?.user }
  try {
    return Bun.spawnSync(command, { ...place, stdout: 'ignore', stderr: 'ignore' }).success
  } catch {
    return false
  }
}

/** The rows of the last statement in `text`. */
export async function postgresRows(
  server: PostgresServer,
  database: string,
  text: string,
): Promise<Record<string, unknown>[]> {
  const { host, port, superuser: user, password } = server
  const client = new pg.Client({ host, port, user, password, database, connectionTimeoutMillis: 10_000 })
  // A server that is killed under us says so through the query.
  client.on('error', () => {})
  try {
    await client.connect()
    const results = [await client.query(text)].flat()
    return results.at(-1)?.rows ?? []
  } finally {
    await client.end().catch(() => {})
  }
}
