// @ts-nocheck: its packages are installed when it is tested
import { integer, pgTable } from 'drizzle-orm/pg-core'

export const invoices = pgTable('invoices', { id: integer().primaryKey() })
