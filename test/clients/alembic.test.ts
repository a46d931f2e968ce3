import { expect, test } from 'vitest'
import { alembic } from '../../src/frameworks/alembic.ts'
import { databasesOf, recognition } from '../frameworks/recognising.ts'

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
