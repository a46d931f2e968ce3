import { sequelize } from '../../src/frameworks/sequelize.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import type { NodeStack } from './node-stack.ts'

const stack: NodeStack = {
  name: 'sequelize',
  packages: ['sequelize@6.37.8', 'sequelize-cli@6.6.5', 'pg@8.23.1', 'mysql2@3.24.5', 'dotenv@17.4.2'],
}
const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`

readsAs(sequelize, stack, 'sequelize/json', [
  ['npx sequelize-cli db:migrate', asked('shop_dev')],
  // Sequelize fills in the host and the port itself, and reads no env file.
  ['sequelize db:migrate', asked('shop_dev'), { PGHOST: 'elsewhere', DATABASE_URL: 'postgres://me@elsewhere/mine' }],
  ['sequelize db:migrate --env test', asked('shop_test')],
  ['sequelize-cli db:seed:all', asked('shop_test'), { NODE_ENV: 'test' }],
  ['sequelize --env=development db:migrate', asked('shop_dev'), { NODE_ENV: 'test' }],
  ['sequelize db:migrate --url postgres://x:y@z:5433/named', 'asked postgres://x@z:5433/named'],
  ['sequelize db:migrate --url mysql://x@localhost/named', 'asked mysql://x@127.0.0.1:3306/named'],
  ['sequelize db:migrate --env file', 'asked sqlite://./shop.sqlite'],
  ['sequelize db:migrate --env memory', 'asked sqlite://%3Amemory%3A'],
  ['sequelize db:migrate --config none.json', 'unknown'],
  ['sequelize migration:generate --name x', 'harmless'],
  ['sequelize db:create', 'harmless'],
])

readsAs(sequelize, stack, 'sequelize/variable', [
  ['sequelize-cli db:migrate', asked('shop_dev')],
  ['sequelize-cli db:migrate', asked('shop_test'), { NODE_ENV: 'test' }],
  [
    'sequelize-cli db:migrate',
    'asked postgres://me@elsewhere:5432/mine',
    { DATABASE_URL: 'postgres://me@elsewhere/mine' },
  ],
  ['dotenv -e .env.testing -- sequelize-cli db:migrate', asked('shop_test')],
])

migrates(stack, 'sequelize/json', [
  { command: 'npx sequelize-cli db:migrate', changes: 'shop_dev' },
  { command: 'npx sequelize-cli db:migrate --env test', changes: 'shop_test' },
  {
    command: 'sequelize-cli db:migrate',
    changes: 'shop_dev',
    environment: ({ shop_mine }) => ({ DATABASE_URL: shop_mine }),
  },
  { command: 'sequelize-cli db:migrate --url URL_OF_shop_mine', changes: 'shop_mine', engine: 'mysql' },
])
