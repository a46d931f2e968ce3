// @ts-nocheck: its packages are installed when it is tested
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  dbCredentials: { host: 'db.example', port: 5432, user: 'app', password: 'secret', database: 'shop_test', ssl: false },
})
