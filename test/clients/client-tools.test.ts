import { migrates } from './node-migration.ts'
import type { NodeStack } from './node-stack.ts'

const none: NodeStack = { name: 'clients', packages: [] }
const create = '--command=CREATE/**/TABLE/**/invoices(n/**/integer)'

migrates(none, 'knex/environments', [
  { command: `psql URL_OF_shop_mine ${create}`, changes: 'shop_mine' },
  {
    command: `psql ${create}`,
    changes: 'shop_test',
    environment: ({ shop_test }) => {
      const { hostname, port, username, password, pathname } = new URL(shop_test)
      return { PGHOST: hostname, PGPORT: port, PGUSER: username, PGPASSWORD: password, PGDATABASE: pathname.slice(1) }
    },
  },
  {
    command: 'mysql -u root --execute=CREATE/**/TABLE/**/invoices(n/**/integer) NAME_OF_shop_test',
    changes: 'shop_test',
    engine: 'mysql',
    environment: ({ shop_test }) => {
      const { hostname, port, password } = new URL(shop_test)
      return { MYSQL_HOST: hostname, MYSQL_TCP_PORT: port, MYSQL_PWD: password }
    },
  },
])
