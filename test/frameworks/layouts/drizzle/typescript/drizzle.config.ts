// @ts-nocheck: its packages are installed when it is tested
import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: './schema.ts',
  dbCredentials: { url: process.env['DATABASE_URL'] as string },
})
