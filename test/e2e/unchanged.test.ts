import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newProject, type Project } from './project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

/** A shop with one backup of it. */
async function backedUp(engine: EngineLabel): Promise<{ shop: Shop; project: Project; first: string }> {
  const shop = await openShop(engine)
  const project = newProject(shop.env)
  return { shop, project, first: await backUp(project) }
}

/** The file that the backup of an operation is, and what was said. */
async function backUp(project: Project, ...words: readonly string[]): Promise<string> {
  const ended = await project.run('backup-database', ['--always-dump', ...words])
  expect(ended).toMatchObject({ code: 0 })
  return ended.stdout.trim().replace('backups/', '')
}

describe.each(engineLabels)('%s: a dump that holds the same as the newest backup', (engine) => {
  test('takes no place: that backup is kept, and is the way back', async () => {
    const { project, shop, first } = await backedUp(engine)
    const words = ['--always-dump', '--report', 'r.json', 'true']
    const ended = await project.run('safe-migrate', words)
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toMatch(`✓ Unchanged since backups/${first} (`)
    expect(ended.stderr).toContain(`restore-database backups/${first}\n`)
    expect(project.backups()).toEqual([first])
    expect(project.kept()).toHaveLength(2)
    expect(project.manifest(first).seenAgain).toMatchObject({ count: 1, reason: 'safe-migrate true' })
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({
      targets: [{ backup: first, reused: 'same content', rows: 3 }],
    })
    const journal = readFileSync(project.path('backups/journal.jsonl'), 'utf8').trimEnd().split('\n')
    expect(JSON.parse(journal.at(-1) ?? '')).toMatchObject({ backups: [first] })
    await shop.ask('DELETE FROM customers')
    expect(await project.run('restore-database', ['--yes', `backups/${first}`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test.each([
    ['a row is changed', "UPDATE customers SET name = 'Later' WHERE id = 3"],
    ['a row comes', "INSERT INTO customers VALUES (4, 'Later')"],
    ['a row goes', 'DELETE FROM customers WHERE id = 3'],
    ['two rows change places', "UPDATE customers SET name = CASE id WHEN 1 THEN 'Grace' ELSE 'Ada' END WHERE id < 3"],
    ['an empty table comes', 'CREATE TABLE later (n integer)'],
    ['an index comes', 'CREATE INDEX by_name ON customers (name)'],
    ['a view comes', 'CREATE VIEW named AS SELECT name FROM customers'],
    ['a column comes', 'ALTER TABLE customers ADD COLUMN later integer'],
    ['a column is renamed', 'ALTER TABLE customers RENAME COLUMN name TO title'],
  ])('but a new backup is made when %s', async (_, change) => {
    const { project, shop, first } = await backedUp(engine)
    await shop.ask(change)
    expect(await backUp(project)).not.toBe(first)
    expect(project.backups()).toHaveLength(2)
  })

  test('takes no place a hundred times, and --keep holds for the others', async () => {
    const { project, shop, first } = await backedUp(engine)
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const second = await backUp(project)
    for (let count = 1; count <= 5; count++) expect(await backUp(project, '--keep', '2')).toBe(second)
    expect(project.backups()).toEqual([first, second])
    expect(project.manifest(second).seenAgain?.count).toBe(5)
    expect(await backUp(project, '--keep', '1')).toBe(second)
    expect(project.backups()).toEqual([second])
  })

  test('is a new backup when the old file is not whole any more, and that is said', async () => {
    const { project, first } = await backedUp(engine)
    const path = project.path(`backups/${first}`)
    const bytes = readFileSync(path)
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
    writeFileSync(path, bytes)
    const ended = await project.run('backup-database', ['--always-dump'])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stderr).toContain(`${first} is not whole any more, so another backup is made`)
    expect(project.backups()).toHaveLength(2)
  })

  test('of another way to compress is the same', async () => {
    const { project, first } = await backedUp(engine)
    for (const compress of ['zstd', 'gzip']) expect(await backUp(project, '--compress', compress)).toBe(first)
    expect(project.kept()).toHaveLength(2)
  })

  test('is the safety backup of a restore, and the file that is restored stays', async () => {
    const { project, shop, first } = await backedUp(engine)
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const second = await backUp(project)
    const restore = ['--yes', '--always-dump', '--keep', '1', `backups/${first}`]
    const restored = await project.run('restore-database', restore)
    expect(restored).toMatchObject({ code: 0 })
    expect(restored.stderr).toContain(`Unchanged since backups/${second}`)
    expect(restored.stderr).toMatch(new RegExp(`What was there before: .*${second}`))
    expect(project.backups()).toEqual([first, second])
    expect(await shop.customers()).toEqual(threeCustomers)
    // What is there now is in the older of the two: a new backup of it is made.
    expect([first, second]).not.toContain(await backUp(project))
  })
})

/** What else a database holds than rows: what is there before, and what changes it. */
const besideRows: Readonly<Record<EngineLabel, readonly (readonly [string, string, string])[]>> = {
  PostgreSQL: [
    ['a sequence counts on', 'CREATE SEQUENCE numbers', "SELECT nextval('numbers')"],
    ['a large object is changed', "SELECT lo_from_bytea(4711, 'one')", "SELECT lo_put(4711, 0, 'two')"],
    ['a comment is changed', "COMMENT ON TABLE customers IS 'one'", "COMMENT ON TABLE customers IS 'two'"],
    ['a right is given', 'SELECT 1', 'GRANT SELECT ON customers TO PUBLIC'],
    ['a default is changed', 'SELECT 1', "ALTER TABLE customers ALTER COLUMN name SET DEFAULT 'x'"],
    ['a constraint comes', 'SELECT 1', 'ALTER TABLE customers ADD CHECK (id > 0)'],
    ['a function is changed', functionOf(1), functionOf(2)],
    ['a setting of the database is changed', 'SELECT 1', settingOfDatabase("work_mem = '5MB'")],
  ],
  MariaDB: [
    [
      'AUTO_INCREMENT counts on',
      'CREATE TABLE n (id int AUTO_INCREMENT PRIMARY KEY)',
      'ALTER TABLE n AUTO_INCREMENT = 9',
    ],
    ['a comment is changed', "ALTER TABLE customers COMMENT 'one'", "ALTER TABLE customers COMMENT 'two'"],
    ['a default is changed', 'SELECT 1', "ALTER TABLE customers ALTER COLUMN name SET DEFAULT 'x'"],
    ['a constraint comes', 'SELECT 1', 'ALTER TABLE customers ADD CHECK (id > 0)'],
    ['a routine comes', 'SELECT 1', 'CREATE PROCEDURE one() SELECT 1'],
    ['a trigger comes', 'SELECT 1', 'CREATE TRIGGER t BEFORE INSERT ON customers FOR EACH ROW SET NEW.id = 1'],
    ['an event comes', 'SELECT 1', 'CREATE EVENT e ON SCHEDULE EVERY 1 DAY DISABLE DO SELECT 1'],
  ],
  SQLite: [
    [
      'AUTOINCREMENT counts on',
      'CREATE TABLE n (id integer PRIMARY KEY AUTOINCREMENT)',
      'INSERT INTO n VALUES (9); DELETE FROM n',
    ],
    ['user_version is changed', 'SELECT 1', 'CREATE TABLE x (n); DROP TABLE x; PRAGMA user_version = 7'],
    ['a trigger comes', 'SELECT 1', 'CREATE TRIGGER t BEFORE INSERT ON customers BEGIN SELECT 1; END'],
  ],
}

function functionOf(value: number): string {
  return `CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT ${value}'`
}

function settingOfDatabase(setting: string): string {
  return `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET ${setting.replaceAll("'", "''")}', current_database()); END $$`
}

describe.each(engineLabels)('%s: a new backup is made', (engine) => {
  test.each(besideRows[engine])('when %s', async (_, before, change) => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    await shop.ask(before)
    const first = await backUp(project)
    expect(await backUp(project)).toBe(first)
    await shop.ask(change)
    expect(await backUp(project)).not.toBe(first)
  })
})
