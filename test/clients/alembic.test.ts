import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { alembic } from '../../src/frameworks/alembic.ts'
import { databasesOf, layouts, recognition } from '../frameworks/recognising.ts'
import { type Server, urlOf } from '../servers/databases.ts'
import { expectMigrated, projectWith, servers, type Trio, trioOn } from './migrating.ts'

type Row = [folder: string, command: string, expected: string, environment?: Record<string, string>]

test.each<Row>([
  ['generic', 'python3 -m alembic upgrade head', 'asked postgres://app@127.0.0.1:5432/shop_dev'],
  [
    'generic',
    'python3 -m alembic -c production.ini upgrade head',
    'asked postgres://app@db.shop.example:5432/shop_live',
  ],
  [
    'generic',
    'python3 -m alembic upgrade head',
    'asked postgres://app@db.shop.example:5432/shop_live',
    { ALEMBIC_CONFIG: 'production.ini' },
  ],
  ['generic', 'python3 -m alembic -n testing downgrade -1', 'asked mysql://app@127.0.0.1:3306/shop_test'],
  ['generic', 'python3 -m alembic --name=local stamp head', 'asked sqlite://alembic/generic/data/local.db'],
  ['.', 'python3 -m alembic -c generic/alembic.ini -n local current', 'unknown sqlite://alembic/generic/data/local.db'],
  ['generic', 'python3 -m alembic -n relative upgrade head', 'asked sqlite://alembic/generic/data/local.db'],
  // The variable is not read by this env.py, whatever the general rule would say.
  [
    'generic',
    'python3 -m alembic upgrade head',
    'asked postgres://app@127.0.0.1:5432/shop_dev',
    { DATABASE_URL: 'postgresql://x@y/z' },
  ],
  ['generic', 'python3 -m alembic upgrade head', 'asked postgres://app@127.0.0.1:5432/shop_dev', { PGHOST: 'other' }],
  [
    'multidb',
    'python3 -m alembic upgrade head',
    'asked postgres://me@pg.example:5432/shop_dev mysql://app@localhost/stock?socket=/run/x.sock',
    { PGHOST: 'pg.example', PGUSER: 'me' },
  ],
  [
    'multidb',
    'python3 -m alembic revision --autogenerate -m x',
    'asked postgres:///shop_dev mysql://app@localhost/stock?socket=/run/x.sock',
  ],
  // env.py decides: not the ini's URL.
  ['decides', 'python3 -m alembic upgrade head', 'asked postgres://app@10.1.2.3:5432/app_dev'],
  [
    'decides',
    'python3 -m alembic upgrade head',
    'asked postgres://u@10.1.2.3:5432/exported',
    { DATABASE_URL: 'postgresql://u:p@ignored/exported' },
  ],
  [
    'decides',
    'python3 -m alembic -x tenant=acme upgrade head',
    'asked postgres://app@10.1.2.3:5432/app_dev mysql://tenants@db:3306/acme',
  ],
  ['generic', 'python3 -m alembic -c nowhere.ini upgrade head', 'unknown'],
])('%s: %s → %s %o', async (folder, command, expected, environment = {}) => {
  const found = await databasesOf(alembic, { folder: `alembic/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
})

test('what env.py gives the driver is kept, and not printed', async () => {
  const found = await recognition(alembic, { folder: 'alembic/generic', command: 'python3 -m alembic upgrade head' })
  if (found?.state !== 'known' || found.candidates[0]?.target.engine !== 'postgres')
    throw new Error(JSON.stringify(found))
  expect(found.candidates[0].target.password?.reveal()).toBe('pa@ss')
  expect(JSON.stringify(found)).not.toContain('pa@ss')
  const decided = await recognition(alembic, { folder: 'alembic/decides', command: 'python3 -m alembic upgrade head' })
  expect(decided).toMatchObject({ candidates: [{ target: { parameters: { sslmode: 'require' } } }] })
})

async function project(server: Server, names: Trio): Promise<string> {
  const url = (name: string) =>
    urlOf(server, name).replace(/^\w+:/, server.engine === 'postgres' ? 'postgresql:' : 'mysql+pymysql:')
  const environmentFile = await readFile(join(layouts, 'alembic/generic/migrations/env.py'), 'utf8')
  return projectWith({
    'alembic.ini': `[alembic]
script_location = migrations
sqlalchemy.url = ${url(names.development).replaceAll('%', '%%')}

[testing]
script_location = migrations
sqlalchemy.url = ${url(names.testing).replaceAll('%', '%%')}

[loggers]
keys = root
[handlers]
keys =
[formatters]
keys =
[logger_root]
level = WARN
handlers =
`,
    // The naive rule takes it; this env.py reads the variable alone.
    '.env': `DATABASE_URL=${urlOf(server, names.testing)}\n`,
    'migrations/env.py': environmentFile.replace(
      'config = context.config\n',
      "config = context.config\nimport os\nif 'SHOP_URL' in os.environ:\n    config.set_main_option('sqlalchemy.url', os.environ['SHOP_URL'])\n",
    ),
    'migrations/script.py.mako': '',
    'migrations/versions/1_orders.py': `from alembic import op

revision = '1'
down_revision = None


def upgrade():
    op.execute('CREATE TABLE orders (id int)')
`,
  })
}

describe.each(['PostgreSQL', 'MariaDB'])('migrates on %s', (name) => {
  const start = ['/usr/bin/python3', '-m', 'alembic']
  test.each([
    ['development', [...start, 'upgrade', 'head'], false],
    ['testing', [...start, '--name', 'testing', 'upgrade', 'head'], false],
    ['exported', [...start, 'upgrade', 'head'], true],
  ] as const)('%s: %j', async (which, words, over) => {
    const [, server] = servers().find(([one]) => one === name) ?? []
    if (server === undefined) throw new Error(name)
    const names = await trioOn(server)
    const folder = await project(server, names)
    const scheme = server.engine === 'postgres' ? 'postgresql:' : 'mysql+pymysql:'
    const environment = over ? { SHOP_URL: urlOf(server, names.exported).replace(/^\w+:/, scheme) } : {}
    await expectMigrated(which, { server, names, folder, words, environment })
  })
})
