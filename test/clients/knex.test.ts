import { knex } from '../../src/frameworks/knex.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import type { NodeStack } from './node-stack.ts'

const stack: NodeStack = {
  name: 'knex',
  packages: ['knex@3.3.0', 'pg@8.23.1', 'mysql2@3.24.5', 'tsx@4.23.15', 'dotenv@17.4.2'],
}
const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`
const exported = { DATABASE_URL: 'postgres://me@elsewhere/shop_mine' }

readsAs(knex, stack, 'knex/environments', [
  ['knex migrate:latest', asked('shop_dev')],
  ['npx knex migrate:latest', 'unknown', { NODE_ENV: 'nowhere' }],
  ['knex migrate:latest', 'asked postgres://me@elsewhere:5432/shop_mine', exported],
  ['knex migrate:latest --env test', asked('shop_test')],
  ['knex --env=test migrate:rollback', asked('shop_test'), exported],
  ['env NODE_ENV=test knex migrate:latest', asked('shop_test')],
  ['node_modules/.bin/knex migrate:latest', asked('shop_test'), { NODE_ENV: 'test' }],
  ['node node_modules/knex/bin/cli.js seed:run --env production', asked('shop_prod')],
  ['node --env-file=.env.testing node_modules/.bin/knex migrate:latest', asked('shop_test')],
  ['dotenv -e .env.testing -- knex migrate:latest', asked('shop_test')],
  ['knex migrate:latest --env production --connection postgres://x@y/z', 'asked postgres://x@y:5432/z'],
  ['knex migrate:make invoices', 'harmless'],
])

readsAs(knex, stack, 'knex/typescript', [
  ['npx tsx node_modules/.bin/knex migrate:latest', 'asked mysql://root@127.0.0.1:3306/shop_dev'],
  // Without a loader for TypeScript neither knex nor we can read it.
  ['knex migrate:latest', 'unknown'],
  ['knex migrate:latest --knexfile config/other.mjs', 'asked sqlite://./config/shop.sqlite'],
  ['knex migrate:latest --cwd config --knexfile other.mjs', 'asked sqlite://./config/shop.sqlite'],
  ['knex migrate:latest --knexfile config/none.mjs', 'unknown'],
])

migrates(stack, 'knex/environments', [
  { command: 'npx knex migrate:latest', changes: 'shop_dev' },
  { command: 'npx knex migrate:latest --env test', changes: 'shop_test' },
  {
    command: 'knex migrate:latest',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ DATABASE_URL: shop_mine }),
  },
])
