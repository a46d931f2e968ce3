import { nodePgMigrate } from '../../src/frameworks/node-pg-migrate.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import type { NodeStack } from './node-stack.ts'

const stack: NodeStack = { name: 'node-pg-migrate', packages: ['node-pg-migrate@9.0.0', 'pg@8.23.1', 'dotenv@17.4.2'] }
const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`
const exported = { DATABASE_URL: 'postgres://me@elsewhere/mine' }

readsAs(nodePgMigrate, stack, 'node-pg-migrate/dotenv', [
  ['npx node-pg-migrate up', asked('shop_dev')],
  ['node-pg-migrate up', 'asked postgres://me@elsewhere:5432/mine', exported],
  ['node-pg-migrate up --envPath .env.testing', asked('shop_test')],
  [
    'node-pg-migrate up -d OTHER_URL',
    'asked postgres://me@elsewhere:5432/other',
    { OTHER_URL: 'postgres://me@elsewhere/other' },
  ],
  // A variable that is set goes over the file, and .env sets it.
  ['node-pg-migrate up -f test.json', asked('shop_dev')],
  ['node-pg-migrate up -f test.json -d NONE', asked('shop_test')],
  ['node-pg-migrate down -f parts.json -d NONE', asked('shop_parts')],
  ['node-pg-migrate up -d NONE', 'unknown'],
  [
    'node-pg-migrate up -d NONE',
    'asked postgres://me@server:5433/mine',
    { PGHOST: 'server', PGPORT: '5433', PGUSER: 'me', PGDATABASE: 'mine' },
  ],
  ['node-pg-migrate create x', 'harmless'],
])

migrates(stack, 'node-pg-migrate/dotenv', [
  { command: 'npx node-pg-migrate up', changes: 'shop_dev' },
  { command: 'node-pg-migrate up --envPath .env.testing', changes: 'shop_test' },
  {
    command: 'node-pg-migrate up',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ DATABASE_URL: shop_mine }),
  },
])
