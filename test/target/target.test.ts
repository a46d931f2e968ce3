import { describe, expect, it } from 'vitest'
import { targetOfUrl } from '../../src/target/resolve.ts'
import { Secret } from '../../src/target/secret.ts'
import {
  identityOf,
  type ServerTarget,
  shortName,
  type Target,
  type TargetSource,
  urlOf,
} from '../../src/target/target.ts'

const source: TargetSource = { kind: 'environment', label: 'environment', keys: ['DATABASE_URL'], labels: {} }

function server(parts: Partial<ServerTarget> = {}): ServerTarget {
  return { engine: 'postgres', host: 'db', port: 5432, database: 'shop', parameters: {}, source, ...parts }
}

function sqlite(database: string): Target {
  return { engine: 'sqlite', database, source }
}

function identityOfUrl(url: string): string {
  const target = targetOfUrl(url, '/elsewhere', 'test')
  if ('problem' in target) throw new Error(target.problem)
  return identityOf(target)
}

const hostile = [
  'shop',
  'a b',
  ' a ',
  "o'brien",
  'say "x"',
  '$x',
  'a;b',
  '-x',
  '--',
  'a\nb',
  'a\tb',
  '商店',
  'Ünïcode',
  'a/b',
  '../x',
  'a@b',
  'a:b',
  'a?b=c',
  'a#b',
  '%41',
  '100%',
  '%',
  'a%2Fb',
  'a+b',
  'a&b',
  'a=b',
  '[x]',
  'a,b',
  '\\',
  '`',
  '{}',
  '.',
  '..',
  '\x1b[31m',
  '🙂',
]

describe('the URL of a target', () => {
  it.each(hostile)('leads back to the database %j', (database) => {
    for (const target of [server({ database, user: 'app' }), server({ engine: 'mysql', port: 3306, database })]) {
      expect(identityOfUrl(urlOf(target))).toBe(identityOf(target))
      expect(targetOfUrl(urlOf(target), '/', 'test')).toMatchObject({ database })
    }
  })

  it.each(hostile)('keeps the user %j', (user) => {
    expect(targetOfUrl(urlOf(server({ user })), '/', 'test')).toMatchObject({ user, host: 'db', database: 'shop' })
  })

  it.each(hostile)('leads back to the SQLite file %j', (name) => {
    const target = sqlite(`/srv/data${name}/${name}`)
    expect(identityOfUrl(urlOf(target))).toBe(identityOf(target))
  })

  it.each<[string, ServerTarget]>([
    ['an IPv6 address', server({ host: '2001:db8::7' })],
    ['an IPv6 address with a zone', server({ host: 'fe80::1%eth0' })],
    ['another port', server({ port: 6000 })],
    ['a PostgreSQL socket', server({ socket: '/var/run/post gres', port: 5433 })],
    ['the default socket', omitHost(server())],
    ['the default socket with another port', omitHost(server({ port: 5433 }))],
    ['a MySQL socket', server({ engine: 'mysql', socket: '/run/my&sql?.sock', port: 3307 })],
    ['localhost', server({ engine: 'mysql', host: 'localhost', port: 3306 })],
  ])('leads back to %s', (_, target) => {
    expect(identityOfUrl(urlOf(target))).toBe(identityOf(target))
  })

  it('leads back to a database in memory', () => {
    expect(targetOfUrl(urlOf(sqlite(':memory:')), '/', 'test')).toMatchObject({ database: ':memory:' })
  })

  it('holds no password and no parameter', () => {
    const target = server({ user: 'app', password: new Secret('geheim'), parameters: { sslpassword: 'geheim' } })
    expect(urlOf(target)).toBe('postgres://app@db:5432/shop')
  })
})

function omitHost({ host: _, ...target }: ServerTarget): ServerTarget {
  return target
}

describe('two targets are one database', () => {
  it.each<[string, Target, Target]>([
    ['whoever the user is', server({ user: 'app' }), server({ user: 'root' })],
    ['whatever the case of the host', server({ host: 'DB.example' }), server({ host: 'db.example' })],
    ['on any loopback name of PostgreSQL', server({ host: 'localhost' }), server({ host: '::1' })],
    ['on one MySQL socket, whatever port stands beside', mysqlSocket(3306), mysqlSocket(3307)],
  ])('%s', (_, one, other) => {
    expect(identityOf(one)).toBe(identityOf(other))
  })

  it.each<[string, Target, Target]>([
    ['another name', server(), server({ database: 'shop_test' })],
    ['another case of the name', server(), server({ database: 'Shop' })],
    ['another host', server(), server({ host: 'db2' })],
    ['another port', server(), server({ port: 5433 })],
    ['another engine', server({ port: 3306 }), server({ engine: 'mysql', port: 3306 })],
    ['another port of a PostgreSQL socket', server({ socket: '/tmp' }), server({ socket: '/tmp', port: 5433 })],
    ['MySQL over its socket and over TCP', mysqlOn('localhost'), mysqlOn('127.0.0.1')],
    ['another file', sqlite('/a/shop.db'), sqlite('/b/shop.db')],
    ['another project behind one pooler', pooled('postgres.one'), pooled('postgres.two')],
  ])('but not with %s', (_, one, other) => {
    expect(identityOf(one)).not.toBe(identityOf(other))
  })
})

function mysqlSocket(port: number): Target {
  return server({ engine: 'mysql', socket: '/run/m.sock', port })
}

function mysqlOn(host: string): Target {
  return server({ engine: 'mysql', host, port: 3306 })
}

function pooled(user: string): Target {
  return server({ host: 'aws-0-eu-central-1.pooler.supabase.com', port: 6543, database: 'postgres', user })
}

describe('the short name', () => {
  it.each<[Target, string]>([
    [server(), 'shop'],
    [sqlite('/srv/shop.sqlite'), 'shop.sqlite'],
    [sqlite(':memory:'), ':memory:'],
  ])('of %j is %s', (target, name) => expect(shortName(target)).toBe(name))
})
