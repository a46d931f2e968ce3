import { describe, expect, test } from 'vitest'
import { prisma } from '../../src/frameworks/prisma.ts'
import { datasourceIn } from '../../src/frameworks/prisma-schema.ts'
import { databasesOf } from './recognising.ts'

const rules = (name: string) => `rules postgres://app@db.example:5432/${name}`
const exported = { DIRECT_URL: 'postgres://me@elsewhere/mine' }

type Row = { folder: string; command: string; expected: string; environment?: Record<string, string> }

async function check({ folder, command, expected, environment = {} }: Row): Promise<void> {
  const found = await databasesOf(prisma, { folder: `prisma/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('Prisma 6 loads env files itself', () => {
  test.each<Row>([
    // The root's .env wins over prisma/.env, and directUrl is what migrations use.
    { folder: 'six', command: 'npx prisma migrate deploy', expected: rules('shop_dev') },
    { folder: 'six', command: 'prisma db push --accept-data-loss', expected: rules('shop_dev') },
    {
      folder: 'six',
      command: 'prisma migrate reset --force',
      expected: 'rules postgres://me@elsewhere:5432/mine',
      environment: exported,
    },
    { folder: 'six', command: 'dotenv -e .env.testing -- prisma migrate deploy', expected: rules('shop_test') },
    { folder: 'six', command: 'prisma db seed', expected: 'rules postgres://app@pooler.example:6543/shop_dev' },
    {
      folder: 'six',
      command: 'prisma migrate deploy --schema prisma/sqlite.prisma',
      expected: 'rules sqlite://prisma/six/prisma/dev.db',
    },
    {
      folder: 'six',
      command: 'prisma migrate deploy --schema=prisma/mysql.prisma',
      expected: 'rules mysql://app@127.0.0.1:3306/shop',
    },
    { folder: 'six', command: 'prisma migrate deploy --schema prisma/accelerate.prisma', expected: 'unknown' },
    { folder: 'six', command: 'prisma migrate deploy --schema prisma/mongo.prisma', expected: 'unknown' },
    {
      folder: 'six',
      command: 'prisma db execute --file x.sql --url postgres://x@y/z',
      expected: 'rules postgres://x@y:5432/z',
    },
    { folder: 'six-folder', command: 'prisma migrate deploy', expected: rules('shop_dev') },
    {
      folder: 'six-folder',
      command: 'prisma migrate deploy',
      expected: 'rules postgres://me@elsewhere:5432/mine',
      environment: { DATABASE_URL: 'postgres://me@elsewhere/mine' },
    },
    { folder: 'six-conflict', command: 'prisma migrate deploy', expected: 'unknown' },
    { folder: 'clients', command: 'prisma migrate deploy', expected: 'unknown' },
  ])('$folder: $command → $expected $environment', check)
})

test.each(['generate', 'format', 'validate', 'version', 'migrate status', 'db pull', 'migrate reset --help'])(
  'prisma %s changes nothing',
  (command) => check({ folder: 'six', command: `prisma ${command}`, expected: 'harmless' }),
)

test('a program of another name is not its own', () =>
  check({ folder: 'six', command: 'knex x', expected: 'not its own' }))

test.each([
  ['datasource db {\n  provider = "mysql"\n  url = env("A")\n}', { provider: 'mysql', url: { variable: 'A' } }],
  [
    'datasource db {\n url = "postgres://a:}//@b/c" // env("X")\n}',
    { provider: '', url: { literal: 'postgres://a:}//@b/c' } },
  ],
  ['// datasource db {\n//  url = env("A")\n// }', undefined],
  ['model a {\n  url String\n}', undefined],
])('the datasource of %j', (text, expected) => {
  expect(datasourceIn(text)).toEqual(expected)
})
