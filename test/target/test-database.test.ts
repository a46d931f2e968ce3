import { describe, expect, it } from 'vitest'
import type { Values } from '../../src/environment/env-file.ts'
import type { Candidate } from '../../src/target/resolve.ts'
import type { ServerTarget, TargetSource } from '../../src/target/target.ts'
import { isForTests, isRemembered, rememberedAs } from '../../src/target/test-database.ts'

const env: TargetSource = { kind: 'env-file', label: '.env', keys: ['DATABASE_URL'], labels: {} }

function candidate(parts: Partial<ServerTarget> = {}, others: Partial<Candidate> = {}): Candidate {
  const { source = env } = parts
  const target = {
    engine: 'postgres',
    host: 'localhost',
    port: 5432,
    database: 'shop',
    parameters: {},
    ...parts,
    source,
  } as const
  return { target, reason: '.env names it', files: [source.label], values: new Map(), ...others }
}

function file(database: string): Candidate {
  return { ...candidate(), target: { engine: 'sqlite', database, source: env } }
}

function said(label: string, values: Readonly<Record<string, string>>): Values {
  return new Map(Object.entries(values).map(([key, value]) => [key, { value, label }]))
}

function from(label: string, keys: readonly string[] = ['x'], kind: TargetSource['kind'] = 'framework'): TargetSource {
  return { kind, label, keys, labels: {} }
}

describe('a database for tests', () => {
  it.each<[string, Candidate]>([
    ['a name', candidate({ database: 'shop_test' })],
    ['camel case', candidate({ database: 'shopTest' })],
    ['a name before', candidate({ database: 'test_shop' })],
    ['a glued name', candidate({ database: 'shoptest' })],
    ['specs', candidate({ database: 'shop-spec-3' })],
    ['CI', candidate({ database: 'shop_ci' })],
    ['a host', candidate({ host: 'test-db-1.lan' })],
    ['a SQLite file', file('/srv/shop/test.sqlite3')],
    ['the folder of a SQLite file', file('/srv/shop/tests/db.sqlite')],
    ['an env file', candidate({ source: { ...env, label: '.env.testing' } })],
    ['an env file laid over', candidate({}, { files: ['.env', '.env.test.local'] })],
    ['a key', candidate({ source: { ...env, keys: ['TEST_DATABASE_URL'] } })],
    ['APP_ENV in the file itself', candidate({}, { values: said('.env', { APP_ENV: 'testing' }) })],
    ["PHPUnit's configuration", candidate({ source: from('phpunit.xml') }, { files: [] })],
    ['a section of database.yml', candidate({ source: from('config/database.yml', ['test']) }, { files: [] })],
    [
      'an environment of knexfile.js',
      candidate(
        { source: from('knexfile.js') },
        { files: [], reason: 'knex seed:run uses knexfile.js, environment test' },
      ),
    ],
  ])('is known by %s', (_, one) => expect(isForTests(one)).toBe(true))

  it.each<[string, Candidate]>([
    ['nothing', candidate()],
    ['latest, contest, testimonials', candidate({ database: 'latest_contest_testimonials' })],
    [
      'the environment around it',
      candidate({}, { environment: { NODE_ENV: 'test' }, values: said('environment', { APP_ENV: 'testing' }) }),
    ],
    ['the command that is run', candidate({}, { reason: 'artisan test reads .env' })],
    [
      'a URL that goes over the section of tests',
      candidate({ source: from('environment', ['DATABASE_URL', 'test']) }, { files: [] }),
    ],
    [
      "Symfony's environment, without a file of it",
      candidate({}, { reason: 'phpunit runs in Symfony\'s environment "test"' }),
    ],
    ['a file of development', file('/srv/shop/development.sqlite3')],
    ['a folder whose name only holds such a word', file('/srv/contest-JGZbCI/shop.sqlite')],
  ])('is not known by %s', (_, one) => expect(isForTests(one)).toBe(false))

  it('is not known where another file names the same one for something else', () => {
    const testing = candidate({ source: { ...env, label: '.env.testing' } })
    expect(isForTests({ ...testing, alike: [candidate()] })).toBe(false)
    expect(isForTests({ ...testing, alike: [testing] })).toBe(true)
  })
})

describe('what the project file remembers', () => {
  const root = '/srv/shop'

  it.each<[Candidate, string]>([
    [candidate({ user: 'app' }), 'postgres://app@localhost:5432/shop'],
    [file('/srv/shop/db/dev file.sqlite3'), 'sqlite:db/dev%20file.sqlite3'],
    [file('/srv/other.sqlite3'), 'sqlite:///srv/other.sqlite3'],
  ])('is %#: %s', ({ target }, url) => {
    expect(rememberedAs(target, root)).toBe(url)
    expect(isRemembered(target, ['mysql://localhost/x', url], root)).toBe(true)
  })

  it('is the same database for another user, by another loopback name', () => {
    const { target } = candidate({ user: 'bob', host: '127.0.0.1' })
    expect(isRemembered(target, ['postgres://app@localhost:5432/shop'], root)).toBe(true)
  })

  it.each([
    'postgres://app@localhost:5433/shop',
    'postgres://app@db:5432/shop',
    'postgres://app@localhost:5432/shop2',
    'mysql://localhost:5432/shop',
  ])('is no other one: %s', (url) => expect(isRemembered(candidate().target, [url], root)).toBe(false))
})
