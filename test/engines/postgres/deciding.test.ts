import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { chooseClient, knowsRestrict, versionedClients, versionIn } from '../../../src/engines/postgres/clients.ts'
import { type DumpPlan, dumpArguments } from '../../../src/engines/postgres/dump.ts'
import { nextSteps } from '../../../src/engines/postgres/dump-failure.ts'
import { fitStatement, type Here } from '../../../src/engines/postgres/fitting.ts'
import { loadArguments } from '../../../src/engines/postgres/load.ts'
import { clientEnvironment, defaultHost, type Login } from '../../../src/engines/postgres/login.ts'
import { boundedBytes, conninfo, displayName, partsOf, quoteLiteral } from '../../../src/engines/postgres/names.ts'
import { passwordIn } from '../../../src/engines/postgres/passfile.ts'
import { poolerHint, refusePooler } from '../../../src/engines/postgres/pooler.ts'
import { createDatabaseSql, mergedProperties, propertyStatements } from '../../../src/engines/postgres/properties.ts'
import { leftoverStep, markIn, markText, restoreNames } from '../../../src/engines/postgres/scratch.ts'
import { tlsAttempts, tlsChecks } from '../../../src/engines/postgres/tls.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { treeOf } from '../file-tree.ts'

const login: Login = { host: 'db', port: 5433, user: `o'x`, password: new Secret('hush'), parameters: {} }

const here: Here = {
  user: 'app',
  superuser: false,
  roles: new Set(['app', 'bob', 'Al Ice']),
  ownable: new Set(['app', 'Al Ice']),
  extensions: new Set(['uuid-ossp']),
  tablespaces: new Set(['fast']),
  settings: new Set(['statement_timeout', 'client_encoding']),
  foreignSchemas: new Set(['public']),
  schemas: new Set(['public']),
  foreignExtensions: new Set(['plpgsql']),
}

test('arguments of pg_dump and psql: names stay names, no password', () => {
  const plan = { login, database: `a=b 'c\\`, client: {}, facts: { encoding: 'UTF8' } } as DumpPlan
  const connection = String.raw`--dbname=host='db' port='5433' user='o\'x' dbname='a=b \'c\\'`
  expect(dumpArguments(plan, '0-1')).toEqual([
    '--no-password',
    '--lock-wait-timeout=30s',
    '--encoding=UTF8',
    '--snapshot=0-1',
    connection,
  ])
  expect(dumpArguments(plan, undefined).join()).not.toContain('snapshot')
  expect(loadArguments(login, `a=b 'c\\`)).toEqual([
    '--no-psqlrc',
    '--quiet',
    '--no-password',
    '--set=ON_ERROR_STOP=1',
    '--tuples-only',
    '--no-align',
    connection,
    '--file=-',
  ])
})

test('the environment of a client tool: ours alone, the password in it', () => {
  const environment = clientEnvironment(
    { PATH: '/bin', PGHOST: 'x', PGOPTIONS: '-c a=b', PSQLRC: 'y' },
    { ...login, parameters: { sslmode: 'require', options: 'endpoint=e' } },
    ['a=b'],
  )
  expect(environment).toMatchObject({
    PATH: '/bin',
    PGPASSWORD: 'hush',
    PGSSLMODE: 'require',
    PGOPTIONS: 'endpoint=e -c a=b',
    LC_ALL: 'C',
  })
  expect(environment).not.toHaveProperty('PGHOST')
  expect(environment).not.toHaveProperty('PSQLRC')
})

test.each([
  [15, [13, 15, 16], 15],
  [14, [13, 18, 16], 16],
  [18, [15, 17], undefined],
  [15, [], undefined],
])('client for server %i of %j is %s', (server, majors, chosen) => {
  expect(
    chooseClient(
      server,
      majors.map((major) => ({ major, folder: '' })),
    )?.major,
  ).toBe(chosen)
})

test.each([
  ['Debian', '/usr/lib/postgresql/15/bin/pg_dump', 15],
  ['PGDG on Red Hat', '/usr/pgsql-16/bin/pg_dump', 16],
  ['Software Collections', '/opt/rh/rh-postgresql13/root/usr/bin/pg_dump', 13],
  ['Alpine', '/usr/libexec/postgresql17/pg_dump', 17],
  ['an older Alpine', '/usr/libexec/postgresql-13/pg_dump', 13],
  ['SUSE', '/usr/lib/postgresql16/bin/pg_dump', 16],
  ['Gentoo', '/usr/lib64/postgresql-17/bin/pg_dump', 17],
  ['Void', '/usr/lib/psql16/bin/pg_dump', 16],
  ['Arch', '/opt/pgsql-15/bin/pg_dump', 15],
  ["EDB's installer", '/Library/PostgreSQL/16/bin/pg_dump', 16],
  ['Homebrew', '/opt/homebrew/opt/postgresql@17/bin/pg_dump', 17],
  ['Homebrew on Intel', '/usr/local/opt/postgresql@14/bin/pg_dump', 14],
  ['MacPorts', '/opt/local/lib/postgresql16/bin/pg_dump', 16],
  ['Postgres.app', '/Applications/Postgres.app/Contents/Versions/18/bin/pg_dump', 18],
  ['DBngin', '/Users/Shared/DBngin/postgresql/15.1/bin/pg_dump', 15],
  ['Windows', 'C:/Program Files/PostgreSQL/16/bin/pg_dump.exe', 16],
])('the client on %s: %s', (_, path, major) => {
  const others = ['/usr/lib/postgresql/12/bin/psql', '/usr/lib/postgresql/extra/bin/pg_dump']
  expect(versionedClients(treeOf([...others, path]))).toEqual([{ major, folder: dirname(path) }])
})

test('versions', () => {
  expect(versionIn('pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)')).toBe('15.18')
  const known = ['13.22', '14.19', '15.14', '16.10', '17.6', '18.0', '19beta1']
  expect(known.filter((version) => !knowsRestrict(version))).toEqual([])
  expect(['12.22', '13.21', '15.13', '17.5', ''].filter(knowsRestrict)).toEqual([])
})

test('names', () => {
  expect(displayName(['public', 'user$1'])).toBe('public.user$1')
  expect(displayName(['a.b', 'C"d'])).toBe('"a.b"."C""d"')
  expect(partsOf('"a.b"."C""d"')).toEqual(['a.b', 'C"d'])
  expect(quoteLiteral(`a'b`)).toBe(`'a''b'`)
  expect(quoteLiteral(`a\\'b`)).toBe(` E'a\\\\''b'`)
  expect(conninfo({ dbname: '' })).toBe(`dbname=''`)
  expect(boundedBytes('äöü', 5)).toBe('äö')
})

test('the place that is meant where none is named', () => {
  expect(defaultHost((path) => path === '/tmp/.s.PGSQL.5432', 5432)).toBe('/tmp')
  expect(defaultHost(() => false, 5432)).toBe('localhost')
})

test.each([
  [undefined, ['tls', 'plain']],
  ['allow', ['plain', 'tls']],
  ['disable', ['plain']],
  ['require', ['tls']],
  ['verify-full', ['tls']],
])('sslmode %s', (sslmode, attempts) => {
  expect(tlsAttempts({ host: 'x', parameters: sslmode === undefined ? {} : { sslmode } })).toEqual(attempts)
  expect(tlsAttempts({ host: '/tmp', parameters: sslmode === undefined ? {} : { sslmode } })).toEqual(['plain'])
})

test('what TLS verifies', () => {
  expect(tlsChecks({ sslmode: 'require' })).toEqual({ rejectUnauthorized: false, checksName: false })
  expect(tlsChecks({ sslmode: 'require', sslrootcert: 'x' })).toEqual({ rejectUnauthorized: true, checksName: false })
  expect(tlsChecks({ sslmode: 'verify-ca' })).toEqual({ rejectUnauthorized: true, checksName: false })
  expect(tlsChecks({ sslmode: 'verify-full' })).toEqual({ rejectUnauthorized: true, checksName: true })
})

test.each([
  ['h:5432:d:u:p', 'p'],
  ['# c\nx:*:*:*:no\nh:*:*:u:p\\:q\\\\r:s', 'p:q\\r:s'],
  ['h:5432:d:other:p', undefined],
  ['h:5432', undefined],
])('.pgpass %j', (text, password) => {
  expect(passwordIn(text, { host: 'h', port: 5432, database: 'd', user: 'u' })).toBe(password)
})

test('a pooler is one that answers with another process, and hints at it or answers two connections with one', async () => {
  const target = (changes: Partial<ServerTarget>) =>
    ({ host: 'h', port: 5432, parameters: {}, source: { label: '.env' }, ...changes }) as ServerTarget
  const answered = (answers: number, another?: number) => ({
    handshake: 1,
    answers,
    answersAnother: async () => another,
  })
  expect(poolerHint(target({}))).toBeUndefined()
  for (const changes of [{ host: 'ep-x-pooler.eu.neon.tech' }, { port: 6543 }, { parameters: { pgbouncer: 'true' } }]) {
    expect(poolerHint(target(changes))).toBeDefined()
    await expect(refusePooler(target(changes), answered(2, 3))).rejects.toThrow('connection pooler')
    await refusePooler(target(changes), answered(1, 1))
  }
  await expect(refusePooler(target({}), answered(2, 2))).rejects.toThrow('connection pooler')
  for (const another of [3, undefined]) await refusePooler(target({}), answered(2, another))
  await refusePooler(target({}), answered(1, 1))
})

describe('what this server can take', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['SET statement_timeout = 0', undefined],
    ['SET transaction_timeout = 0', 'this server has no setting transaction_timeout'],
    ["SET default_tablespace = ''", undefined],
    ['SET default_tablespace = fast', undefined],
    ['SET default_tablespace = slow', 'tablespace slow does not exist here'],
    ['ALTER TABLE public.t OWNER TO app', undefined],
    ['ALTER TABLE public.t OWNER TO "Al Ice"', undefined],
    ['ALTER FUNCTION public.f(a integer, b text) OWNER TO bob', 'app may not give objects to role bob: left to app'],
    ['ALTER TABLE t OWNER TO "no body"', 'owner "no body" does not exist here: left to app'],
    ['GRANT SELECT ON TABLE t TO bob', undefined],
    ['GRANT SELECT ON TABLE t TO PUBLIC', undefined],
    ['GRANT SELECT(a), UPDATE(b) ON TABLE "to" TO carl WITH GRANT OPTION', 'role carl does not exist here'],
    ['REVOKE ALL ON FUNCTION f() FROM carl', 'role carl does not exist here'],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA x GRANT SELECT ON TABLES TO bob', undefined],
    ['ALTER DEFAULT PRIVILEGES FOR ROLE bob GRANT SELECT ON TABLES TO app', 'default privileges of role bob'],
    ['CREATE EXTENSION IF NOT EXISTS "uuid-ossp" WITH SCHEMA public', undefined],
    ['CREATE EXTENSION IF NOT EXISTS postgis WITH SCHEMA public', 'extension postgis is not installed'],
    ['CREATE POLICY p ON t FOR SELECT TO bob, carl USING (true)', 'policy p is for role carl'],
    ['CREATE POLICY p ON t USING (true)', undefined],
    ['CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()', 'event trigger e needs a superuser'],
    ['CREATE DATABASE shop WITH TEMPLATE = template0', 'left out (create database)'],
    ['CREATE TABLE t (a int)', undefined],
  ]
  test.each(cases)('%s', (sql, note) => {
    const fit = fitStatement(`\n ${sql};`, here)
    if (note === undefined) expect(fit).toEqual({ kind: 'keep' })
    else expect(fit).toMatchObject({ note: expect.stringContaining(note) })
  })

  test.each([
    'BEGIN',
    'COMMIT',
    'CREATE SCHEMA public',
    "COMMENT ON SCHEMA public IS ''",
    "COMMENT ON EXTENSION plpgsql IS ''",
  ])('%s is left out in silence', (sql) => expect(fitStatement(`${sql};`, here)).toEqual({ kind: 'drop' }))
})

test('properties of the database', () => {
  const icu = { encoding: 'UTF8', collate: 'C', ctype: 'C', localeProvider: 'icu', locale: "de'", tablespace: 'fast' }
  expect(createDatabaseSql('x"y', icu, 15, here)).toBe(
    `CREATE DATABASE "x""y" TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de''' TABLESPACE "fast"`,
  )
  expect(createDatabaseSql('x', icu, 14, here)).not.toContain('ICU')
  expect(createDatabaseSql('x', {}, 18, here)).toBe('CREATE DATABASE "x" TEMPLATE template0')
  const settings = JSON.stringify([
    { role: null, name: 'search_path', value: '"$user", "a b", c' },
    { role: 'bob', name: 'work_mem', value: '8MB' },
  ])
  expect(
    propertyStatements('x', { owner: 'bob', connectionLimit: '-1', settings, grants: '[]' }, here).map(
      ({ sql }) => sql,
    ),
  ).toEqual([
    'ALTER DATABASE "x" OWNER TO "bob"',
    `ALTER DATABASE "x" SET "search_path" TO '$user', 'a b', 'c'`,
    `ALTER ROLE "bob" IN DATABASE "x" SET "work_mem" TO '8MB'`,
  ])
  expect(mergedProperties({ a: '1' }, { a: '2', b: '3' })).toEqual({ a: '1', b: '3', comment: '' })
})

test('the databases of a restore', () => {
  const names = restoreNames('ä'.repeat(40), '0123abcd')
  expect(Buffer.byteLength(names.former)).toBeLessThanOrEqual(63)
  expect(names.scratch).toBe(`${'ä'.repeat(20)}_seatbelt_0123abcd`)
  const mark = { role: 'scratch', database: 'shop', at: 'now' } as const
  expect(markIn(markText(mark))).toEqual(mark)
  expect(markIn('db-seatbelt restore: {"role":"x"}')).toBeUndefined()
  const shop = restoreNames('shop', '00000000')
  const other = { name: 'shop_seatbelt_1234abcd', sessions: 0, held: false, subscriptions: [], open: true }
  expect(leftoverStep({ ...other, comment: markText(mark) }, shop)).toBe('drop')
  expect(leftoverStep({ ...other, comment: markText(mark), sessions: 1 }, shop)).toBeUndefined()
  expect(leftoverStep({ ...other, comment: markText(mark), held: true }, shop)).toBeUndefined()
  expect(leftoverStep({ ...other, comment: markText({ ...mark, database: 'else' }) }, shop)).toBeUndefined()
  expect(leftoverStep({ ...other, comment: markText({ ...mark, role: 'former' }) }, shop)).toBe('former')
  expect(leftoverStep({ ...other, comment: 'mine' }, shop)).toBe('unmarked')
  expect(leftoverStep({ ...other, name: 'shop_seatbelt_backup', comment: '' }, shop)).toBeUndefined()
})

test.each([
  ['pg_dump: error: query failed: ERROR:  permission denied for table x', 'pg_read_all_data'],
  ['query would be affected by row-level security policy for table "x"', 'BYPASSRLS'],
  ['ERROR:  canceling statement due to lock timeout', 'holds a lock'],
  ['pg_dump: error: aborting because of server version mismatch', 'install the client tools of PostgreSQL 15'],
])('%s', (stderr, hint) => {
  expect(nextSteps(stderr, { login, facts: { major: 15 } } as DumpPlan).join()).toContain(hint)
})
