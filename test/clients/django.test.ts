import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { django } from '../../src/frameworks/django.ts'
import { databasesOf, layouts, recognition } from '../frameworks/recognising.ts'
import { type Server, urlOf } from '../servers/databases.ts'
import { expectMigrated, projectWith, servers, type Trio, trioOn } from './migrating.ts'

const development = 'postgres://shop@127.0.0.1:5432/shop_dev'
const stock = 'mysql://stock@localhost:3306/stock_dev'
const tests = 'asked postgres://shop@127.0.0.1:5432/test_shop_dev mysql://stock@localhost:3306/stock_for_tests'
const production = 'postgres://shop@db.shop.example:5432/shop_live'

type Row = [folder: string, command: string, expected: string, environment?: Record<string, string>]

async function check(folder: string, command: string, expected: string, environment: Record<string, string> = {}) {
  const found = await databasesOf(django, { folder: `django/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('what the project’s own Python says', () => {
  test.each<Row>([
    ['shop', 'python3 manage.py migrate', `asked ${development}`],
    ['shop', './manage.py migrate --database=stock', `asked ${stock}`],
    ['shop', 'python3 manage.py migrate --database nowhere', 'unknown'],
    ['shop', 'python3 manage.py import_orders', `asked ${development} ${stock}`],
    ['shop', '/usr/bin/python3 manage.py flush --settings=shop.production', `asked ${production}`],
    ['shop', 'python3 manage.py flush', `asked ${production}`, { DJANGO_SETTINGS_MODULE: 'shop.production' }],
    [
      'shop',
      'python3 manage.py flush --settings shop.settings',
      `asked ${development}`,
      { DJANGO_SETTINGS_MODULE: 'shop.production' },
    ],
    ['shop', 'env SHOP_DATABASE=other python3 manage.py migrate', 'asked postgres://shop@127.0.0.1:5432/other'],
    ['.', 'python3 shop/manage.py migrate', `asked ${development}`],
    ['.', 'django-admin migrate --pythonpath shop --settings shop.production', `asked ${production}`],
    ['shop', 'python3 -m django migrate --settings shop.production', `asked ${production}`],
    ['shop', 'python3 manage.py migrate --settings=nowhere', 'unknown'],
    ['shop', 'python3 manage.py migrate --settings=shop.testing', 'asked sqlite://django/shop/shop/db.sqlite3'],
  ])('%s: %s → %s %o', (...row) => check(...row))
})

describe('tests', () => {
  test.each<Row>([
    // Neither .env.testing nor the development database.
    ['shop', 'python3 manage.py test', tests],
    ['shop', 'coverage run --source . manage.py test', tests],
    [
      'shop',
      'python3 manage.py test --settings=shop.production',
      'asked postgres://shop@db.shop.example:5432/test_shop_live',
    ],
    ['shop', 'python3 manage.py test --settings=shop.testing', 'asked sqlite://%3Amemory%3A'],
    [
      'shop',
      'python3 manage.py test --settings=shop.reused',
      `${tests.replace('asked', 'unknown')} ${development} ${stock}`,
    ],
    // Debian's Python has no pytest-django here: the tests may use the real ones.
    ['shop', 'python3 -m pytest', `${tests.replace('asked', 'unknown')} ${development} ${stock}`],
    ['other', 'python3 -m pytest', 'unknown postgres:///test_from_pytest_env postgres:///from_pytest_env'],
  ])('%s: %s → %s %o', (...row) => check(...row))
})

test('the password is there, and is not printed', async () => {
  const found = await recognition(django, { folder: 'django/shop', command: 'python3 manage.py migrate' })
  if (found?.state !== 'known' || found.candidates[0]?.target.engine !== 'postgres') throw new Error('not known')
  expect(found.candidates[0].target.password?.reveal()).toBe('p@ss/word')
  expect(JSON.stringify(found)).not.toContain('p@ss')
})

async function project(server: Server, names: Trio): Promise<string> {
  const engine = server.engine === 'postgres' ? 'postgresql' : 'mysql'
  const manage = await readFile(join(layouts, 'django/shop/manage.py'), 'utf8')
  return projectWith({
    'manage.py': manage.replace('#!/usr/bin/env python3', '#!/usr/bin/python3'),
    'shop/__init__.py': '',
    'shop/settings.py': `import os

SECRET_KEY = 'x'
INSTALLED_APPS = ['app']
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.${engine}', 'HOST': '${server.host}', 'PORT': ${server.port},
    'USER': '${server.superuser}', 'PASSWORD': '${server.password}',
    'NAME': os.environ.get('SHOP_DATABASE', '${names.development}'),
}}
`,
    'shop/staging.py': `from .settings import *

DATABASES['default']['NAME'] = '${names.testing}'
`,
    // The naive rule takes it; these settings read no env file.
    '.env': `DATABASE_URL=${urlOf(server, names.testing)}\n`,
    'app/__init__.py': '',
    'app/migrations/__init__.py': '',
    'app/migrations/0001_initial.py': `from django.db import migrations


class Migration(migrations.Migration):
    operations = [migrations.RunSQL('CREATE TABLE orders (id int)')]
`,
  })
}

describe.each(['PostgreSQL', 'MariaDB'])('migrates on %s', (name) => {
  test.each([
    ['development', ['/usr/bin/python3', 'manage.py', 'migrate'], {}],
    ['testing', ['./manage.py', 'migrate', '--settings=shop.staging'], {}],
    ['testing', ['/usr/bin/python3', '-m', 'django', 'migrate'], { DJANGO_SETTINGS_MODULE: 'shop.staging' }],
    ['exported', ['./manage.py', 'migrate'], { SHOP_DATABASE: 'exported' }],
  ] as const)('%s: %j %o', async (which, words, environment: Record<string, string>) => {
    const [, server] = servers().find(([one]) => one === name) ?? []
    if (server === undefined) throw new Error(name)
    const names = await trioOn(server)
    const folder = await project(server, names)
    const own = 'SHOP_DATABASE' in environment ? { SHOP_DATABASE: names.exported } : environment
    await expectMigrated(which, { server, names, folder, words, environment: own })
  })
})
