import { basename } from 'node:path'
import type { Call, Framework } from './framework.ts'

type Entry = { readonly programs: RegExp; readonly load: () => Promise<Framework> }

const postgresClients = /^(?:psql|pg_restore|dropdb|createdb|pg_dump(?:all)?|pg_isready|vacuumdb|reindexdb)$/
const mysqlClients = /^(?:mysql|mariadb)(?:admin|-admin|import|-import|dump|-dump|show|-show|check|-check)?$/

// Told by the program's name, so that `safe-test npm test` does not load what it has no use for; the first that says
// something counts.
const entries: readonly Entry[] = [
  {
    programs: /^(?:artisan|phpunit(?:\.phar)?|simple-phpunit|pest|paratest|sail)$/,
    load: async () => (await import('./laravel.ts')).laravel,
  },
  {
    programs: /^(?:console|phpunit(?:\.phar)?|simple-phpunit|pest|paratest)$/,
    load: async () => (await import('./symfony.ts')).symfony,
  },
  {
    programs: /^(?:rails|rake|spring|rspec|parallel_rspec|parallel_test|cucumber)$|_(?:test|spec)\.rb$/,
    load: async () => (await import('./rails.ts')).rails,
  },
  {
    programs: /\.py$|^django(?:-admin)?$|^(?:pytest|py\.test|coverage)$/,
    load: async () => (await import('./django.ts')).django,
  },
  { programs: /^alembic$/, load: async () => (await import('./alembic.ts')).alembic },
  { programs: /^prisma2?$/, load: async () => (await import('./prisma.ts')).prisma },
  { programs: /^drizzle-kit$/, load: async () => (await import('./drizzle.ts')).drizzle },
  { programs: /^knex$/, load: async () => (await import('./knex.ts')).knex },
  { programs: /^sequelize(?:-cli)?$/, load: async () => (await import('./sequelize.ts')).sequelize },
  {
    programs: /^typeorm(?:-ts-node-(?:commonjs|esm))?$/,
    load: async () => (await import('./typeorm.ts')).typeorm,
  },
  { programs: /^node-pg-migrate$/, load: async () => (await import('./node-pg-migrate.ts')).nodePgMigrate },
  { programs: /^dbmate$/, load: async () => (await import('./dbmate.ts')).dbmate },
  { programs: postgresClients, load: async () => (await import('./client-tools.ts')).clientTools },
  { programs: mysqlClients, load: async () => (await import('./client-tools.ts')).clientTools },
  { programs: /^sqlite3$/, load: async () => (await import('./client-tools.ts')).clientTools },
]

/** The frameworks that a call's program may belong to. */
export async function loadFrameworks(call: Call): Promise<readonly Framework[]> {
  const name = programName(call.words[0] ?? '')
  return Promise.all(entries.filter(({ programs }) => programs.test(name)).map(({ load }) => load()))
}

/** `node_modules/knex/bin/cli.js` is knex, `knex@3` too. */
function programName(word: string): string {
  const inPackage = /(?:^|\/)node_modules\/(?!\.bin\/)((?:@[^/]+\/)?[^/]+)\//.exec(word)?.[1]
  return basename(inPackage ?? word).replace(/(?<=.)@[\w.^~-]+$/, '')
}
