import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { drizzle } from '../../src/frameworks/drizzle.ts'
import { createDatabase, sql, urlOf } from '../servers/databases.ts'
import { openTerminal } from '../terminal.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import { type NodeStack, projectOf } from './node-stack.ts'

const stack: NodeStack = {
  name: 'drizzle',
  packages: ['drizzle-kit@0.31.11', 'drizzle-orm@0.45.4', 'pg@8.23.1', 'mysql2@3.24.5'],
}
const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`

readsAs(drizzle, stack, 'drizzle/typescript', [
  ['npx drizzle-kit migrate', asked('shop_dev')],
  ['drizzle-kit push', 'asked postgres://me@elsewhere:5432/mine', { DATABASE_URL: 'postgres://me@elsewhere/mine' }],
  ['drizzle-kit push --config=drizzle-test.config.ts', asked('shop_test')],
  ['dotenv -e .env.testing -- drizzle-kit migrate', asked('shop_test')],
  ['drizzle-kit migrate --config sqlite.json', 'asked sqlite://./shop.sqlite'],
  [
    'drizzle-kit push --dialect postgresql --url postgres://me@elsewhere/line --schema schema.ts',
    'rules postgres://me@elsewhere:5432/line',
  ],
  ['drizzle-kit migrate --config none.ts', 'unknown'],
  ['drizzle-kit generate', 'harmless'],
])

migrates(stack, 'drizzle/typescript', [
  { command: 'npx drizzle-kit migrate', changes: 'shop_dev' },
  { command: 'drizzle-kit migrate --config=drizzle-test.config.ts', changes: 'shop_test' },
  {
    command: 'drizzle-kit migrate',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ DATABASE_URL: shop_mine }),
  },
])

const required = `import { integer, pgTable, text } from 'drizzle-orm/pg-core'
export const users = pgTable('users', { id: integer().primaryKey(), name: text(), email: text().notNull() })
`

const users = `CREATE TABLE users (id integer PRIMARY KEY, name text);
  INSERT INTO users SELECT n, 'user ' || n FROM generate_series(1, 1204) n`

/** A shop of 1,204 users, and a schema that wants a column more of each. */
async function wantingColumn() {
  const server = inject('servers').postgres['15']
  const database = await createDatabase(server)
  await sql(server, database, users)
  const folder = await projectOf(stack, 'drizzle/typescript')
  await writeFile(join(folder, '.env'), `DATABASE_URL=${urlOf(server, database)}\n`)
  await rm(join(folder, '.env.testing'))
  await writeFile(join(folder, 'schema.ts'), required)
  const place = {
    cwd: folder,
    env: { PATH: `${folder}/node_modules/.bin:/usr/local/bin:/usr/bin:/bin`, HOME: folder },
    columns: 200,
  }
  const run = async (...words: string[]) => {
    const terminal = openTerminal([join(import.meta.dirname, '../../bin', words[0] ?? ''), ...words.slice(1)], place)
    return { ...(await terminal.exit), raw: terminal.raw(), screen: terminal.screen() }
  }
  const rows = async () => Number((await sql(server, database, 'SELECT count(*) AS n FROM users'))[0]?.['n'])
  return { folder, run, rows }
}

test('push --force empties a table to add a column, and ends with 0: it is said in red, and the way back works', async () => {
  const { folder, run, rows } = await wantingColumn()
  const pushed = await run('safe-migrate', 'npx', 'drizzle-kit', 'push', '--force')
  expect(pushed).toMatchObject({ code: 0, screen: expect.stringContaining('Changes applied') })
  expect(await rows()).toBe(0)
  expect(pushed.raw).toContain('\x1b[31musers  1,204 → 0 rows (all gone)\x1b[39m')
  const gone = '1,204 rows of users are gone, although the command reported success'
  expect(pushed.raw).toContain(`\x1b[31m${gone}\x1b[39m`)
  const [, backup = ''] =
    new RegExp(`^${gone}\n  To go back: \\S*/restore-database (\\S+)$`, 'm').exec(pushed.screen) ?? []
  expect(await run('restore-database', '--yes', backup)).toMatchObject({ code: 0 })
  expect(await rows()).toBe(1204)
  await rm(folder, { recursive: true })
})

test('push --force that empties a table ends with 3 under --fail-on-loss', async () => {
  const { folder, run } = await wantingColumn()
  const options = ['--fail-on-loss', '--report', 'report.json']
  expect(await run('safe-migrate', ...options, 'npx', 'drizzle-kit', 'push', '--force')).toMatchObject({ code: 3 })
  const report = JSON.parse(await readFile(join(folder, 'report.json'), 'utf8'))
  expect(report).toMatchObject({ exitCode: 3, outcome: { exitCode: 0 } })
  await rm(folder, { recursive: true })
})
