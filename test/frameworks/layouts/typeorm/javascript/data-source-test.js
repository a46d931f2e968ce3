const { DataSource } = require('typeorm')

module.exports = {
  source: new DataSource({
    type: 'postgres',
    host: 'db.example',
    username: 'app',
    password: 'secret',
    database: 'shop_test',
  }),
}
