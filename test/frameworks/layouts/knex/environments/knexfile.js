require('dotenv').config()
console.log('loading the configuration')

module.exports = {
  development: { client: 'pg', connection: process.env.DATABASE_URL },
  test: {
    client: 'pg',
    connection: () => Promise.resolve({ connectionString: 'postgres://app:secret@db.example:5432/shop_test' }),
  },
  production: {
    client: 'pg',
    connection: { host: 'db.example', port: 5432, user: 'app', password: 'secret', database: 'shop_prod' },
  },
}
