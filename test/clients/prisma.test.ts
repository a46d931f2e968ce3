import { prisma } from '../../src/frameworks/prisma.ts'
import { migrates } from './node-migration.ts'
import { readsAs } from './node-readings.ts'
import { prisma7 } from './prisma/stack.ts'

const asked = (name: string) => `asked postgres://app@db.example:5432/${name}`

readsAs(prisma, prisma7, 'prisma/seven', [
  ['npx prisma migrate deploy', asked('shop_dev')],
  ['prisma db push', 'asked postgres://me@elsewhere:5432/mine', { DATABASE_URL: 'postgres://me@elsewhere/mine' }],
  ['dotenv -e .env.testing -- prisma migrate dev', asked('shop_test')],
  ['prisma migrate deploy --config sqlite.config.ts', 'asked sqlite://./shop.sqlite'],
  ['prisma migrate deploy --config none.ts', 'unknown'],
  ['prisma db seed', 'unknown'],
  ['prisma generate', 'harmless'],
  ['prisma migrate status', 'harmless'],
])

// In the project's own folder, beside the node_modules that it needs; `projectOf` copies it there.
const engine = { PRISMA_SCHEMA_ENGINE_BINARY: './schema-engine.mjs', CHECKPOINT_DISABLE: '1' }

migrates(prisma7, 'prisma/seven', [
  { command: 'npx prisma migrate deploy', changes: 'shop_dev', environment: () => engine },
  {
    command: 'prisma migrate deploy',
    changes: 'shop_mine',
    environment: ({ shop_mine }) => ({ ...engine, DATABASE_URL: shop_mine }),
  },
])
