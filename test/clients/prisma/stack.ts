import { join } from 'node:path'
import type { NodeStack } from '../node-stack.ts'

/** Prisma 7 with what the stand-in for its schema engine needs; npm does not carry the engine itself. */
export const prisma7: NodeStack = {
  name: 'prisma',
  packages: [
    ...[
      'prisma@7.10.1',
      '@prisma/adapter-pg@7.10.1',
      '@prisma/adapter-libsql@7.10.0',
      '@prisma/driver-adapter-utils@7.10.1',
    ],
    ...['@prisma/schema-engine-wasm@7.10.0-7.561d7b42579a2459cc8edf3788918b626c640023', 'pg@8.23.1', 'dotenv@17.4.2'],
  ],
  files: [join(import.meta.dirname, 'schema-engine.mjs')],
}
