import { typeorm } from '../../src/frameworks/typeorm.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import type { NodeStack } from './node-stack.ts'

const stack: NodeStack = {
  name: 'typeorm',
  packages: [
    ...['typeorm@1.1.1', 'reflect-metadata@0.2.2', 'pg@8.23.1', 'mysql2@3.24.5', 'dotenv@17.4.2'],
    ...['ts-node@10.9.2', 'typescript@5.9.3', '@types/node@24.0.0'],
  ],
}
const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`
const local = (name: string) => `asked mysql://app@127.0.0.1:3306/${name}`

readsAs(typeorm, stack, 'typeorm/javascript', [
  ['npx typeorm migration:run -d data-source.js', asked('shop_dev')],
  [
    'typeorm migration:run -d data-source.js',
    'asked postgres://me@elsewhere:5432/mine',
    { DATABASE_URL: 'postgres://me@elsewhere/mine' },
  ],
  ['typeorm -d ./data-source-test.js schema:drop', asked('shop_test')],
  ['typeorm migration:revert --dataSource=data-source-test.js', asked('shop_test')],
  ['dotenv -e .env.testing -- typeorm migration:run -d data-source.js', asked('shop_test')],
  ['node node_modules/typeorm/cli.js migration:run -d data-source.js', asked('shop_dev')],
  ['typeorm migration:run -d none.js', 'unknown'],
  ['typeorm migration:create migrations/x', 'harmless'],
])

readsAs(typeorm, stack, 'typeorm/typescript', [
  ['npx typeorm-ts-node-commonjs migration:run -d data-source.ts', local('shop_dev')],
  ['npx typeorm-ts-node-commonjs migration:run -d data-source.ts', local('shop_test'), { SHOP: 'shop_test' }],
  ['ts-node node_modules/typeorm/cli.js migration:run -d data-source.ts', local('shop_dev')],
])

migrates(stack, 'typeorm/javascript', [
  { command: 'npx typeorm migration:run -d data-source.js', changes: 'shop_dev' },
  {
    command: 'typeorm migration:run -d data-source.js',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ DATABASE_URL: shop_mine }),
  },
])
