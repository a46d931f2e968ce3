import { describe, expect, test } from 'vitest'
import type { ServerWrites } from '../../../src/engines/engine.ts'
import { withoutForgotten } from '../../../src/engines/mysql/writes.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import { account, dumpOf, openSession, server, sql, targetOf } from './world.ts'

/** A reading as another operation takes it: over a connection of its own. */
async function writesOn(
  database: string,
  earlier?: ServerWrites,
  changes: Parameters<typeof targetOf>[1] = {},
): Promise<ServerWrites> {
  const session = await openSession(targetOf(database, changes))
  const writes = await session.writes?.(earlier).finally(session.close)
  if (writes === undefined) throw new Error('nothing was told')
  return writes
}

/** A database that others watch from a second one, with tables of every kind, some of them written to. */
async function watched(): Promise<{ readonly own: string; readonly other: string }> {
  const [own, other] = [await createDatabase(server), await createDatabase(server)]
  await sql(
    server,
    other,
    `CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int); CREATE TABLE plain (a int); CREATE TABLE empty (a int);
     CREATE TABLE parts (a int) PARTITION BY HASH (a) PARTITIONS 3; CREATE TABLE old (a int) ENGINE = MyISAM;
     CREATE TABLE aria (a int) ENGINE = Aria; CREATE TABLE mem (a int) ENGINE = MEMORY;
     CREATE TABLE versioned (a int) WITH SYSTEM VERSIONING; CREATE VIEW v AS SELECT a FROM t;
     INSERT INTO t (a) VALUES (1), (2); INSERT INTO plain VALUES (1); INSERT INTO parts VALUES (1); INSERT INTO old VALUES (1);
     INSERT INTO aria VALUES (1); INSERT INTO mem VALUES (1); INSERT INTO versioned VALUES (1)`,
  )
  return { own, other }
}

const writing = [
  'INSERT INTO t (a) VALUES (3)',
  'UPDATE plain SET a = 2',
  'DELETE FROM t LIMIT 1',
  'INSERT INTO empty VALUES (1)',
  'UPDATE parts SET a = 2',
  'UPDATE old SET a = 2',
  'INSERT INTO aria VALUES (2)',
  'INSERT INTO mem VALUES (2)',
  'DELETE FROM versioned',
  'TRUNCATE t',
  'TRUNCATE plain',
  'TRUNCATE parts',
  'CREATE TABLE another (a int)',
  'DROP TABLE empty',
  'ALTER TABLE empty ADD b int',
  'RENAME TABLE t TO moved',
  'SET SESSION sql_log_bin = 0; UPDATE plain SET a = 2',
  'BEGIN; UPDATE plain SET a = 2; COMMIT',
]

describe('what was written beside shows:', () => {
  test('every kind of write, to its own database', async () => {
    const own = await createDatabase(server)
    const databases = await Promise.all(writing.map(async (statement) => ({ statement, ...(await watched()) })))
    const before = await writesOn(own)
    for (const { statement, other } of databases) await sql(server, other, statement)
    const after = await writesOn(own, before)
    expect(after.since).toBe(before.since)
    const changed = (name: string) => after.databases.get(name) !== before.databases.get(name)
    expect(databases.filter(({ other }) => changed(other)).map(({ statement }) => statement)).toEqual(writing)
    expect(databases.filter((one) => changed(one.own))).toEqual([])
  })

  test('in the very second of the first reading too', async () => {
    const { own, other } = await watched()
    for (let round = 1; round <= 8; round++) {
      await sql(server, other, `UPDATE plain SET a = ${round * 10}`)
      const before = await writesOn(own)
      await sql(server, other, `UPDATE plain SET a = ${round * 10 + 1}`)
      expect((await writesOn(own, before)).databases.get(other)).not.toBe(before.databases.get(other))
    }
  })

  test('a database that is gone', async () => {
    const { own, other } = await watched()
    const before = await writesOn(own)
    await sql(server, undefined, `DROP DATABASE ${other}`)
    expect(before.databases.has(other)).toBe(true)
    expect((await writesOn(own, before)).databases.has(other)).toBe(false)
  })
})

describe('nothing is said of', () => {
  test('reading, statistics, a dump, and what was written long before', async () => {
    const { own, other } = await watched()
    const before = await writesOn(own)
    await dumpOf(targetOf(other))
    await sql(
      server,
      other,
      'SELECT * FROM t; BEGIN; UPDATE t SET a = 9; ROLLBACK; ANALYZE TABLE t, plain, parts; FLUSH TABLES; SELECT * FROM t',
    )
    for (const seconds of [0, 11]) {
      await Bun.sleep(seconds * 1000) // statistics are made in the background, ten seconds after the writes
      expect((await writesOn(own, before)).databases.get(other)).toBe(before.databases.get(other))
    }
  })

  test('system databases, and those of ours', async () => {
    const own = await createDatabase(server)
    await sql(server, own, 'CREATE TABLE t (a int)')
    const scratch = await createDatabase(server, `${own}_seatbelt_0123abcd_new`)
    await sql(server, scratch, 'CREATE TABLE t (a int)')
    const { databases } = await writesOn(own)
    expect(databases.has(own)).toBe(true)
    for (const name of [scratch, 'mysql', 'sys', 'information_schema', 'performance_schema'])
      expect(databases.has(name)).toBe(false)
  })

  test('databases that this account may not see', async () => {
    const { own, other } = await watched()
    const hidden = await watched()
    const name = uniqueName('app')
    const who = await account(name, 'secret', [`ALL ON ${own}.*`, `SELECT ON ${other}.t`])
    const before = await writesOn(own, undefined, who)
    expect([...before.databases.keys()].filter((one) => [own, other, hidden.other].includes(one))).toEqual([other])
    await sql(server, other, 'TRUNCATE t')
    const after = await writesOn(own, before, who)
    expect(after.databases.get(other)).not.toBe(before.databases.get(other))
  })
})

test('a table that is locked for long holds nobody up', async () => {
  const { own, other } = await watched()
  const before = await writesOn(own)
  const locking = sql(server, other, 'CREATE TABLE slow AS SELECT SLEEP(20) AS a').catch(() => [])
  await Bun.sleep(500)
  const started = performance.now()
  const after = await writesOn(own, before)
  expect(after.databases.get(other)).not.toBe(before.databases.get(other))
  const [slow] = await sql(
    server,
    undefined,
    `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE INFO LIKE 'CREATE TABLE slow%' AND DB = '${other}'`,
  )
  expect(slow, `still running after ${performance.now() - started} ms`).toBeDefined()
  await sql(server, undefined, `KILL ${slow?.['id']}`)
  await locking
})

test.each([
  ['a time that went back was forgotten', '5/77 1000', '5/77 0', '5/77 1000'],
  ['a later time is a write', '5/77 1000', '5/77 1001', '5/77 1001'],
  ['another shape is one, whatever the time', '5/77 1000', '5/78 0', '5/78 0'],
])('%s', (_, then, now, text) => {
  const reading = (one: string) => ({ since: 'start', databases: new Map([['shop', one]]) })
  expect(withoutForgotten(reading(now), reading(then)).databases.get('shop')).toBe(text)
  expect(withoutForgotten({ ...reading(now), since: 'later' }, reading(then)).databases.get('shop')).toBe(now)
})
