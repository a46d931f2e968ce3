import { migrates } from './node-migration.ts'
import type { NodeStack } from './node-stack.ts'

const stack: NodeStack = { name: 'dbmate', packages: ['dbmate@2.36.0'] }
const plain = { PGSSLMODE: 'disable' }

migrates(stack, 'dbmate', [
  { command: 'npx dbmate --no-dump-schema up', changes: 'shop_dev', environment: () => plain },
  { command: 'dbmate -e TEST_DATABASE_URL --no-dump-schema up', changes: 'shop_test', environment: () => plain },
  { command: 'dbmate --env-file .env.testing --no-dump-schema up', changes: 'shop_test', environment: () => plain },
  {
    command: 'dbmate --no-dump-schema up',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ DATABASE_URL: `${shop_mine}?sslmode=disable` }),
  },
])
