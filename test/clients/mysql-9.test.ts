import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { serverShop, threeCustomers } from '../e2e/shops.ts'
import { createDatabase, sql, uniqueName, urlOf } from '../servers/databases.ts'
import type { MariaServer } from '../servers/mariadb.ts'
import { type LaterServer, startLaterMysql } from './later-servers.ts'
import { contentOf, dumpText, projectWith, restore, runScript } from './own-clients.ts'

let plain: LaterServer
/** With all that a server can be told that changes how a dump is written or read. */
let odd: LaterServer

beforeAll(async () => {
  const settings = {
    'gtid-mode': 'ON',
    'enforce-gtid-consistency': 'ON',
    'sql-mode': 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES',
    'default-time-zone': '+05:30',
  }
  const odds = startLaterMysql({ settings, first: { 'lower-case-table-names': 1 } })
  ;[plain, odd] = await Promise.all([startLaterMysql(), odds])
})

afterAll(async () => {
  await Promise.all([plain, odd].map((started) => started?.kept.stop()))
})

const projectOf = (url: string) => projectWith(plain, url)
const everything = readFileSync(join(import.meta.dirname, 'mysql/everything.sql'), 'utf8')

describe.each(['plain', 'odd'] as const)('on a server that is %s', (which) => {
  const started = () => ({ plain, odd })[which]

  test('one of everything is proven, and is there again after it was destroyed', async () => {
    const { server } = started()
    const database = await createDatabase(server, uniqueName('Shop-É'))
    await runScript(started(), database, everything)
    const before = await contentOf(started(), database)
    const project = projectOf(urlOf(server, database))
    expect(await project.ours('backup-database', '--prove')).toMatch(/Proven: .*is the same there \(20 tables, 32 rows/)
    const [backup = ''] = project.backups()
    expect(readFileSync(project.path(`backups/${backup}`), 'utf8')).not.toContain('GTID')
    await sql(server, database, 'DROP TABLE p, my, listed; DROP EVENT ev1; DROP PROCEDURE uni; DROP VIEW of_nobody')
    await sql(server, database, 'DELETE FROM parent; CREATE TABLE came_later (n int); CREATE VIEW later AS SELECT 1')
    expect(await project.ours(...restore, `backups/${backup}`)).toContain('loaded beside, compared, swapped in')
    expect(await contentOf(started(), database)).toBe(before)
    expect(await sql(server, undefined, 'SELECT @@gtid_purged AS purged')).toEqual([{ purged: '' }])
    expect(await project.ours('backup-database', '--always-dump')).not.toContain('Unchanged')
  })

  test('a database that is written to all the time is dumped as it was at one moment', async () => {
    const { server } = started()
    const shop = await serverShop('MariaDB', server)
    await shop.ask(
      'CREATE TABLE a (n int AUTO_INCREMENT PRIMARY KEY); CREATE TABLE b (n int AUTO_INCREMENT PRIMARY KEY)',
    )
    const project = projectOf(shop.url)
    await project.ours('backup-database')
    expect(await project.ours('backup-database')).toContain('Unchanged')
    const dumps = await whileWriting(server, shop.name, async () => {
      const said = await project.ours('backup-database')
      return said + (await project.ours('backup-database', '--prove'))
    })
    expect(dumps).not.toContain('Unchanged')
    expect(dumps).toContain('Proven')
    const counts = project
      .backups()
      .map((backup) =>
        Object.fromEntries((project.manifest(backup).tables ?? []).map(({ name, rows }) => [name, rows])),
      )
    expect(counts).toHaveLength(3)
    for (const { a, b } of counts) expect(a).toBe(b)
    expect(Math.max(...counts.map(({ a = 0 }) => a))).toBeGreaterThan(0)
  })
})

test.each(['plain', 'odd'] as const)(
  'an account with all rights on its database, and no others, backs it up (%s)',
  async (which) => {
    const { server } = { plain, odd }[which]
    const shop = await serverShop('MariaDB', server)
    const account = await newAccount(server, shop.name)
    expect(await projectOf(account.url).ours('backup-database')).toContain('1 table, 3 rows')
  },
)

/** Work beside a session that never stops to write: one row in each of two tables, in one transaction. */
async function whileWriting(server: MariaServer, database: string, work: () => Promise<string>): Promise<string> {
  let stopped = false
  const write = async () => {
    const both = 'START TRANSACTION; INSERT INTO a VALUES (); INSERT INTO b VALUES (); COMMIT;'
    while (!stopped) await sql(server, database, both.repeat(20))
  }
  const writing = write()
  return work().finally(async () => {
    stopped = true
    await writing
  })
}

// As Laravel's DB::unprepared and other drivers do: the server keeps the semicolon with what it ends.
test('a trigger and an event that another statement followed come back, though mysqldump writes them wrongly', async () => {
  const { server } = plain
  const shop = await serverShop('MariaDB', server)
  await shop.ask(`CREATE TRIGGER tr BEFORE INSERT ON customers FOR EACH ROW SET NEW.name = 'x';
    CREATE PROCEDURE pr() SELECT 1; CREATE FUNCTION fn() RETURNS int DETERMINISTIC RETURN 1;
    CREATE EVENT ev ON SCHEDULE EVERY 1 YEAR STARTS '2036-01-01' DO SELECT 1; SELECT 1`)
  const before = await contentOf(plain, shop.name)
  expect(before).toContain("SET NEW.name = 'x'; */;;")
  const project = projectOf(shop.url)
  expect(await project.ours('backup-database', '--prove')).toContain('is the same there')
  await shop.ask('DROP TRIGGER tr; DROP EVENT ev; DELETE FROM customers')
  await project.ours(...restore, `backups/${project.backups()[0]}`)
  expect(await shop.customers()).toEqual(threeCustomers)
  expect(await contentOf(plain, shop.name)).toBe(before.replaceAll(/;( \*\/ ?;;| ;;)$/gm, '$1'))
})

test('a view that is seen as JSON comes back', async () => {
  const shop = await serverShop('MariaDB', plain.server)
  await shop.ask(`CREATE JSON RELATIONAL DUALITY VIEW as_json AS
    SELECT JSON_DUALITY_OBJECT(WITH (INSERT, UPDATE, DELETE) '_id': id, 'name': name) FROM customers`)
  const before = await contentOf(plain, shop.name)
  const project = projectOf(shop.url)
  expect(await project.ours('backup-database', '--prove')).toContain('is the same there')
  await shop.ask('DROP VIEW as_json')
  await project.ours(...restore, `backups/${project.backups()[0]}`)
  expect(await contentOf(plain, shop.name)).toBe(before)
})

test('libraries and what uses them come back', async () => {
  const { server } = plain
  const shop = await serverShop('MariaDB', server)
  const text = "LANGUAGE JAVASCRIPT AS $$ export function f() { return 'DEFINER=x' } // it's $$"
  await runScript(
    plain,
    shop.name,
    `DELIMITER ;;
     CREATE LIBRARY gone ${text};; CREATE LIBRARY other ${text};; CREATE LIBRARY used ${text};;
     CREATE FUNCTION uses() RETURNS int DETERMINISTIC LANGUAGE JAVASCRIPT USING (used) AS $js$ return 1 // don't $js$;;`,
  )
  await shop.ask('CREATE VIEW names AS SELECT name FROM customers')
  const account = await newAccount(server, shop.name)
  await sql(server, undefined, `GRANT EXECUTE ON LIBRARY ${shop.name}.other TO ${account.name}`)
  const before = await contentOf(plain, shop.name)
  const project = projectOf(shop.url)
  expect(await project.ours('backup-database', '--prove')).toContain('is the same there')
  await sql(server, shop.name, 'DROP LIBRARY gone; DROP FUNCTION uses; DELETE FROM customers')
  await sql(server, shop.name, "CREATE LIBRARY later LANGUAGE JAVASCRIPT AS 'x'")
  await sql(server, shop.name, "ALTER LIBRARY other COMMENT 'another'")
  await project.ours(...restore, `backups/${project.backups()[0]}`)
  expect(await contentOf(plain, shop.name)).toBe(before)
  expect(await sql(server, undefined, `SELECT * FROM mysql.procs_priv WHERE User = '${account.name}'`)).toHaveLength(1)
})

test('a dump that tells of the replication of its server is loaded without that, and reaches the replicas', async () => {
  const { server } = odd
  const shop = await serverShop('MariaDB', server)
  await shop.ask(`CREATE TABLE large (t longtext); INSERT INTO large VALUES (REPEAT('x', 1000000))`)
  const foreign = (await dumpText(odd, shop.name)).toString()
  expect(foreign).toContain('SET @@SESSION.SQL_LOG_BIN= 0;')
  expect(foreign).toContain('SET @@GLOBAL.GTID_PURGED=')
  const target = await createDatabase(server)
  const project = projectOf(urlOf(server, target))
  project.write('foreign.sql', foreign)
  const [before] = await sql(server, undefined, 'SHOW BINARY LOG STATUS')
  expect(await project.ours(...restore, 'foreign.sql')).toContain('GTID_PURGED, SQL_LOG_BIN) was left out')
  const [after] = await sql(server, undefined, 'SHOW BINARY LOG STATUS')
  expect(Number(after?.['Position']) - Number(before?.['Position'])).toBeGreaterThan(1_000_000)
  expect(await sql(server, undefined, 'SELECT @@gtid_purged AS purged')).toEqual([{ purged: '' }])
  expect(await sql(server, target, 'SELECT name FROM customers ORDER BY id')).toHaveLength(3)
})

test('a dump that reads a file of this machine is refused', async () => {
  const shop = await serverShop('MariaDB', plain.server)
  const project = projectOf(shop.url)
  const trailer = '\n-- Dump completed on 2026-11-21\n'
  project.write('foreign.sql', `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE customers;${trailer}`)
  expect(await project.run('restore-database', ['--yes', 'foreign.sql'])).toMatchObject({
    code: 20,
    stderr: expect.stringContaining('LOAD DATA reads a file'),
  })
  expect(await shop.customers()).toEqual(threeCustomers)
})

test('without the right to create a database each grant that lacks is named, until it is restored in place', async () => {
  const { server } = plain
  const database = await createDatabase(server)
  await runScript(plain, database, everything)
  const before = await contentOf(plain, database)
  const account = await newAccount(server, database)
  const project = projectOf(account.url)
  await followed(project, server, ['backup-database', '--always-dump'])
  const [backup = ''] = project.backups()
  await sql(server, database, 'DROP TABLE p; DELETE FROM parent; CREATE TABLE came_later (n int)')
  const said = await followed(project, server, [...restore, `backups/${backup}`])
  expect(said.refusals.join('\n')).toMatch(
    /may not replace what other accounts defined[\s\S]*SET GLOBAL log_bin_trust_function_creators/,
  )
  expect(said.end).toContain('loaded in place')
  expect(said.end).toContain('may not create objects for others')
  expect((await contentOf(plain, database)).replaceAll(definers, '')).toBe(before.replaceAll(definers, ''))
})

const definers = /DEFINER=[`"][^`"]*[`"]@[`"][^`"]*[`"]/g

async function newAccount(
  server: MariaServer,
  database: string,
  requires = '',
): Promise<{ name: string; url: string }> {
  const name = uniqueName('app')
  await sql(server, undefined, `CREATE USER ${name}@'%' IDENTIFIED BY 'secret' ${requires}`)
  await sql(server, undefined, `GRANT ALL ON \`${database}\`.* TO ${name}@'%'`)
  return { name, url: urlOf({ ...server, superuser: name, password: 'secret' }, database) }
}

/** Does what our command says as an administrator would, until it succeeds. */
async function followed(project: ReturnType<typeof projectOf>, server: MariaServer, words: readonly string[]) {
  const refusals: string[] = []
  for (;;) {
    const [command = '', ...rest] = words
    const { code, stdout, stderr } = await project.run(command, rest)
    if (code === 0) return { refusals, end: stdout + stderr }
    refusals.push(stderr)
    const next = /as an administrator: (.*;)/.exec(stderr)?.[1]
    expect({ stderr, next, again: refusals.indexOf(stderr) }).toEqual({
      stderr,
      next: expect.any(String),
      again: refusals.length - 1,
    })
    await sql(server, undefined, next ?? '')
  }
}

describe('tables that the server would not make again as they are', () => {
  const restricted = async () => {
    const { server } = plain
    const database = await createDatabase(server)
    await sql(
      server,
      database,
      `SET SESSION restrict_fk_on_non_standard_key = 0; CREATE TABLE without_key (n int, KEY (n));
       CREATE TABLE child (n int, FOREIGN KEY (n) REFERENCES without_key (n));
       INSERT INTO without_key VALUES (1), (1); INSERT INTO child VALUES (1)`,
    )
    return { server, database, before: await contentOf(plain, database) }
  }

  const settings = ['sql_generate_invisible_primary_key', 'sql_require_primary_key']

  async function switchOn(server: MariaServer, name: string): Promise<void> {
    await sql(server, undefined, `SET GLOBAL ${name} = ON`)
    onTestFinished(() => sql(server, undefined, `SET GLOBAL ${name} = OFF`).then(() => undefined))
  }

  test.each(settings)('come back with %s, and where foreign keys need unique keys', async (name) => {
    const { server, database, before } = await restricted()
    await switchOn(server, name)
    const project = projectOf(urlOf(server, database))
    expect(await project.ours('backup-database', '--prove')).toContain('is the same there')
    await sql(server, database, 'DROP TABLE child')
    await project.ours(...restore, `backups/${project.backups()[0]}`)
    expect(await contentOf(plain, database)).toBe(before)
  })

  test.each(settings)('are not dropped by an account that may not lift %s', async (name) => {
    const { server, database, before } = await restricted()
    await switchOn(server, name)
    const account = await newAccount(server, database)
    const project = projectOf(account.url)
    await project.ours('backup-database')
    await sql(server, database, 'DELETE FROM child')
    const now = await contentOf(plain, database)
    const words = ['--yes', '--always-dump', `backups/${project.backups()[0]}`]
    expect(await project.run('restore-database', words)).toMatchObject({
      code: 40,
      stderr: expect.stringContaining(
        `→ as an administrator: GRANT SESSION_VARIABLES_ADMIN ON *.* TO \`${account.name}\`@\`%\`;`,
      ),
    })
    expect(await contentOf(plain, database)).toBe(now)
    await sql(server, undefined, `GRANT SESSION_VARIABLES_ADMIN ON *.* TO ${account.name}`)
    await project.ours('restore-database', ...words)
    expect(await contentOf(plain, database)).toBe(before)
  })
})

test('a right that is taken back for one database is known to be missing there', async () => {
  const { server } = plain
  const shop = await serverShop('MariaDB', server)
  await shop.ask('CREATE TRIGGER tr BEFORE INSERT ON customers FOR EACH ROW SET NEW.id = 1')
  const name = uniqueName('app')
  await sql(server, undefined, 'SET GLOBAL partial_revokes = ON')
  await sql(server, undefined, `CREATE USER ${name} IDENTIFIED BY 'secret'`)
  await sql(server, undefined, `GRANT SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE ON *.* TO ${name}`)
  const project = projectOf(urlOf({ ...server, superuser: name, password: 'secret' }, shop.name))
  await project.ours('backup-database')
  await sql(server, undefined, `REVOKE TRIGGER ON ${shop.name}.* FROM ${name}`)
  expect(await project.run('backup-database', ['--always-dump'])).toMatchObject({
    code: 30,
    stderr: expect.stringContaining('without TRIGGER its triggers are hidden'),
  })
})

describe('a password that only its digest is kept of', () => {
  // After FLUSH PRIVILEGES the server asks for the password itself, which only a safe way may carry.
  const backedUp = async (url: string, requires = '') => {
    const shop = await serverShop('MariaDB', plain.server)
    const account = await newAccount(plain.server, shop.name, requires)
    const project = projectOf(`${account.url}${url}`)
    await sql(plain.server, undefined, 'FLUSH PRIVILEGES')
    return project.run('backup-database')
  }

  test.each([
    ['over TLS', '', 'REQUIRE SSL'],
    ['over TLS that is asked for', '?sslmode=require', 'REQUIRE SSL'],
    ['over plain TCP of this machine', '?sslmode=disable', ''],
  ])('%s', async (_, url, requires) => {
    expect(await backedUp(url, requires)).toMatchObject({ code: 0 })
  })

  test('over the socket', async () => {
    const { socket } = plain.server
    expect(await backedUp(`?socket=${encodeURIComponent(socket)}`)).toMatchObject({ code: 0 })
  })

  test('is refused where TLS must be and is not wanted', async () => {
    expect(await backedUp('?sslmode=disable', 'REQUIRE SSL')).toMatchObject({ code: 11 })
  })
})
