import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { laravel } from '../../src/frameworks/laravel.ts'
import { databasesOf } from '../frameworks/recognising.ts'
import { type Server, urlOf } from '../servers/databases.ts'
import { connectionOf, environmentFile, laravelApplication, phpunitXml } from './laravel-application.ts'
import { databasesWithOrders, expectMigrated, type Migration, servers, type Trio, trioOn } from './migrating.ts'

const run = promisify(execFile)

type Case = {
  readonly title: string
  readonly command: string
  readonly uses: keyof Trio
  readonly environment?: (names: Trio, server: Server) => Record<string, string>
  readonly files?: (names: Trio, server: Server) => Record<string, string>
}

const testingFile = (names: Trio, server: Server) => ({
  '.env.testing': environmentFile(server, names.testing, 'testing'),
})
const exported = (names: Trio) => ({ DB_DATABASE: names.exported })
const inPhpunit = (element: string) => (names: Trio) => ({
  'phpunit.xml': phpunitXml(`<${element} name="DB_DATABASE" value="${names.testing}"`.concat(' force="true"/>')),
})

const cases: readonly Case[] = [
  // The naive rule takes .env.testing, since it is there.
  { title: '.env', command: 'php artisan migrate --force', uses: 'development', files: testingFile },
  { title: '--env=', command: 'php artisan migrate --force --env=testing', uses: 'testing', files: testingFile },
  { title: '--env', command: 'php artisan --env testing migrate --force', uses: 'testing', files: testingFile },
  {
    title: 'APP_ENV',
    command: 'php artisan migrate --force',
    uses: 'testing',
    files: testingFile,
    environment: () => ({ APP_ENV: 'testing' }),
  },
  { title: 'a file that is not there', command: 'php artisan migrate --force --env=staging', uses: 'development' },
  {
    title: 'an exported variable',
    command: 'php artisan migrate --force --env=testing',
    uses: 'exported',
    files: testingFile,
    environment: exported,
  },
  {
    title: 'DB_URL',
    command: 'php artisan migrate --force',
    uses: 'exported',
    environment: (names, server) => ({ DB_URL: urlOf(server, names.exported).replace(/^\w+/, connectionOf(server)) }),
  },
  {
    title: '--database',
    command: 'php artisan migrate --force --database=second',
    uses: 'exported',
    environment: (names) => ({ SECOND_DATABASE: names.exported }),
  },
  { title: 'tests with a file of their own', command: 'phpunit', uses: 'testing', files: testingFile },
  // The incident.
  { title: 'tests without', command: 'phpunit', uses: 'development' },
  { title: 'phpunit.xml', command: 'phpunit', uses: 'testing', files: inPhpunit('env') },
  // `force` changes $_ENV and getenv(); Laravel asks $_SERVER first.
  {
    title: 'phpunit.xml, exported',
    command: 'phpunit',
    uses: 'exported',
    files: inPhpunit('env'),
    environment: exported,
  },
  {
    title: '<server>, exported',
    command: 'phpunit',
    uses: 'testing',
    files: inPhpunit('server'),
    environment: exported,
  },
]

async function prepared(server: Server, one: Case): Promise<Migration> {
  const names = await trioOn(server)
  const folder = await laravelApplication(server, names, one.files?.(names, server))
  return { server, names, folder, words: one.command.split(' '), environment: one.environment?.(names, server) ?? {} }
}

describe.each(['PostgreSQL', 'MariaDB'])('on %s', (name) => {
  const server = () => servers().find(([label]) => label === name)?.[1] as Server

  test.each(cases)('names what is used: $title', async (one) => {
    const { names, folder, words, environment } = await prepared(server(), one)
    const found = await databasesOf(laravel, { folder, command: one.command, environment: environment ?? {} })
    expect(found.map((text) => text.replace(/^.*\//, ''))).toEqual(['asked', names[one.uses]])
    await run(words[0] ?? '', words.slice(1), { cwd: folder, env: { PATH: '/usr/bin:/bin', ...environment } })
    expect(await databasesWithOrders(server(), names)).toEqual([names[one.uses]])
  })

  test.each(cases)('backs up what is used: $title', async (one) => {
    await expectMigrated(one.uses, await prepared(server(), one))
  })

  test('a cached configuration reads no env file, and no test runs on it', async () => {
    const files = testingFile
    const migration = await prepared(server(), {
      title: '',
      command: 'php artisan config:cache',
      uses: 'development',
      files,
    })
    const { folder, names } = migration
    await run('php', ['artisan', 'config:cache'], { cwd: folder, env: { PATH: '/usr/bin:/bin' } })
    const command = 'php artisan migrate --force --env=testing'
    const found = await databasesOf(laravel, { folder, command })
    expect(found.map((text) => text.replace(/^.*\//, ''))).toEqual(['asked', names.development])
    expect(await databasesOf(laravel, { folder, command: 'phpunit' })).toEqual(['refused'])
    await run('php', command.split(' ').slice(1), { cwd: folder, env: { PATH: '/usr/bin:/bin' } })
    expect(await databasesWithOrders(server(), names)).toEqual([names.development])
  })
})
