// MariaDB and MySQL of versions that Debian 12 does not have, as private servers.
import { join } from 'node:path'
import type { Kept } from '../servers/keeper.ts'
import { type Installation, mariaAccounts, startMaria } from '../servers/mariadb.ts'
import { mariadbPrograms, mysqlPrograms } from './later-clients.ts'
import type { OwnClients } from './own-clients.ts'

/** Options of the server; those in `first` are needed when its data are made too. */
type LaterOptions = { readonly settings?: Settings; readonly first?: Settings }
type Settings = Readonly<Record<string, string | number>>

export type LaterServer = OwnClients & { readonly kept: Kept }

/** Oracle's MySQL 9. */
export async function startLaterMysql({ settings, first }: LaterOptions = {}): Promise<LaterServer> {
  const { bin } = mysqlPrograms()
  const started = await startMaria({ settings: { ...settings, ...first } }, laterMysql(first))
  return { ...started, load: join(bin, 'mysql'), dump: join(bin, 'mysqldump') }
}

/** MariaDB 11.8. */
export async function startLaterMaria({ settings, first }: LaterOptions = {}): Promise<LaterServer> {
  const { bin } = mariadbPrograms()
  const started = await startMaria({ settings: { ...settings, ...first } }, laterMaria(first))
  return { ...started, load: join(bin, 'mariadb'), dump: join(bin, 'mariadb-dump') }
}

// The folder of the packages may be one that only we can reach.
const ourselves = { user: 'root' }

function laterMysql(first: Settings = {}): Installation {
  const { bin, root } = mysqlPrograms()
  const program = join(bin, 'mysqld')
  const settings = {
    basedir: join(root, 'usr'),
    ...ourselves,
    mysqlx: 'OFF',
    'secure-file-priv': 'NULL',
    'innodb-redo-log-capacity': 33_554_432,
  }
  return {
    program,
    environment: {},
    install: (data) => [
      program,
      '--no-defaults',
      '--initialize-insecure',
      `--datadir=${data}`,
      ...words({ ...settings, 'innodb-flush-method': 'nosync', ...first }),
    ],
    accounts: mysqlAccounts,
    settings,
  }
}

function mysqlAccounts(password: string): readonly string[] {
  const others = ["root@'127.0.0.1'", "root@'::1'"]
  return [
    ...others.map((account) => `CREATE USER IF NOT EXISTS ${account};`),
    ...others.map((account) => `GRANT ALL PRIVILEGES ON *.* TO ${account} WITH GRANT OPTION;`),
    ...['root@localhost', ...others].map((account) => `ALTER USER ${account} IDENTIFIED BY '${password}';`),
  ]
}

function laterMaria(first: Settings = {}): Installation {
  const { bin, root } = mariadbPrograms()
  const program = join(bin, 'mariadbd')
  const texts = join(root, 'usr/share/mariadb')
  const settings = { 'lc-messages-dir': texts, 'plugin-dir': join(root, 'usr/lib/mysql/plugin'), ...ourselves }
  return {
    program,
    environment: {},
    install: (data) => [
      'sh',
      '-c',
      `mkdir "$1" && cd "$2" && { printf '${beginning}'; cat mariadb_system_tables.sql mariadb_performance_tables.sql mariadb_system_tables_data.sql; } | { shift 2; exec "$@"; }`,
      'sh',
      data,
      texts,
      program,
      '--no-defaults',
      '--bootstrap',
      `--datadir=${data}`,
      ...words({ ...settings, 'innodb-flush-method': 'nosync', ...first }),
    ],
    accounts: mariaAccounts,
    settings,
  }
}

// What mariadb-install-db, which would start the programs without their own loader, gives the server first.
const beginning = String.raw`CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket = NULL, @skip_auth_anonymous = 1;\n`

function words(settings: Settings): readonly string[] {
  return Object.entries(settings).map(([key, value]) => `--${key}=${value}`)
}
