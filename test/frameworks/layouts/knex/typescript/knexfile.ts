// @ts-nocheck: its packages are installed when it is tested
import type { Knex } from 'knex'

const config: { [name: string]: Knex.Config } = {
  development: { client: 'mysql2', connection: { database: 'shop_dev', user: 'root' } },
}

export default config
