import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { resolved } from '../../src/frameworks/symfony/doctrine.ts'
import { symfony } from '../../src/frameworks/symfony.ts'
import { databasesOf, layouts, recognition } from './recognising.ts'

type Row = [folder: string, command: string, expected: string, environment?: Record<string, string>]

const development = 'postgres://me@127.0.0.1:5432/mine'
const testing = 'postgres://tester@127.0.0.1:5432/app_test'
const production = 'postgres://shop@db.example:5432/shop_production'
const plain = 'postgres://app@127.0.0.1:5432/app'
const exported = { DATABASE_URL: 'mysql://u@h/exported' }

async function check(folder: string, command: string, expected: string, environment: Record<string, string> = {}) {
  const found = await databasesOf(symfony, { folder: `symfony/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('the chain of env files', () => {
  test.each<Row>([
    // The naive rule takes .env.test, since it is there, or .env, over which .env.local goes.
    ['standard', 'php bin/console doctrine:migrations:migrate', `rules ${development}`],
    ['standard', 'bin/console doctrine:schema:drop --force', `rules ${development}`],
    ['standard', 'symfony console doctrine:database:drop', `rules ${development}`],
    ['standard', 'php bin/console app:own', `rules ${development}`],
    ['standard', 'bin/console doctrine:migrations:migrate --env=test', `rules ${testing}`],
    ['standard', 'bin/console doctrine:migrations:migrate --env test', `rules ${testing}`],
    ['standard', 'bin/console -e test doctrine:migrations:migrate', `rules ${testing}`],
    ['standard', 'bin/console doctrine:migrations:migrate -etest', `rules ${testing}`],
    ['standard', 'bin/console doctrine:migrations:migrate', `rules ${testing}`, { APP_ENV: 'test' }],
    ['standard', 'bin/console doctrine:migrations:migrate', `rules ${production}`, { APP_ENV: 'prod' }],
    ['standard', 'bin/console doctrine:migrations:migrate --env=test', `rules ${testing}`, { APP_ENV: 'prod' }],
    ['standard', 'bin/console doctrine:migrations:migrate', 'rules mysql://u@h:3306/exported', exported],
    ['standard', 'bin/console d:m:m --env=test', 'rules mysql://u@h:3306/exported_test', exported],
    ['standard/config', 'php ../bin/console doctrine:migrations:migrate', `rules ${development}`],
    ['.', 'bin/console doctrine:migrations:migrate', 'not its own'],
    ['local', 'bin/console doctrine:migrations:migrate', `rules ${development}`],
    // .env.local does not count in test.
    ['local', 'bin/console doctrine:migrations:migrate --env=test', `rules ${plain}_test`],
    ['runtime', 'bin/console doctrine:migrations:migrate', 'unknown'],
  ])('%s: %s → %s %o', check)
})

describe('tests', () => {
  test.each<Row>([
    ['standard', 'vendor/bin/phpunit', `rules ${testing}`],
    ['standard', 'php bin/phpunit', `rules ${testing}`],
    ['standard', 'vendor/bin/paratest', 'rules postgres://tester@127.0.0.1:5432/app_test7', { TEST_TOKEN: '7' }],
    // <server … force> wins over what is exported.
    ['standard', 'vendor/bin/phpunit', `rules ${testing}`, { APP_ENV: 'prod' }],
    ['standard', 'vendor/bin/phpunit', 'rules mysql://u@h:3306/exported_test', exported],
    // Without a bootstrap script no env file is read at all.
    ['standard', 'vendor/bin/phpunit --bootstrap vendor/autoload.php', 'unknown'],
    [
      'standard',
      'vendor/bin/phpunit --bootstrap vendor/autoload.php',
      'rules mysql://u@h:3306/exported_test',
      exported,
    ],
    ['emptying', 'vendor/bin/phpunit', 'unknown'],
  ])('%s: %s → %s %o', check)
})

describe('what Doctrine is configured with', () => {
  const logs = 'postgres://logs@logs.example:5432/logs'
  const main = 'mysql://app@127.0.0.1:3306/app'
  test.each<Row>([
    ['several', 'bin/console doctrine:migrations:migrate', `rules ${main}`],
    ['several', 'bin/console doctrine:schema:drop --em=audit', `rules ${logs}`],
    ['several', 'bin/console doctrine:database:drop --connection=logs', `rules ${logs}`],
    ['several', 'bin/console doctrine:migrations:migrate --conn logs', `rules ${logs}`],
    ['several', 'bin/console doctrine:database:drop --connection=none', 'unknown'],
    ['several', 'bin/console app:own', `rules ${main} ${logs}`],
    ['parts', 'bin/console doctrine:migrations:migrate', 'rules mysql://shop@db.local:3307/parts'],
    ['parts', 'bin/console doctrine:migrations:migrate --env=prod', 'unknown'],
    ['parts', 'bin/console doctrine:migrations:migrate --env=memory', 'rules sqlite://%3Amemory%3A'],
    ['php-config', 'bin/console doctrine:migrations:migrate', `unknown sqlite://symfony/php-config/var/data.db`],
    ['bare', 'bin/console doctrine:migrations:migrate', `unknown sqlite://symfony/bare/var/data.db`],
  ])('%s: %s → %s', check)

  test('a SQLite file takes no suffix, and an environment may have a folder of its own', async () => {
    await check(
      'several',
      'bin/console doctrine:schema:create --env=test',
      'rules sqlite://symfony/several/var/test.db',
    )
  })

  test.each<readonly [string, string | undefined]>([
    ['%env(A)%', 'a'],
    ['%env(resolve:B)%', '/app/x'],
    ['x%%y', 'x%y'],
    ['_test%env(default::NONE)%', '_test'],
    ['%env(default:fallback:NONE)%', undefined],
    ['%env(default:fallback:A)%', 'a'],
    ['%env(string:A)%', 'a'],
    ['%env(json:A)%', undefined],
    ['%env(key:x:json:A)%', undefined],
    ['%env(NONE)%', undefined],
    ['%own.parameter%', undefined],
    ['%kernel.environment%', 'dev'],
  ])('%s → %s', (text, expected) => {
    const variables: Record<string, string> = { A: 'a', B: '%kernel.project_dir%/x' }
    const variable = (name: string) => variables[name]
    expect(resolved(text, { variable, base: '/app', environment: 'dev' })).toBe(expected)
  })
})

describe('a frozen environment', () => {
  test('only PHP can read it', async () => {
    const found = await recognition(symfony, { folder: 'symfony/frozen', command: 'bin/console doctrine:schema:drop' })
    expect(found).toMatchObject({ state: 'unknown', because: expect.stringContaining('.env.local.php') })
  })
})

describe('the answer of PHP', () => {
  const answered = {
    environment: 'prod',
    frozen: true,
    values: { DATABASE_URL: 'mysql://u@h/frozen', APP_ENV: 'prod' },
  }

  test.each<readonly [string, object]>([
    ['asked mysql://u@h:3306/frozen', answered],
    ['asked mysql://u@h:3306/frozen_test', { ...answered, environment: 'test' }],
    [`rules ${plain}`, { nonsense: true }],
  ])('%s', async (expected, said) => {
    const environment = { PATH: `${join(layouts, 'laravel/answering')}:/usr/bin:/bin`, ANSWER: JSON.stringify(said) }
    const question = { folder: 'symfony/asked', command: 'bin/console doctrine:schema:drop', environment }
    expect((await databasesOf(symfony, question)).join(' ')).toBe(expected)
  })
})

describe('what is certain to touch nothing', () => {
  test.each<Row>([
    ['standard', 'bin/console', 'harmless'],
    ['standard', 'bin/console debug:router', 'harmless'],
    ['standard', 'bin/console doctrine:schema:drop --help', 'harmless'],
    ['standard', 'bin/console cache:clear', `rules ${development}`],
    ['standard', 'bin/console app:x -- --help', `rules ${development}`],
  ])('%s: %s → %s', check)
})
