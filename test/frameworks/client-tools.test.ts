import { userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { clientTools } from '../../src/frameworks/client-tools.ts'
import { readConninfo } from '../../src/frameworks/conninfo.ts'
import { serviceIn } from '../../src/frameworks/postgres-service.ts'
import { databasesOf, layouts, recognition } from './recognising.ts'

type Row = { command: string; expected: string; environment?: Record<string, string> }

const me = userInfo().username
const somewhere = { PGHOST: 'db.example', PGPORT: '5433', PGUSER: 'app', PGDATABASE: 'shop_env' }
const services = { PGSERVICEFILE: `${layouts}/clients/pg_service.conf` }

const drops = ['postgres', 'shop', 'Quo"ted', 'later'].map((name) => `postgres://app@/${encodeURIComponent(name)}`)

const uses = ['shop', 'od`d', 'made', 'gone', 'deeper'].map(
  (name) => `mysql://app@db.example:3306/${encodeURIComponent(name)}`,
)

async function check({ command, expected, environment = {} }: Row): Promise<void> {
  const found = await databasesOf(clientTools, { folder: 'clients', command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('PostgreSQL', () => {
  test.each<Row>([
    { command: 'psql', expected: `rules postgres://${me}@/${me}` },
    { command: 'psql shop', expected: `rules postgres://${me}@/shop` },
    { command: 'psql shop app', expected: 'rules postgres://app@/shop' },
    { command: 'psql -d shop app', expected: 'rules postgres://app@/shop' },
    { command: 'psql -U app', expected: 'rules postgres://app@/app' },
    { command: 'psql -h db.example -p5433 -Uapp shop', expected: 'rules postgres://app@db.example:5433/shop' },
    { command: 'psql --host=/tmp --dbname=shop -U app', expected: 'rules postgres://app@/shop?host=/tmp&port=5432' },
    { command: 'psql -XAtc true shop -U app', expected: 'rules postgres://app@/shop' },
    { command: 'psql', expected: 'rules postgres://app@db.example:5433/shop_env', environment: somewhere },
    { command: 'psql other', expected: 'rules postgres://app@db.example:5433/other', environment: somewhere },
    { command: 'psql postgres://x@y/z', expected: 'rules postgres://x@y:5433/z', environment: somewhere },
    { command: 'psql -h ignored host=y', expected: `rules postgres://${me}@y:5432/${me}` },
    { command: 'psql dbname=z', expected: 'rules postgres://app@db.example:5433/z', environment: somewhere },
    // psql reads no env file: the naive rule would name the database of .env.
    { command: 'psql -U app shop -f x.sql', expected: 'rules postgres://app@/shop' },
    { command: 'dotenv -e .env -- psql -U app', expected: 'rules postgres://app@db.example:5432/shop_env' },
    {
      command: 'psql service=shop',
      expected: 'rules postgres://app@db.example:5433/shop_service',
      environment: services,
    },
    {
      command: 'psql',
      expected: 'rules postgres://app@db.example:5433/shop_service',
      environment: { ...services, PGSERVICE: 'shop' },
    },
    { command: 'psql service=none', expected: 'unknown', environment: services },
    { command: 'psql -h a,b shop', expected: 'unknown' },
    { command: 'psql -U app shop -f elsewhere.sql', expected: 'rules postgres://app@/shop postgres://app@/other' },
    { command: 'psql -U app shop -f includes.sql', expected: 'rules postgres://app@/shop postgres://app@/other' },
    { command: 'psql -U app shop -f variable.sql', expected: 'unknown postgres://app@/shop' },
    { command: 'psql -U app shop -f /dev/null', expected: 'rules postgres://app@/shop' },
    { command: 'psql -U app postgres -f /dev/null', expected: 'unknown postgres://app@/postgres' },
    { command: 'psql -U app postgres -f x.sql', expected: 'rules postgres://app@/postgres' },
    { command: 'psql -U app postgres -f drops.sql', expected: `rules ${drops.join(' ')}` },
    { command: 'psql -U app postgres', expected: 'unknown postgres://app@/postgres' },
    { command: 'npm run reset', expected: `rules ${drops.join(' ')}` },
    { command: 'npm run piped', expected: 'unknown postgres://app@/postgres' },
    { command: 'psql -l', expected: 'harmless' },
    { command: 'pg_restore -d shop -U app x.dump', expected: 'rules postgres://app@/shop' },
    { command: 'pg_restore -C -d postgres -U app none.dump', expected: 'unknown postgres://app@/postgres' },
    { command: 'pg_restore -f - x.dump', expected: 'harmless' },
    { command: 'dropdb -h db.example -U app shop', expected: 'rules postgres://app@db.example:5432/shop' },
    { command: 'pg_dump shop', expected: 'harmless' },
    { command: 'createdb shop', expected: 'harmless' },
  ])('$command → $expected $environment', check)
})

describe('MySQL and MariaDB', () => {
  const socket = '?socket=/run/mysqld/mysqld.sock'
  test.each<Row>([
    { command: 'mysql -u app shop', expected: `rules mysql://app@localhost/shop${socket}` },
    { command: 'mysql -uapp -psecret -D shop -h db.example', expected: 'rules mysql://app@db.example:3306/shop' },
    { command: 'mysql -h db.example -P 3307 --user=app -p shop', expected: 'rules mysql://app@db.example:3307/shop' },
    { command: 'mysql -u app -S /tmp/x.sock shop', expected: 'rules mysql://app@localhost/shop?socket=/tmp/x.sock' },
    { command: 'mysql -u app --protocol=tcp shop', expected: 'rules mysql://app@127.0.0.1:3306/shop' },
    { command: 'mariadb -u app -P 3307 shop', expected: 'rules mysql://app@127.0.0.1:3307/shop' },
    { command: 'mysql --defaults-file=my.cnf', expected: 'rules mysql://app@db.example:3306/shop_file' },
    { command: 'mysql --defaults-file=my.cnf -h 127.0.0.1 other', expected: 'rules mysql://app@127.0.0.1:3306/other' },
    {
      command: 'mysql -u app shop',
      expected: 'rules mysql://app@db.example:3306/shop',
      environment: { MYSQL_HOST: 'db.example' },
    },
    { command: 'mysql -u app', expected: 'unknown' },
    { command: 'mysql -u app shop -e use_no', expected: `rules mysql://app@localhost/shop${socket}` },
    { command: 'npm run load', expected: `rules ${uses.join(' ')}` },
    { command: 'mysql -u app -h db.example -e USE`other`', expected: 'unknown mysql://app@db.example:3306/other' },
    { command: 'mysqladmin -u app -h db.example drop shop', expected: 'rules mysql://app@db.example:3306/shop' },
    { command: 'mysqladmin status', expected: 'harmless' },
    { command: 'mysqldump shop', expected: 'harmless' },
  ])('$command → $expected $environment', check)

  test('the password of an option file is used and never shown', async () => {
    const found = await recognition(clientTools, { folder: 'clients', command: 'mysql --defaults-file=my.cnf' })
    const [candidate] = found !== undefined && 'candidates' in found ? found.candidates : []
    expect(candidate?.target).toHaveProperty('password')
    expect(JSON.stringify(found)).not.toContain('se cret')
    expect(candidate?.target.engine === 'mysql' && candidate.target.password?.reveal()).toBe('se cret')
  })
})

describe('SQLite', () => {
  test.each<Row>([
    { command: 'sqlite3 shop.db', expected: 'rules sqlite://clients/shop.db' },
    { command: 'sqlite3 -cmd .timeout shop.db select', expected: 'rules sqlite://clients/shop.db' },
    { command: 'sqlite3 -bail file:shop.db?mode=rw', expected: 'rules sqlite://clients/shop.db' },
    { command: 'sqlite3', expected: 'rules sqlite://%3Amemory%3A' },
    { command: 'sqlite3 shop.db attach', expected: 'unknown sqlite://clients/shop.db' },
    { command: 'sqlite3 -readonly shop.db', expected: 'harmless' },
  ])('$command → $expected', check)
})

test.each([
  ['host=a port=1', { host: 'a', port: '1' }],
  ["dbname = 'my \\'shop' password=a\\ b", { dbname: "my 'shop", password: 'a b' }],
  ["user='' host=b", { user: '', host: 'b' }],
])('the keywords of %s', (text, expected) => {
  expect(readConninfo(text)).toEqual(expected)
})

test.each([
  ['shop', { host: 'a', password: 'x=y # z' }],
  ['other', { dbname: 'b' }],
  ['none', undefined],
])('the service %s', (name, expected) => {
  expect(serviceIn('# shop\n[shop]\nhost=a\n# user=x\npassword=x=y # z\n\n[other]\ndbname=b\n', name)).toEqual(expected)
})
