import { userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { drizzle } from '../../src/frameworks/drizzle.ts'
import type { Framework } from '../../src/frameworks/framework.ts'
import { knex } from '../../src/frameworks/knex.ts'
import { type Driver, engineOfClient, statedBySettings } from '../../src/frameworks/node-connection.ts'
import { nodePgMigrate } from '../../src/frameworks/node-pg-migrate.ts'
import { sequelize } from '../../src/frameworks/sequelize.ts'
import { typeorm } from '../../src/frameworks/typeorm.ts'
import { databasesOf } from './recognising.ts'

const me = userInfo().username
const driver = (engine: Driver['engine'], environment: Record<string, string> = {}): Driver => ({
  engine,
  folder: '/shop',
  environment: new Map(Object.entries(environment).map(([key, value]) => [key, { value, label: 'environment' }])),
})
const standard = { engine: 'postgres', host: 'localhost', port: 5432, user: me, database: me }

describe('what a driver of Node opens', () => {
  test.each([
    [{}, driver('postgres'), { ...standard, parameters: {} }],
    [
      {},
      driver('postgres', { PGHOST: '/tmp', PGPORT: '1', PGUSER: 'a' }),
      { engine: 'postgres', socket: '/tmp', port: 1, user: 'a', database: 'a', parameters: {} },
    ],
    [
      { host: 'h', database: 'd', user: 'u', ssl: true },
      driver('postgres', { PGDATABASE: 'other' }),
      { ...standard, host: 'h', database: 'd', user: 'u', parameters: { sslmode: 'require' } },
    ],
    [
      'postgres://u@h:1/d',
      driver('postgres', { PGPORT: '2' }),
      { engine: 'postgres', host: 'h', port: 1, user: 'u', database: 'd', parameters: {} },
    ],
    [
      { url: 'postgres://u@h/d', database: 'other' },
      driver('postgres'),
      { engine: 'postgres', host: 'h', port: 5432, user: 'u', database: 'd', parameters: {} },
    ],
    [
      { database: 'd' },
      driver('mysql', { PGHOST: 'no' }),
      { engine: 'mysql', host: '127.0.0.1', database: 'd', parameters: {} },
    ],
    [
      { database: 'd', socketPath: '/s' },
      driver('mysql'),
      { engine: 'mysql', socket: '/s', database: 'd', parameters: {} },
    ],
    [{ filename: './a.db' }, driver('sqlite'), { engine: 'sqlite', database: '/shop/a.db' }],
    [{ storage: ':memory:' }, driver('sqlite'), { engine: 'sqlite', database: ':memory:' }],
    [{ url: 'file:a.db' }, driver('sqlite'), { engine: 'sqlite', database: '/shop/a.db' }],
    [{ url: 'libsql://shop.turso.io' }, driver('sqlite'), { problem: 'names a database behind libsql:' }],
    [undefined, driver('postgres'), { problem: 'names no connection' }],
  ])('%j', (settings, by, expected) => {
    expect(statedBySettings(settings, by)).toEqual(expected)
  })

  test.each([
    ['pg', 'postgres'],
    ['pgnative', 'postgres'],
    ['mysql2', 'mysql'],
    ['better-sqlite3', 'sqlite'],
    ['mssql', undefined],
    ['cockroachdb', undefined],
  ])('the client %s is %s', (client, engine) => {
    expect(engineOfClient(client)).toBe(engine)
  })
})

describe('a tool that is not installed in the project cannot be asked', () => {
  test.each<[string, string, Framework]>([
    ['npx knex migrate:latest', 'knex/environments', knex],
    ['npx sequelize-cli db:migrate', 'sequelize/json', sequelize],
    ['typeorm migration:run -d data-source.js', 'typeorm/javascript', typeorm],
    ['node-pg-migrate up', 'node-pg-migrate/dotenv', nodePgMigrate],
    ['drizzle-kit push', 'drizzle/typescript', drizzle],
  ])('%s', async (command, folder, framework) => {
    expect(await databasesOf(framework, { folder, command })).toEqual(['unknown'])
    expect(await databasesOf(framework, { folder, command: 'prisma migrate deploy' })).toEqual(['not its own'])
  })
})
