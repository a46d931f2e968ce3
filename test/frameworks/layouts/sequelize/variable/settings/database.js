require('dotenv').config()

module.exports = {
  development: { use_env_variable: 'DATABASE_URL' },
  test: { url: 'postgres://app:secret@db.example:5432/shop_test' },
}
