// @ts-nocheck: its packages are installed when it is tested
import { defineConfig } from 'prisma/config'

export default defineConfig({ schema: 'prisma/schema.prisma', datasource: { url: 'file:./shop.sqlite' } })
