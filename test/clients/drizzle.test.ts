import { drizzle } from '../../src/frameworks/drizzle.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import type { NodeStack } from './node-stack.ts'

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
