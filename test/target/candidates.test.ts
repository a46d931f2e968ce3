import { describe, expect, it } from 'vitest'
import { environmentLabel, type Values } from '../../src/environment/env-file.ts'
import { candidatesIn } from '../../src/target/candidates.ts'
import { type ServerTarget, urlOf } from '../../src/target/target.ts'

type Keys = Readonly<Record<string, string>>

function values(file: Keys, outer: Keys = {}): Values {
  const labelled = (keys: Keys, label: string) =>
    Object.entries(keys).map(([key, value]) => [key, { value, label }] as const)
  return new Map([...labelled(file, '.env'), ...labelled(outer, environmentLabel)])
}

function urls(file: Keys, outer: Keys = {}): readonly string[] {
  return candidatesIn(values(file, outer), '/project').targets.map(urlOf)
}

function problems(file: Keys, outer: Keys = {}): string {
  return candidatesIn(values(file, outer), '/project').problems.join('\n')
}

const laravel = {
  DB_CONNECTION: 'mysql',
  DB_HOST: '127.0.0.1',
  DB_PORT: '3306',
  DB_DATABASE: 'shop',
  DB_USERNAME: 'app',
  DB_PASSWORD: 'pw',
}

describe('keys name a database', () => {
  it.each<[string, Keys, string]>([
    ['DATABASE_URL', { DATABASE_URL: 'postgres://app:pw@db/shop' }, 'postgres://app@db:5432/shop'],
    ['DB_URL', { DB_URL: 'mysql://app@db/shop' }, 'mysql://app@db:3306/shop'],
    ['POSTGRES_URL', { POSTGRES_URL: 'postgres://db/shop' }, 'postgres://db:5432/shop'],
    ['MYSQL_URL', { MYSQL_URL: 'mysql://db/shop' }, 'mysql://db:3306/shop'],
    ['DIRECT_URL alone', { DIRECT_URL: 'postgres://db/shop' }, 'postgres://db:5432/shop'],
    ['Laravel', laravel, 'mysql://app@127.0.0.1:3306/shop'],
    ['DB_HOST=localhost', { ...laravel, DB_HOST: 'localhost' }, 'mysql://app@localhost:3306/shop'],
    ['no host', { DB_CONNECTION: 'pgsql', DB_DATABASE: 'shop' }, 'postgres://127.0.0.1:5432/shop'],
    [
      'DB_NAME, DB_USER, DB_PASS',
      { DB_DRIVER: 'postgres', DB_NAME: 'shop', DB_USER: 'app', DB_PASS: 'x' },
      'postgres://app@127.0.0.1:5432/shop',
    ],
    ['DB_PORT as a sign', { DB_HOST: 'db', DB_PORT: '5432', DB_NAME: 'shop' }, 'postgres://db:5432/shop'],
    ['DB_PORT of MySQL as a sign', { DB_HOST: 'db', DB_PORT: '3306', DB_NAME: 'shop' }, 'mysql://db:3306/shop'],
    [
      'a Django engine',
      { DB_ENGINE: 'django.db.backends.postgresql', DB_NAME: 'shop', DB_HOST: 'db' },
      'postgres://db:5432/shop',
    ],
    ['DB_SOCKET', { ...laravel, DB_SOCKET: '/run/m.sock' }, 'mysql://app@localhost/shop?socket=/run/m.sock'],
    ['a host that is a folder', { PGHOST: '/tmp', PGDATABASE: 'shop' }, 'postgres:///shop?host=/tmp&port=5432'],
    ['PGDATABASE alone', { PGDATABASE: 'shop' }, 'postgres:///shop'],
    ['libpq', { PGHOST: 'db', PGPORT: '5433', PGDATABASE: 'shop', PGUSER: 'app' }, 'postgres://app@db:5433/shop'],
    [
      'a PostgreSQL container',
      { POSTGRES_DB: 'shop', POSTGRES_USER: 'app', POSTGRES_PASSWORD: 'x' },
      'postgres://app@127.0.0.1:5432/shop',
    ],
    [
      'a MySQL container',
      { MYSQL_DATABASE: 'shop', MYSQL_USER: 'app', MYSQL_ROOT_PASSWORD: 'x' },
      'mysql://app@127.0.0.1:3306/shop',
    ],
    ['a MariaDB container', { MARIADB_DATABASE: 'shop', MARIADB_HOST: 'db' }, 'mysql://db:3306/shop'],
    ['an IPv6 address', { ...laravel, DB_HOST: '::1' }, 'mysql://app@[::1]:3306/shop'],
    ['an IPv6 address in brackets', { ...laravel, DB_HOST: '[::1]' }, 'mysql://app@[::1]:3306/shop'],
    [
      'a SQLite file',
      { DB_CONNECTION: 'sqlite', DB_DATABASE: 'database/shop.sqlite' },
      'sqlite:///project/database/shop.sqlite',
    ],
    ['a SQLite file by its name', { DB_DATABASE: 'db.sqlite3' }, 'sqlite:///project/db.sqlite3'],
    ['SQLite in memory', { DB_CONNECTION: 'sqlite', DB_DATABASE: ':memory:' }, 'sqlite://%3Amemory%3A'],
  ])('by %s', (_, keys, url) => {
    expect(urls(keys)).toEqual([url])
  })

  it('and a password of every printable character arrives as it is', () => {
    const password = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')
    const [target] = candidatesIn(values({ ...laravel, DB_PASSWORD: password }), '/').targets
    expect((target as ServerTarget).password?.reveal()).toBe(password)
  })

  it('with the file and the keys that they were read from', () => {
    const [target] = candidatesIn(
      values({ DB_CONNECTION: 'mysql', DB_DATABASE: 'shop' }, { DB_HOST: 'db' }),
      '/',
    ).targets
    expect(target?.source).toEqual({
      kind: 'env-file',
      label: '.env',
      keys: ['DB_CONNECTION', 'DB_DATABASE', 'DB_HOST'],
      labels: { DB_CONNECTION: '.env', DB_DATABASE: '.env', DB_HOST: 'environment' },
    })
  })
})

describe('keys that lead nowhere', () => {
  it.each<[string, Keys, RegExp]>([
    ['an empty database', { ...laravel, DB_DATABASE: '' }, /DB_DATABASE in \.env is empty/],
    ['an empty PGDATABASE', { PGDATABASE: '' }, /PGDATABASE in \.env is empty/],
    [
      'no database',
      { DB_CONNECTION: 'mysql', DB_HOST: 'db' },
      /DB_HOST in \.env names a server, and no DB_DATABASE or DB_NAME/,
    ],
    ['a URL without a database', { DATABASE_URL: 'postgres://db/' }, /DATABASE_URL in \.env names no database/],
    ['a SQLite URL without a file', { DATABASE_URL: 'sqlite://' }, /DATABASE_URL in \.env names no database/],
    [
      'an unknown engine',
      { ...laravel, DB_CONNECTION: 'sqlsrv' },
      /DB_CONNECTION in \.env names an engine that is not handled here \(sqlsrv\)/,
    ],
    [
      'an unknown engine of a URL',
      { DATABASE_URL: 'mongodb://db/shop' },
      /names an engine that is not handled here \(mongodb:\)/,
    ],
    [
      'no engine',
      { DB_HOST: 'db', DB_NAME: 'shop' },
      /DB_NAME in \.env names a database, and nothing says of which engine/,
    ],
    ['a bad port', { ...laravel, DB_PORT: 'x' }, /DB_PORT in \.env is no port number/],
    ['a port of 0', { ...laravel, DB_PORT: '0' }, /DB_PORT in \.env is no port number/],
    ['several hosts', { PGHOST: 'one,two', PGDATABASE: 'shop' }, /PGHOST names several hosts/],
    ['a cut URL', { DATABASE_URL: 'postgres://app:p' }, /has a port/],
  ])('are told: %s', (_, keys, problem) => {
    expect(urls(keys)).toEqual([])
    expect(problems(keys)).toMatch(problem)
  })

  it('are told when an empty variable hides the file’s value', () => {
    expect(urls({ DATABASE_URL: 'postgres://db/shop' }, { DATABASE_URL: '' })).toEqual([])
    expect(problems({}, { DATABASE_URL: '' })).toBe('DATABASE_URL of the environment is empty')
  })

  it.each<[string, Keys]>([
    ['nothing', {}],
    ['a lone password', { DB_PASSWORD: 'x' }],
    ['a lone PGHOST', { PGHOST: 'db' }],
    ['an empty URL in a file', { DATABASE_URL: '' }],
    ['other things', { REDIS_URL: 'redis://db', APP_NAME: 'shop' }],
  ])('or mean none: %s', (_, keys) => {
    expect(candidatesIn(values(keys), '/')).toEqual({ targets: [], overruled: [], problems: [], notes: [] })
  })

  it('never show a password', () => {
    expect(problems({ DB_DATABASE: 'shop', DB_CONNECTION: 'postgres://app:geheim@db/shop' })).not.toContain('geheim')
    expect(problems({ DATABASE_URL: 'oracle://app:geheim@db/shop' })).not.toContain('geheim')
    expect(problems({ DATABASE_URL: 'postgres://app:geheim@db:x/shop' })).not.toContain('geheim')
  })
})

const composed = { POSTGRES_USER: 'app', POSTGRES_PASSWORD: 'pw', POSTGRES_DB: 'shop' }

describe('keys of several families', () => {
  it.each<[string, Keys, string]>([
    [
      'a container beside a URL',
      { ...composed, DATABASE_URL: 'postgres://app:pw@db:5432/shop' },
      'postgres://app@db:5432/shop',
    ],
    [
      'a container beside a URL on another port',
      { ...composed, DATABASE_URL: 'postgres://app:pw@localhost:5433/shop' },
      'postgres://app@localhost:5433/shop',
    ],
    [
      'what a container is given beside a URL of the program',
      { ...composed, DATABASE_URL: 'postgres://db/shop_dev' },
      'postgres://db:5432/shop_dev',
    ],
    [
      'a container beside parts',
      { ...laravel, MYSQL_DATABASE: 'shop', MYSQL_PASSWORD: 'pw' },
      'mysql://app@127.0.0.1:3306/shop',
    ],
    ['loopback names', { DATABASE_URL: 'mysql://app@localhost/shop', ...laravel }, 'mysql://app@localhost:3306/shop'],
    [
      'two URLs',
      { DATABASE_URL: 'postgres://db/shop', POSTGRES_URL: 'postgresql://DB:5432/shop' },
      'postgres://db:5432/shop',
    ],
    [
      'a socket beside localhost',
      { ...laravel, MYSQL_DATABASE: 'shop', MYSQL_UNIX_PORT: '/run/m.sock' },
      'mysql://app@127.0.0.1:3306/shop',
    ],
  ])('agree: %s', (_, keys, url) => {
    expect(urls(keys)).toEqual([url])
  })

  it.each<[string, Keys, string]>([
    [
      'POSTGRES_HOST',
      { DB_CONNECTION: 'pgsql', DB_NAME: 'shop', POSTGRES_HOST: 'db-prod', POSTGRES_DB: 'shop' },
      'postgres://db-prod:5432/shop',
    ],
    [
      'PGHOST',
      { DATABASE_URL: 'postgres:///shop', PGHOST: 'db-prod', PGDATABASE: 'shop' },
      'postgres://db-prod:5432/shop',
    ],
  ])('leave the server to the one that says it: %s', (_, keys, url) => {
    expect(urls(keys)).toEqual([url])
  })

  it.each<[string, Keys, readonly string[]]>([
    [
      'another name',
      { ...laravel, DB_URL: 'mysql://db/other' },
      ['mysql://db:3306/other', 'mysql://app@127.0.0.1:3306/shop'],
    ],
    [
      'another host',
      { ...laravel, DB_URL: 'mysql://db-prod/shop' },
      ['mysql://db-prod:3306/shop', 'mysql://app@127.0.0.1:3306/shop'],
    ],
    [
      'another port',
      { ...laravel, DB_URL: 'mysql://127.0.0.1:3307/shop' },
      ['mysql://127.0.0.1:3307/shop', 'mysql://app@127.0.0.1:3306/shop'],
    ],
    [
      'another engine',
      { ...laravel, POSTGRES_DB: 'shop' },
      ['mysql://app@127.0.0.1:3306/shop', 'postgres://127.0.0.1:5432/shop'],
    ],
    [
      'a socket beside another machine',
      { DB_URL: 'mysql://db-prod/shop', DB_CONNECTION: 'mysql', DB_DATABASE: 'shop', DB_SOCKET: '/m.sock' },
      ['mysql://db-prod:3306/shop', 'mysql://localhost/shop?socket=/m.sock'],
    ],
  ])('disagree, and both count: %s', (_, keys, both) => {
    expect(urls(keys)).toEqual(both)
  })
})

describe('DIRECT_URL', () => {
  const direct = 'postgres://app@ep-x.neon.tech/shop'
  it.each<[string, string]>([
    ['a -pooler host', 'postgres://app@ep-x-pooler.neon.tech/shop'],
    ['a .pooler. host', 'postgres://app.ref@aws-0-eu.pooler.supabase.com:5432/shop'],
    ['port 6543', 'postgres://app@db.supabase.co:6543/shop'],
    ['pgbouncer=true', 'postgres://app@127.0.0.1:6432/shop?pgbouncer=true'],
  ])('goes around %s', (_, url) => {
    expect(urls({ DATABASE_URL: url, DIRECT_URL: direct })).toEqual(['postgres://app@ep-x.neon.tech:5432/shop'])
  })

  it('is nothing new when it says the same', () => {
    expect(urls({ DATABASE_URL: direct, DIRECT_URL: direct })).toEqual(['postgres://app@ep-x.neon.tech:5432/shop'])
  })

  it.each<[string, string, string]>([
    [
      'names another database than the pooler',
      'postgres://ep-x-pooler.neon.tech/shop_prod',
      'postgres://localhost/shop_test',
    ],
    ['differs without a pooler', 'postgres://localhost/shop_dev', 'postgres://db-prod/shop'],
  ])('is a second candidate when it %s', (_, url, other) => {
    expect(urls({ DATABASE_URL: url, DIRECT_URL: other })).toHaveLength(2)
  })

  it('of a file does not stand in for the environment’s DATABASE_URL', () => {
    const pooled = 'postgres://ep-prod-pooler.neon.tech/shop'
    expect(urls({ DIRECT_URL: direct }, { DATABASE_URL: pooled })).toEqual([
      'postgres://ep-prod-pooler.neon.tech:5432/shop',
    ])
  })
})

describe('the process environment', () => {
  it('wins over every file, and says what it overruled', () => {
    const read = candidatesIn(values(laravel, { DATABASE_URL: 'postgres://db/shop_test' }), '/')
    expect(read.targets.map(urlOf)).toEqual(['postgres://db:5432/shop_test'])
    expect(read.targets[0]?.source.kind).toBe('environment')
    expect(read.notes).toEqual(["DB_DATABASE in .env names another database; the environment's variables win"])
  })

  it('wins key by key', () => {
    expect(urls(laravel, { DB_HOST: 'db-prod' })).toEqual(['mysql://app@db-prod:3306/shop'])
    expect(urls(laravel, { DB_DATABASE: 'shop_test' })).toEqual(['mysql://app@127.0.0.1:3306/shop_test'])
  })

  it('that names a database alone leaves the server to the file', () => {
    expect(urls({ DATABASE_URL: 'postgres://app@db-prod/shop' }, { PGDATABASE: 'shop' })).toEqual([
      'postgres://app@db-prod:5432/shop',
    ])
  })

  it('is but one of the places where a file is pinned over it', () => {
    const laid = new Map([...values({}, { DATABASE_URL: 'postgres://db-prod/shop' }), ...values(laravel)])
    expect(candidatesIn(laid, '/', true).targets.map(urlOf)).toEqual([
      'postgres://db-prod:5432/shop',
      'mysql://app@127.0.0.1:3306/shop',
    ])
  })
})
