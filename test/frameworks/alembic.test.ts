import { expect, test } from 'vitest'
import { alembic } from '../../src/frameworks/alembic.ts'
import { databasesOf } from './recognising.ts'

const noPython = { PATH: '/nowhere' }

test.each([
  ['generic', 'alembic revision --sql', 'unknown postgres://app@127.0.0.1:5432/shop_dev'],
  ['generic', 'alembic heads', 'harmless'],
  ['generic', 'alembic upgrade head --sql', 'harmless'],
  ['generic', 'poetry run alembic show head', 'harmless'],
  ['generic', 'python -m alembic -c production.ini init x', 'harmless'],
  ['generic', 'alembicx upgrade', 'not its own'],
])('%s: %s is %s', async (folder, command, expected) => {
  const found = await databasesOf(alembic, { folder: `alembic/${folder}`, command, environment: noPython })
  expect(found.join(' ').replace('rules', 'unknown')).toBe(expected)
})

// Where Python cannot be asked, the ini counts alone if env.py is the template's own.
test.each([
  ['generic', 'alembic upgrade head', 'rules postgres://app@127.0.0.1:5432/shop_dev'],
  ['generic', 'alembic -c production.ini upgrade head', 'rules postgres://app@db.shop.example:5432/shop_live'],
  ['generic', 'alembic -n testing upgrade head', 'rules mysql://app@127.0.0.1:3306/shop_test'],
  ['generic', 'alembic -n local upgrade head', 'rules sqlite://alembic/generic/data/local.db'],
  ['generic', 'alembic -n relative upgrade head', 'rules sqlite://alembic/generic/data/local.db'],
  ['async', 'alembic upgrade head', 'rules sqlite:///var/lib/shop/async.db'],
  ['decides', 'alembic upgrade head', 'unknown postgres://app@127.0.0.1:5432/never_used'],
  ['multidb', 'alembic upgrade head', 'unknown'],
])('without Python, %s: %s → %s', async (folder, command, expected) => {
  const found = await databasesOf(alembic, { folder: `alembic/${folder}`, command, environment: noPython })
  expect(found.join(' ')).toBe(expected)
})
