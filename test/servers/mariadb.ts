import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { createConnection } from 'mariadb'
import type { Order } from './keep.ts'
import { freePort, type Kept, keep, newFolderPath, serverUser, untilItAnswers } from './keeper.ts'
import type { ServerOptions } from './postgres.ts'

export type MariaServer = {
  readonly engine: 'mariadb'
  readonly host: '127.0.0.1'
  readonly port: number
  readonly socket: string
  readonly superuser: string
  readonly password: string
  readonly pid: number
  readonly dataDirectory: string
}

/** A MariaDB or MySQL that can be started: where it is, and how data and accounts of its own come to be. */
export type Installation = {
  readonly program: string
  readonly environment: Readonly<Record<string, string>>
  readonly user?: { readonly uid: number; readonly gid: number }
  /** What makes the data directory. */
  readonly install: (data: string, folder: string) => readonly string[]
  /** Root with its password from everywhere, over the socket too, and nobody without one: one statement a line. */
  readonly accounts: (password: string) => readonly string[]
  readonly settings?: ServerOptions['settings']
}

/** Starts the system's MariaDB, or another one, as a server of its own. It ends with `stop`, at the latest with this process. */
export async function startMaria(
  options: ServerOptions = {},
  installation: Installation = systemMaria(),
): Promise<{ server: MariaServer; kept: Kept }> {
  const folder = newFolderPath()
  const place = { folder, port: await freePort(), password: randomBytes(12).toString('hex') }
  const kept = await keep(order(installation, place, options))
  const server: MariaServer = {
    engine: 'mariadb',
    host: '127.0.0.1',
    port: place.port,
    socket: join(folder, 'socket'),
    superuser: 'root',
    password: place.password,
    pid: kept.pid,
    dataDirectory: join(folder, 'data'),
  }
  await untilItAnswers(kept, () => mariaRows(server, undefined, 'SELECT 1'))
  return { server, kept }
}

type Place = { readonly folder: string; readonly port: number; readonly password: string }

function order(
  { program, environment, user, install, accounts, settings: own }: Installation,
  { folder, port, password }: Place,
  { settings, restarts = false }: ServerOptions,
): Order {
  const data = join(folder, 'data')
  const all = {
    port,
    datadir: data,
    'bind-address': '127.0.0.1',
    socket: join(folder, 'socket'),
    'pid-file': join(folder, 'pid'),
    'init-file': join(folder, 'accounts.sql'),
    tmpdir: folder,
    'innodb-flush-log-at-trx-commit': 0,
    'innodb-fast-shutdown': 2,
    ...own,
    ...settings,
  }
  return {
    folder,
    ...(user === undefined ? {} : { user }),
    environment,
    files: { 'accounts.sql': `${accounts(password).join('\n')}\n` },
    copies: {},
    prepare: [install(data, folder)],
    serve: [program, '--no-defaults', ...Object.entries(all).map(([key, value]) => `--${key}=${value}`)],
    stopSignal: 'SIGTERM',
    restarts,
  }
}

function systemMaria(): Installation {
  return {
    program: systemProgram('mariadbd'),
    environment: { PATH: searchPath() },
    ...serverUser(),
    // A tmpdir of its own: a server that starts removes all temporary tables that it finds there, those of others too.
    install: (data, folder) => [
      systemProgram('mariadb-install-db'),
      '--no-defaults',
      `--datadir=${data}`,
      `--tmpdir=${folder}`,
      '--skip-test-db',
      '--auth-root-authentication-method=normal',
      '--innodb-flush-method=nosync',
    ],
    accounts: mariaAccounts,
  }
}

export function mariaAccounts(password: string): readonly string[] {
  const keep = ['localhost', '127.0.0.1', '::1']
  return [
    `DELETE FROM mysql.global_priv WHERE Host NOT IN ('${keep.join("', '")}') OR User NOT IN ('root', 'mariadb.sys');`,
    'FLUSH PRIVILEGES;',
    ...keep.map((host) => `CREATE OR REPLACE USER root@'${host}' IDENTIFIED BY '${password}';`),
    ...keep.map((host) => `GRANT ALL PRIVILEGES ON *.* TO root@'${host}' WITH GRANT OPTION;`),
  ]
}

function systemProgram(name: string): string {
  const path = Bun.which(name, { PATH: searchPath() })
  if (path) return path
  throw new Error(`MariaDB is missing: no ${name} in ${searchPath()}. Run: npm test, which installs it or says how`)
}

/** Servers live where only root looks. */
function searchPath(): string {
  return [process.env['PATH'], '/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'].join(':')
}

/** The rows of the last statement in `text`. */
export async function mariaRows(
  server: MariaServer,
  database: string | undefined,
  text: string,
): Promise<Record<string, unknown>[]> {
  const { host, port, superuser: user, password } = server
  const place = { host, port, user, password, connectTimeout: 10_000, ...(database === undefined ? {} : { database }) }
  const options = { multipleStatements: true, bigIntAsNumber: true, allowPublicKeyRetrieval: true }
  const connection = await createConnection({ ...place, ...options })
  // A server that is killed under us says so through the query.
  connection.on('error', () => {})
  try {
    return rowsOf(await connection.query(text))
  } finally {
    connection.destroy()
  }
}

/** The driver gives the rows of one statement, counts for one without any, and an array of these for several. */
function rowsOf(result: unknown): Record<string, unknown>[] {
  if (!Array.isArray(result)) return []
  return 'meta' in result ? [...result] : rowsOf(result.at(-1))
}
