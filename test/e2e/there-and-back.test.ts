import { Database } from 'bun:sqlite'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { versionedClients } from '../../src/engines/postgres/clients.ts'
import { comparable as comparableMaria, runScript } from '../engines/mysql/world.ts'
import { everything, sinceFourteen } from '../engines/postgres/everything.ts'
import { comparable as comparablePostgres } from '../engines/postgres/world.ts'
import { createDatabase, sql, urlOf } from '../servers/databases.ts'
import type { PostgresServer } from '../servers/postgres.ts'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

const { postgres, mariadb } = inject('servers')

const compressions = [
  ['none', '.sql'],
  ['zstd', '.sql.zst'],
  ['gzip', '.sql.gz'],
] as const

/** What the system's own client says is in the database. */
function dumped(command: readonly string[], env: Record<string, string>): Buffer {
  const { stdout, success } = Bun.spawnSync([...command], { env: { PATH: process.env['PATH'] ?? '', ...env } })
  expect(success).toBe(true)
  return stdout
}

function postgresDump(server: PostgresServer, database: string): string {
  const [client] = versionedClients().toSorted((one, other) => other.major - one.major)
  const place = ['-h', server.host, '-p', String(server.port), '-U', server.superuser, database]
  const dump = dumped([join(client?.folder ?? '', 'pg_dump'), ...place], { PGPASSWORD: server.password })
  return comparablePostgres(dump.toString())
}

function mariaText(database: string): string {
  const place = ['-h', mariadb.host, '-P', String(mariadb.port), '-u', mariadb.superuser]
  const all = ['--routines', '--events', '--triggers', '--hex-blob', '--skip-dump-date']
  return comparableMaria(
    dumped(['mariadb-dump', '--no-defaults', ...place, ...all, '--', database], { MYSQL_PWD: mariadb.password }),
  )
}

/** Backs up, destroys, restores, each by the compiled commands. */
async function thereAndBack(url: string, compress: string, destroy: () => Promise<unknown>): Promise<string> {
  const project = newProject({ DATABASE_URL: url })
  const made = await project.run('safe-migrate', ['--compress', compress, 'true'])
  expect(made).toMatchObject({ code: 0 })
  await destroy()
  const [backup = ''] = project.backups()
  const restored = await project.run('restore-database', ['--yes', `backups/${backup}`])
  expect(restored).toMatchObject({ code: 0 })
  return backup
}

describe.each(['13', '15'] as const)('PostgreSQL %s: one of everything', (version) => {
  const server = postgres[version]

  test.each(compressions)('is there again after it was destroyed (%s)', async (compress, ending) => {
    const database = await createDatabase(server)
    await sql(server, database, version === '13' ? everything : `${everything}${sinceFourteen}`)
    const before = postgresDump(server, database)
    expect(before).toContain('CREATE MATERIALIZED VIEW app.mv')
    const backup = await thereAndBack(urlOf(server, database), compress, async () => {
      await sql(server, database, 'DROP EVENT TRIGGER "ev trig"; DROP SCHEMA app CASCADE; SELECT lo_unlink(4711)')
      await sql(server, database, 'CREATE TABLE came_later (n int); DROP TABLE part; CREATE SCHEMA later')
    })
    expect(backup.endsWith(ending)).toBe(true)
    expect(postgresDump(server, database)).toBe(before)
  })
})

test.each(compressions)(
  'MariaDB: one of everything is there again after it was destroyed (%s)',
  async (compress, ending) => {
    const database = await createDatabase(mariadb)
    await runScript(database, 'everything.sql')
    const before = mariaText(database)
    expect(before).toContain('CREATE DEFINER')
    const backup = await thereAndBack(urlOf(mariadb, database), compress, async () => {
      await sql(mariadb, database, 'DROP TABLE child, parent, p; DROP EVENT ev1; DROP PROCEDURE uni')
      await sql(mariadb, database, 'CREATE TABLE came_later (n int)')
    })
    expect(backup.endsWith(ending)).toBe(true)
    expect(mariaText(database)).toBe(before)
  },
)

const sqliteSchema = `
  CREATE TABLE orders (id integer PRIMARY KEY AUTOINCREMENT, customer int REFERENCES customers ON DELETE CASCADE,
    amount int CHECK (amount > 0), twice int GENERATED ALWAYS AS (amount * 2) STORED, raw blob);
  INSERT INTO orders (customer, amount, raw) VALUES (1, 5, x'00ff5c0a'), (2, 7, NULL);
  DELETE FROM orders WHERE id = 2;
  CREATE TABLE keyed (k text PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO keyed VALUES ('a', 1.5), ('b', NULL);
  CREATE TABLE "odd; ""name" ("new
line" int); INSERT INTO "odd; ""name" VALUES (1);
  CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('quick brown fox');
  CREATE INDEX by_amount ON orders (amount) WHERE amount > 1;
  CREATE VIEW spenders AS SELECT name, amount FROM customers JOIN orders ON customer = customers.id;
  CREATE TRIGGER never BEFORE INSERT ON keyed BEGIN SELECT RAISE(ABORT, 'never while loading'); END;
  PRAGMA user_version = 7`

function sqliteContent(path: string): unknown {
  const database = new Database(path, { readonly: true })
  const all = (text: string) => database.query<Record<string, unknown>, []>(text).all()
  const schema = all('SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name')
  const tables = schema.filter(({ type }) => type === 'table').map(({ name }) => String(name))
  const rows = tables.map((name) => [name, all(`SELECT * FROM "${name.replaceAll('"', '""')}"`)])
  const content = { schema, rows, version: all('PRAGMA user_version') }
  database.close()
  return content
}

test.each(compressions)(
  'SQLite: one of everything is there again after it was destroyed (%s)',
  async (compress, ending) => {
    const shop = await openShop('SQLite')
    const path = shop.env['DB_DATABASE'] ?? ''
    await shop.ask(sqliteSchema)
    const before = sqliteContent(path)
    const backup = await thereAndBack(shop.url, compress, () =>
      shop.ask('DROP TABLE orders; DROP TABLE words; DROP VIEW spenders; CREATE TABLE came_later (n int)'),
    )
    expect(backup.endsWith(ending.replace('.sql', '.sqlite'))).toBe(true)
    expect(sqliteContent(path)).toEqual(before)
  },
)

test('a plain backup can be checked and read without us', async () => {
  const shop = await openShop('PostgreSQL')
  const project = newProject(shop.env)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [backup = ''] = project.backups()
  const { sha256 } = project.manifest(backup)
  const { stdout } = Bun.spawnSync(['sha256sum', project.path(`backups/${backup}`)])
  expect(stdout.toString()).toMatch(new RegExp(`^${sha256} `))
  expect(readFileSync(project.path(`backups/${backup}`), 'utf8')).toContain('Linus')
  const modes = Bun.spawnSync(['stat', '-c', '%a', project.path('backups'), project.path(`backups/${backup}`)])
  expect(modes.stdout.toString()).toBe('700\n600\n')
})
