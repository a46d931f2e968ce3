import { describe, expect, test } from 'vitest'
import { shortVersion } from '../../../src/engines/mysql/catalogue.ts'
import { chooseClient, type Program, programOf } from '../../../src/engines/mysql/client.ts'
import { clientEnvironment } from '../../../src/engines/mysql/client-environment.ts'
import { dumpArguments } from '../../../src/engines/mysql/dump-arguments.ts'
import { loadArguments, readsSandboxLine } from '../../../src/engines/mysql/load.ts'
import { lockName } from '../../../src/engines/mysql/lock.ts'
import { besideName, isBeside, labelOf } from '../../../src/engines/mysql/names.ts'
import { optionsText } from '../../../src/engines/mysql/options-file.ts'
import { rightsOf } from '../../../src/engines/mysql/rights.ts'
import { routesOf } from '../../../src/engines/mysql/route.ts'
import { tlsOf } from '../../../src/engines/mysql/tls.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'

const source = { kind: 'flag', label: '--database-url', keys: [], labels: {} } as const
const target = (changes: Partial<ServerTarget> = {}): ServerTarget => ({
  engine: 'mysql',
  host: 'db',
  port: 3306,
  database: 'shop',
  user: 'app',
  parameters: {},
  source,
  ...changes,
})
const program = (flavour: Program['flavour'], version: string): Program => ({
  name: 'x',
  path: `/bin/${flavour}`,
  version,
  flavour,
})
const mariadb = program('mariadb', '10.11.19')

describe('the client', () => {
  test.each([
    ['mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)', 'mariadb', '10.11.19'],
    ['mariadb-dump from 11.8.3-MariaDB, client 10.19 for debian-linux-gnu (x86_64)', 'mariadb', '11.8.3'],
    ['mysqldump  Ver 9.7.0 for Linux on x86_64 (MySQL Community Server - GPL)', 'mysql', '9.7.0'],
    ['mysqldump  Ver 10.13 Distrib 5.7.44, for Linux (x86_64)', 'mysql', '5.7.44'],
  ])('%s', (line, flavour, version) => {
    expect(programOf('/usr/bin/mysqldump', line)).toEqual({
      name: 'mysqldump',
      path: '/usr/bin/mysqldump',
      flavour,
      version,
    })
  })

  test.each([
    '/usr/bin/mysqldump',
    'C:/Program Files/MySQL/MySQL Server 8.0/bin/mysqldump.exe',
    'C:\\x\\MYSQLDUMP.EXE',
  ])('is named without its folder: %s', (path) => {
    expect(programOf(path, 'mysqldump  Ver 8.0.36 for Win64')?.name.toLowerCase()).toBe('mysqldump')
  })

  test.each([
    ['its own flavour', [program('mysql', '8.0.36'), mariadb], 'dump', 'mariadb', '10.11.19', mariadb],
    ['no MariaDB for MySQL 8', [mariadb], 'dump', 'mysql', '8.0.36', { unfit: [mariadb] }],
    [
      'no MySQL 9 for MariaDB',
      [program('mysql', '9.7.0')],
      'dump',
      'mariadb',
      '10.11.19',
      { unfit: [program('mysql', '9.7.0')] },
    ],
    ['nothing', [], 'load', 'mysql', '8.0.36', { unfit: [] }],
  ] as const)('chosen: %s', (_, programs, role, flavour, version, choice) => {
    expect(chooseClient(programs, role, { flavour, version })).toEqual(choice)
  })

  test('dumps everything and names no database', () => {
    const request = {
      program: mariadb,
      server: { flavour: 'mariadb', version: '10.11' },
      optionsFile: '/o',
      database: '-x',
      history: true,
      without: ['v', 'a b'],
    } as const
    const own = dumpArguments(request)
    expect(own[0]).toBe('--defaults-file=/o')
    expect(own.slice(-5)).toEqual(['--dump-history', '--ignore-table=-x.v', '--ignore-table=-x.a b', '--', '-x'])
    for (const option of ['--single-transaction', '--routines', '--events', '--triggers', '--hex-blob'])
      expect(own).toContain(option)
    expect(own.join(' ')).not.toMatch(/gtid|column-statistics|databases/)
    const oracle = dumpArguments({
      ...request,
      program: program('mysql', '8.4.0'),
      server: { flavour: 'mysql', version: '8.4.0' },
      history: false,
      without: [],
    })
    expect(oracle).toContain('--set-gtid-purged=OFF')
    expect(oracle).toContain('--column-statistics=0')
  })

  test('loads bytes as they are, and takes a name for no option', () => {
    expect(loadArguments('/o', '--force')).toEqual(expect.arrayContaining(['--binary-mode']))
    expect(loadArguments('/o', '--force').slice(-2)).toEqual(['--', '--force'])
  })

  test.each([
    ['10.11.8', true],
    ['10.11.7', false],
    ['11.8.3', true],
    ['11.3.9', false],
    ['12.0.1', true],
  ])('MariaDB %s and the sandbox: %s', (version, reads) => {
    expect(readsSandboxLine({ flavour: 'mariadb', version })).toBe(reads)
  })

  test('its options file holds any password', () => {
    const password = new Secret(`a"b\\c#d$e'f;[x] \n`)
    const text = optionsText(
      { target: target({ password }), route: { kind: 'tcp', host: '::1', port: 3307 }, encrypted: false },
      mariadb,
    )
    expect(text).toBe(
      '[client]\nuser="app"\npassword="a\\"b\\\\c#d$e\'f;[x] \\n"\nprotocol="tcp"\nhost="::1"\nport="3307"\nskip-ssl\n',
    )
  })
})

test.each([
  [{}, { mode: 'prefer' }],
  [{ sslmode: 'require' }, { mode: 'require' }],
  [
    { 'ssl-mode': 'VERIFY_IDENTITY', 'ssl-ca': '/ca' },
    { mode: 'verify-full', ca: '/ca' },
  ],
  [{ sslrootcert: '/ca' }, { mode: 'verify-ca', ca: '/ca' }],
  [{ ssl: '{"rejectUnauthorized":false}' }, { mode: 'require' }],
  [{ ssl: '{"rejectUnauthorized":true}' }, { mode: 'verify-full' }],
  [{ sslaccept: 'strict' }, { mode: 'verify-full' }],
  [{ tls: 'skip-verify' }, { mode: 'require' }],
  [{ sslmode: 'whatever' }, { mode: 'verify-full' }],
  [{ useSSL: 'false' }, { mode: 'disable' }],
] as const)('TLS of %o', (parameters, tls) => {
  expect(tlsOf(parameters)).toEqual(tls)
})

test('variables that lead a client elsewhere do not reach it', () => {
  const environment = { PATH: '/bin', MYSQL_PWD: 'x', MYSQL_UNIX_PORT: '/s', MARIADB_HOST: 'h', MYSQLX: 'stays' }
  expect(clientEnvironment(environment)).toEqual({ PATH: '/bin', MYSQLX: 'stays' })
})

describe('the way to the server', () => {
  const tcp = (host: string) => ({ kind: 'tcp', host, port: 3306 })
  const socket = (path: string) => ({ kind: 'socket', path })
  test.each([
    ['localhost with a socket', target({ host: 'localhost' }), [socket('/run/mysqld/mysqld.sock'), tcp('localhost')]],
    ['an address', target({ host: '127.0.0.1' }), [tcp('127.0.0.1')]],
    ['IPv6', target({ host: '::1' }), [tcp('::1')]],
    ['a socket', target({ host: 'localhost', socket: '/s' }), [socket('/s')]],
  ])('%s', (_, place, routes) => {
    expect(routesOf(place, {}, (path) => path === '/run/mysqld/mysqld.sock')).toEqual(routes)
  })

  test('localhost without a socket is TCP', () => {
    expect(routesOf(target({ host: 'localhost' }), {}, () => false)).toEqual([tcp('localhost')])
  })
})

test('rights are read from SHOW GRANTS', () => {
  const rights = rightsOf([
    "GRANT USAGE ON *.* TO `u`@`%` IDENTIFIED BY PASSWORD '*0'",
    'GRANT SELECT, INSERT (`a`, `b`), TRIGGER ON `shop\\_x%`.* TO `u`@`%`',
    'GRANT ALL PRIVILEGES ON `a.b``c`.* TO `u`@`%` WITH GRANT OPTION',
    'GRANT SELECT ON `mysql`.`proc` TO `u`@`%`',
    'GRANT `role` TO `u`@`%`',
  ])
  expect(rights.has('TRIGGER', 'shop_xy')).toBe(true)
  expect(rights.has('TRIGGER', 'shopaxy')).toBe(false)
  expect(rights.has('INSERT', 'shop_x')).toBe(false)
  expect(rights.has('EVENT', 'a.b`c')).toBe(true)
  expect(rights.has('SELECT', 'mysql')).toBe(false)
  expect(rights.hasOnTable('SELECT', 'mysql', 'proc')).toBe(true)
  expect(rightsOf(['GRANT ALL PRIVILEGES ON *.* TO `root`@`%`']).has('SUPER', '*')).toBe(true)
})

test('what is granted everywhere may be taken back for one database', () => {
  const rights = rightsOf([
    'GRANT SELECT, EVENT, TRIGGER ON *.* TO `app`@`%`',
    'GRANT SELECT ON `own`.* TO `app`@`%`',
    'REVOKE EVENT, TRIGGER ON `sh``op`.* FROM `app`@`%`',
    'REVOKE SELECT ON `own`.* FROM `app`@`%`',
  ])
  expect(rights.has('TRIGGER', 'Sh`op')).toBe(false)
  expect(rights.hasOnTable('EVENT', 'sh`op', 't')).toBe(false)
  expect(rights.has('SELECT', 'sh`op')).toBe(true)
  expect(rights.has('TRIGGER', 'shop')).toBe(true)
  expect(rights.has('TRIGGER', '*')).toBe(true)
  expect(rights.has('SELECT', 'own')).toBe(true)
})

test('names stay within 64 characters and are known again', () => {
  for (const live of ['shop', 'x'.repeat(64), 'é'.repeat(60)]) {
    const name = besideName(live, '0123abcd', 'new')
    expect(Array.from(name).length).toBeLessThanOrEqual(64)
    expect(isBeside(live, name)).toBe(true)
  }
  expect(isBeside('shop', besideName('shop2', '0123abcd', 'new'))).toBe(false)
  expect(isBeside('shop', 'shop_seatbelt_plans')).toBe(false)
  expect(lockName('x'.repeat(64)).length).toBeLessThanOrEqual(64)
  expect(lockName('a')).not.toBe(lockName('b'))
  expect(labelOf('order-items')).toBe('`order-items`')
})

test.each([
  ['10.11.19-MariaDB-0+deb12u1', '10.11.19-MariaDB'],
  ['5.5.5-10.4.1-MariaDB', '10.4.1-MariaDB'],
  ['8.0.36-0ubuntu0.22.04.1', '8.0.36'],
  ['9.7.0', '9.7.0'],
])('version %s', (long, short) => {
  expect(shortVersion(long)).toBe(short)
})
