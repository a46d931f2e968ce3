import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { pytestSettings } from '../../src/frameworks/django/pytest-settings.ts'
import { django } from '../../src/frameworks/django.ts'
import { parseIni } from '../../src/frameworks/python/ini-file.ts'
import { interpreterOf } from '../../src/frameworks/python/interpreter.ts'
import { databasesOf, layouts } from './recognising.ts'

test.each([
  ['shop', 'python manage.py check', 'harmless'],
  ['shop', './manage.py migrate --plan', 'harmless'],
  ['shop', 'poetry run python manage.py makemigrations', 'harmless'],
  ['shop', 'python -m django diffsettings --settings shop.production', 'harmless'],
  ['shop', 'pytest --collect-only', 'harmless'],
  ['shop', 'python shop/settings.py', 'not its own'],
  ['plain', 'pytest', 'not its own'],
  ['plain', 'pytest tests', 'not its own'],
])('%s: %s is %s', async (folder, command, expected) => {
  expect(await databasesOf(django, { folder: `django/${folder}`, command })).toEqual([expected])
})

test('a Python that is not there is said', async () => {
  const question = { folder: 'django/shop', command: 'python manage.py migrate', environment: { PATH: '/nowhere' } }
  expect(await databasesOf(django, question)).toEqual(['unknown'])
})

describe('the settings of pytest', () => {
  const call = (folder: string, words: string, environment: Record<string, string> = {}) => ({
    words: words.split(' '),
    cwd: join(layouts, 'django', folder),
    environment,
    envFiles: [],
    via: [],
  })

  test.each([
    ['the ini file', 'shop', 'pytest', {}, 'shop.settings'],
    ['the variable', 'shop', 'pytest', { DJANGO_SETTINGS_MODULE: 'shop.production' }, 'shop.production'],
    ['--ds', 'shop', 'pytest --ds=shop.testing', { DJANGO_SETTINGS_MODULE: 'shop.production' }, 'shop.testing'],
    ['--ds of addopts', 'other', 'pytest', { DJANGO_SETTINGS_MODULE: 'shop.production' }, 'blog.testing'],
    ['a file above', 'shop/app', 'pytest', {}, 'shop.settings'],
    ['a file beside the tests', '.', 'pytest shop/app', {}, 'shop.settings'],
    ['a named file', '.', 'pytest -c external/setup.cfg', {}, 'blog.testing'],
    ['nothing', 'plain', 'pytest', {}, undefined],
  ])('%s', (_, folder, words, environment, module) => {
    expect(pytestSettings(call(folder, words, environment))?.module).toBe(module)
  })

  test('with the folders, the variables and the fixtures that count', () => {
    const other = pytestSettings(call('other', 'pytest'))
    expect(other?.environment).toEqual({ BLOG_DATABASE: 'from_pytest_env' })
    expect(other?.paths[0]).toBe(join(layouts, 'django/other/src'))
    expect(pytestSettings(call('other', 'pytest', { BLOG_DATABASE: 'x' }))?.environment).toEqual({})
    expect(pytestSettings(call('external', 'pytest'))?.overridden).toBe('conftest.py')
  })
})

describe('the interpreter', () => {
  const of = (words: string[], via: string[], environment: Record<string, string> = {}) =>
    interpreterOf({ words, via, environment, cwd: join(layouts, 'django/shop'), envFiles: [] })

  test.each([
    ['as named', ['manage.py'], ['/opt/py/bin/python3.12 manage.py x'], {}, '/opt/py/bin/python3.12', []],
    [
      'by its relative path',
      ['manage.py'],
      ['../py/bin/python manage.py'],
      {},
      join(layouts, 'django/py/bin/python'),
      [],
    ],
    ['from the PATH', ['manage.py'], ['python3 manage.py'], {}, 'python3', []],
    ['of the script', ['./manage.py'], [], {}, 'python3', []],
    ['of poetry', ['manage.py'], ['poetry run python manage.py', 'python manage.py'], {}, 'poetry', ['run', 'python']],
    [
      'of uv, which shall change nothing',
      ['pytest'],
      ['uv run pytest'],
      {},
      'uv',
      ['run', '--no-sync', '--offline', 'python'],
    ],
    ['else', ['nowhere'], [], {}, 'python3', []],
  ])('%s', (_, words, via, environment, program, before) => {
    expect(of(words, via, environment)).toEqual({ program, before })
  })
})

test('an ini file is read as configparser reads it', () => {
  const file = parseIni('; c\n[a]\nx = 1\ny: two\n  three\n# c\n  = four\n[b]\nx=\n')
  expect(Object.fromEntries(file.get('a') ?? [])).toEqual({ x: '1', y: 'two\nthree\n= four' })
  expect(file.get('b')?.get('x')).toBe('')
})
