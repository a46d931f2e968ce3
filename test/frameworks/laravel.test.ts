import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectionsNamed, laravelUse } from '../../src/frameworks/laravel/command.ts'
import { type ConnectionSettings, statedBy } from '../../src/frameworks/laravel/connection.ts'
import { laravel } from '../../src/frameworks/laravel.ts'
import { databasesOf, layouts, recognition } from './recognising.ts'

type Row = [folder: string, command: string, expected: string, environment?: Record<string, string>]

const development = 'mysql://shop@127.0.0.1:3306/shop'
const testing = 'mysql://shop@127.0.0.1:3306/shop_test'
const staging = 'postgres://shop@127.0.0.1:5433/shop_staging'
const named = (name: string) => `mysql://shop@127.0.0.1:3306/${name}`
const memory = 'sqlite://%3Amemory%3A'

async function check(
  folder: string,
  command: string,
  expected: string,
  environment: Record<string, string> = {},
): Promise<void> {
  const found = await databasesOf(laravel, { folder: `laravel/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('one env file, never merged', () => {
  test.each<Row>([
    // The naive rule takes .env.testing, since it is there.
    ['standard', 'php artisan migrate', `rules ${development}`],
    ['standard', './artisan migrate:fresh --seed', `rules ${development}`],
    ['standard', 'php artisan app:own-command', `rules ${development}`],
    ['standard', 'php artisan tinker', `rules ${development}`],
    ['standard', 'php artisan migrate --env=testing', `rules ${testing}`],
    ['standard', 'php artisan migrate --env testing', `rules ${testing}`],
    ['standard', 'php artisan --env testing migrate', `rules ${testing}`],
    ['standard', 'php artisan migrate', `rules ${testing}`, { APP_ENV: 'testing' }],
    ['standard', 'env APP_ENV=staging php artisan db:wipe', `rules ${staging}`],
    ['standard', 'php artisan migrate --env=testing', `rules ${testing}`, { APP_ENV: 'staging' }],
    // No file of that name: the one of APP_ENV, else .env.
    ['standard', 'php artisan migrate --env=production', `rules ${development}`],
    ['standard', 'php artisan migrate --env=production', `rules ${staging}`, { APP_ENV: 'staging' }],
    ['standard', 'php artisan migrate', `rules ${named('exported')}`, { DB_DATABASE: 'exported' }],
    ['standard', 'php artisan migrate --env=testing', `rules ${named('exported')}`, { DB_DATABASE: 'exported' }],
    ['standard/config', 'php ../artisan migrate', `rules ${development}`],
    ['standard', 'npx dotenv -e .env.staging -- php artisan migrate', `rules ${staging}`],
    ['standard', 'php8.2 -d memory_limit=-1 artisan migrate', `rules ${development}`],
  ])('%s: %s → %s %o', check)
})

describe('tests', () => {
  test.each<Row>([
    ['standard', 'php artisan test', `rules ${testing}`],
    ['standard', 'vendor/bin/phpunit --filter Shop', `rules ${testing}`],
    ['standard', 'vendor/bin/pest', `rules ${testing}`],
    ['standard', 'php vendor/bin/paratest -p4', `rules ${testing}`],
    // phpunit.xml's APP_ENV loses to an exported one, and with it the file.
    ['standard', 'vendor/bin/phpunit', `rules ${development}`, { APP_ENV: 'local' }],
    ['standard', 'vendor/bin/phpunit', `rules ${named('exported')}`, { DB_DATABASE: 'exported' }],
    ['standard', 'vendor/bin/phpunit -c other.xml', `rules ${named('from_server')}`, { DB_DATABASE: 'exported' }],
    ['standard', 'vendor/bin/phpunit --configuration=other.xml', `rules ${named('from_server')}`],
    ['standard', 'vendor/bin/phpunit -cother.xml', `rules ${named('from_server')}`],
    ['standard', 'vendor/bin/phpunit --no-configuration', `rules ${development}`],
    // The incident: nothing but .env names a database.
    ['no-testing-file', 'php artisan test', `rules ${development}`],
    ['memory', 'php artisan test', `rules ${memory}`],
    ['memory', 'vendor/bin/phpunit', `rules ${memory}`],
    ['memory', 'vendor/bin/phpunit', 'rules mysql://shop@127.0.0.1:3306/%3Amemory%3A', { DB_CONNECTION: 'mysql' }],
    // What --env read is in the environment of the tests, and phpunit.xml does not win over it.
    ['memory', 'php artisan test --env=testing', `rules ${testing}`],
    ['memory', 'php artisan test --env=local', `rules ${development}`],
    ['forced', 'vendor/bin/phpunit', 'rules mysql://shop@10.0.0.9:3306/forced_test'],
    // Laravel asks $_SERVER first, which `force` does not change; <server> does.
    [
      'forced',
      'vendor/bin/phpunit',
      'rules mysql://shop@10.0.0.9:3306/exported',
      { DB_DATABASE: 'exported', DB_HOST: 'x' },
    ],
    ['dist', 'vendor/bin/phpunit', `unknown ${named('dist_test')}`],
    ['dist', 'vendor/bin/phpunit --bootstrap vendor/autoload.php', `rules ${named('dist_test')}`],
  ])('%s: %s → %s %o', check)

  test('in several processes there are databases that are not named', async () => {
    const found = await recognition(laravel, { folder: 'laravel/standard', command: 'php artisan test --parallel' })
    expect(found).toMatchObject({ notes: [expect.anything(), expect.stringContaining('<name>_test_<number>')] })
  })
})

describe('the standard configuration', () => {
  const whole = 'mysql://u@h:3306/whole'
  test.each<Row>([
    ['url', 'php artisan migrate', 'rules postgres://app@db.example:6000/by_url'],
    ['bare', 'php artisan migrate', `rules sqlite://${'bare/database/database.sqlite'}`],
    ['bare', 'php artisan migrate --env=nothing', 'unknown'],
    ['bare', 'php artisan migrate --env=own', 'unknown'],
    ['bare', 'php artisan migrate --env=both', `unknown ${whole} mysql://127.0.0.1:3306/parts`],
    ['standard', 'php artisan migrate --database=pgsql', 'rules postgres://shop@127.0.0.1:3306/shop'],
  ])('%s: %s → %s', async (folder, command, expected) => {
    const found = await databasesOf(laravel, { folder: `laravel/${folder}`, command })
    expect(found.join(' ').replace('sqlite://laravel/', 'sqlite://')).toBe(expected)
  })
})

describe('what is certain to touch nothing, and what is not its own', () => {
  test.each<Row>([
    ['standard', 'php artisan', 'harmless'],
    ['standard', 'php artisan route:list', 'harmless'],
    ['standard', 'php artisan migrate --help', 'harmless'],
    ['standard', 'php artisan --version', 'harmless'],
    ['standard', 'php artisan app:x -- --help', `rules ${development}`],
    ['standard', 'php artisan optimize:clear', `rules ${development}`],
    ['.', 'php artisan migrate', 'not its own'],
    ['.', 'vendor/bin/phpunit', 'not its own'],
    ['standard', 'psql shop', 'not its own'],
    ['standard', 'php artisan dusk', `unknown ${development}`],
    ['standard', 'vendor/bin/sail artisan migrate', `unknown ${development}`, { DB_DATABASE: 'not-in-there' }],
    ['standard', 'sail test', `unknown ${testing}`],
    ['standard', 'sail pest', `unknown ${testing}`],
    ['standard', 'sail down -v', `unknown ${development}`],
  ])('%s: %s → %s', check)
})

describe('a cached configuration', () => {
  test.each<Row>([
    ['cached', 'php artisan migrate --env=testing', 'unknown'],
    ['cached', 'php artisan test', 'refused'],
    ['cached', 'vendor/bin/phpunit', 'refused'],
    ['cached', 'vendor/bin/pest', 'refused'],
    ['cached', 'vendor/bin/phpunit', `rules ${testing}`, { APP_CONFIG_CACHE: 'bootstrap/cache/another.php' }],
    ['standard', 'vendor/bin/phpunit', 'refused', { APP_CONFIG_CACHE: '../cached/bootstrap/cache/config.php' }],
  ])('%s: %s → %s %o', check)

  test('the refusal names the file and the way on', async () => {
    const found = await recognition(laravel, { folder: 'laravel/cached', command: 'php artisan test' })
    expect(found).toMatchObject({
      text: {
        what: expect.stringContaining('cached configuration'),
        why: [expect.stringContaining('bootstrap/cache/config.php')],
        next: ['php artisan config:clear', expect.anything()],
      },
    })
  })
})

describe('the answer of PHP', () => {
  const folder = join(layouts, 'laravel/asked')
  const connections = {
    mysql: { driver: 'mysql', host: '10.1.1.1', port: '3307', database: 'shop', username: 'u', password: 'p' },
    other: { driver: 'pgsql', host: 'pg', port: 5432, database: 'other', username: 'u' },
    many: { driver: 'mysql', write: { host: ['w1', 'w2'] }, host: 'x', database: 'shop', port: 1, username: 'u' },
    sqlsrv: { driver: 'sqlsrv', database: 'shop' },
  }
  const answer = { envFile: `${folder}/.env`, cached: null, environment: 'local', default: 'mysql', connections }

  test.each<readonly [command: string, expected: string, answer: object]>([
    ['php artisan migrate', 'asked mysql://u@10.1.1.1:3307/shop', answer],
    ['php artisan migrate --database=other', 'asked postgres://u@pg:5432/other', answer],
    ['php artisan own --database=other', 'asked mysql://u@10.1.1.1:3307/shop postgres://u@pg:5432/other', answer],
    ['php artisan db other', 'asked postgres://u@pg:5432/other', answer],
    ['php artisan migrate --database=many', 'asked mysql://u@w1:1/shop mysql://u@w2:1/shop', answer],
    ['php artisan migrate --database=sqlsrv', 'unknown', answer],
    ['php artisan migrate --database=none', 'unknown', answer],
    ['php artisan migrate', 'asked postgres://u@pg:5432/other', { ...answer, default: 'other' }],
    [
      'php artisan migrate',
      'asked mysql://u@10.1.1.1:3307/shop',
      { ...answer, cached: `${folder}/c.php`, envFile: '' },
    ],
    ['php artisan test', 'refused', { ...answer, cached: `${folder}/c.php`, envFile: '' }],
    [
      'php artisan test',
      'asked mysql://u@10.1.1.1:3307/shop',
      { ...answer, cached: `${folder}/c.php`, environment: 'testing' },
    ],
    ['php artisan migrate', `rules ${development}`, { nonsense: true }],
  ])('%s → %s', async (command, expected, said) => {
    const environment = { PATH: `${join(layouts, 'laravel/answering')}:/usr/bin:/bin`, ANSWER: JSON.stringify(said) }
    const found = await databasesOf(laravel, { folder: 'laravel/asked', command, environment })
    expect(found.join(' ')).toBe(expected)
  })

  test('says where it was read', async () => {
    const environment = { PATH: `${join(layouts, 'laravel/answering')}:/bin`, ANSWER: JSON.stringify(answer) }
    const found = await recognition(laravel, { folder: 'laravel/asked', command: 'php artisan migrate', environment })
    expect(found).toMatchObject({
      candidates: [{ reason: 'artisan migrate reads .env', files: ['.env'], target: { source: { label: '.env' } } }],
    })
  })

  test('is not waited for longer than five seconds', async () => {
    const environment = { PATH: `${join(layouts, 'laravel/hanging')}:/bin:/usr/bin` }
    const started = performance.now()
    const found = await recognition(laravel, { folder: 'laravel/asked', command: 'php artisan migrate', environment })
    expect(performance.now() - started).toBeLessThan(20_000)
    expect(found).toMatchObject({ state: 'known', by: 'rules', notes: [expect.stringContaining("Laravel's rules")] })
  })
})

describe('what the words say', () => {
  test.each<readonly [string, readonly (string | undefined)[]]>([
    ['artisan migrate', [undefined]],
    ['artisan migrate --database=mysql::write', ['mysql']],
    ['artisan db:wipe --database pgsql', ['pgsql']],
    ['artisan db --env=x pgsql', ['pgsql']],
    ['artisan db', [undefined]],
    ['artisan test --database=x', [undefined]],
  ])('%s → %o', (command, expected) => {
    const use = laravelUse({ words: command.split(' '), cwd: '/app' })
    expect(use && connectionsNamed(use)).toEqual(expected)
  })

  test.each<readonly [string, ConnectionSettings, object]>([
    ['a socket', { driver: 'mysql', unix_socket: '/s', host: 'h', database: 'd' }, [{ socket: '/s' }]],
    ['several readers only', { driver: 'mysql', host: 'h', database: 'd' }, [{ host: 'h' }]],
    [
      'a list of writers',
      { driver: 'pgsql', database: 'd', write: [{ host: 'a' }, { host: 'b' }] },
      [{ host: 'a' }, { host: 'b' }],
    ],
    ['in memory', { driver: 'sqlite', database: 'file:x?mode=memory' }, [{ database: ':memory:' }]],
    ['a relative file', { driver: 'sqlite', database: 'x.sqlite' }, [{ database: '/app/x.sqlite' }]],
    ['no database', { driver: 'pgsql', database: null }, { problem: 'names no database' }],
    ['TLS', { driver: 'pgsql', database: 'd', sslmode: 'require' }, [{ parameters: { sslmode: 'require' } }]],
  ])('%s', (_, settings, expected) => {
    expect(statedBy(settings, '/app', '/app/public')).toMatchObject(expected)
  })
})
