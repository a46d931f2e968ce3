import type { EngineName } from './target.ts'

/** Keys that hold a whole URL, most specific first. `DIRECT_URL` and its like go around a pooler and are treated apart. */

export const urlKeys = ['DATABASE_URL', 'DB_URL', 'POSTGRES_URL', 'MYSQL_URL'] as const

export const directUrlKeys = ['DIRECT_URL', 'DATABASE_URL_UNPOOLED', 'POSTGRES_URL_NON_POOLING'] as const

/** Keys that name a database in parts; in each list the first one that is set counts. */
export type KeyFamily = {
  readonly name: string
  /** Fixed by the family's name; otherwise `driver` says it. */
  readonly engine?: EngineName
  readonly driver: readonly string[]
  readonly host: readonly string[]
  readonly port: readonly string[]
  readonly database: readonly string[]
  readonly user: readonly string[]
  readonly password: readonly string[]
  readonly socket: readonly string[]
  /** libpq's parameter name → key. */
  readonly parameters: Readonly<Record<string, string>>
}

/** `DB_*` of the frameworks, `PG*` of libpq, and what the container images of PostgreSQL, MySQL and MariaDB are given. */
export const keyFamilies: readonly KeyFamily[] = [
  {
    name: 'DB_*',
    driver: ['DB_CONNECTION', 'DB_DRIVER', 'DB_ENGINE', 'DB_DIALECT', 'DB_CLIENT', 'DB_TYPE'],
    host: ['DB_HOST', 'DB_HOSTNAME'],
    port: ['DB_PORT'],
    database: ['DB_DATABASE', 'DB_NAME'],
    user: ['DB_USERNAME', 'DB_USER'],
    password: ['DB_PASSWORD', 'DB_PASS'],
    socket: ['DB_SOCKET'],
    parameters: { sslmode: 'DB_SSLMODE' },
  },
  {
    name: 'PG*',
    engine: 'postgres',
    driver: [],
    host: ['PGHOST'],
    port: ['PGPORT'],
    database: ['PGDATABASE'],
    user: ['PGUSER'],
    password: ['PGPASSWORD'],
    socket: [],
    parameters: {
      sslmode: 'PGSSLMODE',
      sslrootcert: 'PGSSLROOTCERT',
      sslcert: 'PGSSLCERT',
      sslkey: 'PGSSLKEY',
      options: 'PGOPTIONS',
    },
  },
  containerFamily('POSTGRES', 'postgres', ['POSTGRES_DB', 'POSTGRES_DATABASE'], []),
  containerFamily('MYSQL', 'mysql', ['MYSQL_DATABASE'], ['MYSQL_PWD']),
  containerFamily('MARIADB', 'mysql', ['MARIADB_DATABASE'], []),
]

function containerFamily(
  prefix: string,
  engine: EngineName,
  database: readonly string[],
  passwords: readonly string[],
): KeyFamily {
  return {
    name: `${prefix}_*`,
    engine,
    driver: [],
    host: [`${prefix}_HOST`],
    port: [`${prefix}_PORT`],
    database,
    user: [`${prefix}_USER`, `${prefix}_USERNAME`],
    password: [`${prefix}_PASSWORD`, ...passwords],
    socket: [`${prefix}_SOCKET`, `${prefix}_UNIX_PORT`],
    parameters: {},
  }
}

/** Every key that can name a database or the way to it: what `--pin` may set, and what the process environment wins with. */
export const databaseKeys: ReadonlySet<string> = new Set([
  ...urlKeys,
  ...directUrlKeys,
  ...keyFamilies.flatMap((family) => [
    ...family.driver,
    ...family.host,
    ...family.port,
    ...family.database,
    ...family.user,
    ...family.password,
    ...family.socket,
    ...Object.values(family.parameters),
  ]),
])

const drivers: Readonly<Record<string, EngineName>> = {
  pgsql: 'postgres',
  postgres: 'postgres',
  postgresql: 'postgres',
  postgis: 'postgres',
  psql: 'postgres',
  pg: 'postgres',
  pgx: 'postgres',
  pdo_pgsql: 'postgres',
  'node-postgres': 'postgres',
  mysql: 'mysql',
  mysql2: 'mysql',
  mysqli: 'mysql',
  mariadb: 'mysql',
  pdo_mysql: 'mysql',
  sqlite: 'sqlite',
  sqlite3: 'sqlite',
  'better-sqlite3': 'sqlite',
  pdo_sqlite: 'sqlite',
}

/** The engine that `DB_CONNECTION=pgsql`, `django.db.backends.mysql` or `postgresql+psycopg2` means. */
export function engineOfDriver(driver: string): EngineName | undefined {
  const name = driver.trim().toLowerCase()
  const bare = (name.split('.').at(-1) ?? name).replace(/\+.*$/, '')
  const known = [name, bare].find((one) => Object.hasOwn(drivers, one))
  return known === undefined ? undefined : drivers[known]
}
