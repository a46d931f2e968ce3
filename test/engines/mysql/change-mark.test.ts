import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mariadb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { provesUnchanged } from '../../../src/backup/change-mark.ts'
import type { ChangeMark } from '../../../src/engines/engine.ts'
import { readChangeMark } from '../../../src/engines/mysql/change-mark.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import * as databases from '../../servers/databases.ts'
import type { Kept } from '../../servers/keeper.ts'
import { type MariaServer, startMaria } from '../../servers/mariadb.ts'
import { answering, dumpOf, openSession, server as shared, somewhere, targetOf } from './world.ts'

// A server of its own: the number of the log moves with every write to any database of a server.
let server: MariaServer
let kept: Kept

beforeAll(async () => {
  const started = await startMaria({ restarts: true, settings: { 'innodb-stats-auto-recalc': 0 } })
  server = started.server
  kept = started.kept
})
afterAll(() => kept.stop())

function sql(database: string | undefined, text: string): Promise<Record<string, unknown>[]> {
  return databases.sql(server, database, text)
}

function place(database: string, changes: Partial<ServerTarget> = {}): ServerTarget {
  return targetOf(database, { port: server.port, password: new Secret(server.password), ...changes })
}

async function markOf(database: string, changes: Partial<ServerTarget> = {}): Promise<ChangeMark | undefined> {
  const session = await openSession(place(database, changes))
  return session.changeMark?.().finally(session.close)
}

/** A mark that only a change can make another: what the server does by itself after a write has come to its end. */
async function settledMark(database: string): Promise<ChangeMark['values']> {
  await sql(undefined, 'SET GLOBAL innodb_max_purge_lag_wait = 0')
  for (let [mark, same] = [await markOf(database), 0]; ; ) {
    await Bun.sleep(300)
    const next = await markOf(database)
    if (next === undefined) throw new Error('no mark')
    same = provesUnchanged(mark?.values, next) ? same + 1 : 0
    if (same === 4) return next.values
    mark = next
  }
}

const everything = `
  CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a varchar(50) DEFAULT 'x', b int, KEY kb (b));
  INSERT INTO t (a, b) VALUES ('1', 1), ('2', 2); CREATE TABLE u (a int);
  CREATE TABLE parts (a int) PARTITION BY RANGE (a) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE);
  CREATE TABLE versioned (a int) WITH SYSTEM VERSIONING; INSERT INTO versioned VALUES (1);
  CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 1;
  CREATE PROCEDURE p() SELECT 1; CREATE FUNCTION f() RETURNS int RETURN 1; CREATE SEQUENCE s;
  CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1`

async function databaseOfEverything(): Promise<string> {
  const name = await databases.createDatabase(server)
  await sql(name, everything)
  return name
}

describe('the mark proves that nothing was changed', () => {
  test('after reading, dumping, and what changes nothing; and nothing once something was changed', async () => {
    const name = await databaseOfEverything()
    const mark = await settledMark(name)
    await dumpOf(place(name))
    await sql(
      name,
      `SELECT * FROM t; START TRANSACTION WITH CONSISTENT SNAPSHOT; SELECT * FROM v; ROLLBACK; UPDATE t SET b = b; FLUSH TABLES;
       CHECK TABLE t; FLUSH STATUS; SELECT GET_LOCK('x', 1); CALL p(); DELETE FROM t WHERE id = 77; ALTER TABLE t DISABLE KEYS`,
    )
    expect(provesUnchanged(mark, await markOf(name))).toBe(true)
    await sql(name, 'UPDATE t SET b = 7')
    expect(provesUnchanged(mark, await markOf(name))).toBe(false)
  })

  test('and stays for a long while', async () => {
    const name = await databaseOfEverything()
    const mark = await settledMark(name)
    for (let times = 0; times < 20; times++) {
      await Bun.sleep(500)
      expect(provesUnchanged(mark, await markOf(name))).toBe(true)
    }
  })
})

describe('no change is missed:', () => {
  let name: string
  beforeAll(async () => {
    name = await databaseOfEverything()
  })

  test.each([
    "INSERT INTO t (a) VALUES ('3')",
    'DELETE FROM t WHERE id = 1',
    'SET SESSION sql_log_bin = 0; UPDATE t SET b = b + 1',
    "BEGIN; INSERT INTO t (a) VALUES ('x'); ROLLBACK -- AUTO_INCREMENT goes on",
    'TRUNCATE u',
    'ALTER TABLE t AUTO_INCREMENT = 1000',
    "ALTER TABLE t COMMENT 'x'",
    "ALTER TABLE t ALTER a SET DEFAULT 'y'",
    'ALTER TABLE t ADD CONSTRAINT ck CHECK (b > -5)',
    'ALTER TABLE t MODIFY b int INVISIBLE',
    'ALTER TABLE t ALTER INDEX kb IGNORED',
    'ALTER TABLE parts DROP PARTITION p0',
    'RENAME TABLE u TO moved',
    'UPDATE versioned SET a = 2',
    'DELETE HISTORY FROM versioned',
    'SELECT NEXTVAL(s) -- the first: it reserves a thousand',
    'ALTER VIEW v AS SELECT b FROM t',
    'CREATE OR REPLACE DEFINER = somebody VIEW v AS SELECT b FROM t',
    'CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.b = 2',
    'DROP TRIGGER tr',
    'CREATE OR REPLACE PROCEDURE p() SELECT 2',
    "SET SESSION sql_mode = 'ANSI'; CREATE OR REPLACE PROCEDURE p() SELECT 2",
    "ALTER FUNCTION f COMMENT 'x'",
    'DROP FUNCTION f',
    'ALTER EVENT e DISABLE',
    'DROP EVENT e',
    "ALTER DATABASE COMMENT 'x'",
    'ALTER DATABASE CHARACTER SET latin2',
    'ALTER DATABASE COLLATE latin2_bin',
  ])('%s', async (statement) => {
    const mark = await settledMark(name)
    await sql(name, statement)
    expect(provesUnchanged(mark, await markOf(name))).toBe(false)
  })

  test.each([
    [['BEGIN', 'UPDATE t SET b = b + 1'], 'COMMIT'],
    [["XA START 'x'", 'UPDATE t SET b = b + 1', "XA END 'x'", "XA PREPARE 'x'"], "XA COMMIT 'x'"],
  ])('what another session had changed before, and ends after the mark: %s; %s', async (statements, end) => {
    const { host, port, superuser: user, password } = server
    const other = await createConnection({ host, port, user, password, database: name })
    for (const statement of statements) await other.query(statement)
    const mark = await settledMark(name)
    await other.query(end)
    expect(provesUnchanged(mark, await markOf(name))).toBe(false)
    await other.end()
  })

  test('a sequence within what it has reserved is in the dump as it was', async () => {
    await sql(name, 'SELECT NEXTVAL(s)')
    const mark = await settledMark(name)
    const before = await dumpOf(place(name))
    await sql(name, 'SELECT NEXTVAL(s); SELECT SETVAL(s, 500)')
    if (provesUnchanged(mark, await markOf(name))) {
      const after = await dumpOf(place(name))
      expect({ tables: after.tables, schema: after.schemaDigest }).toEqual({
        tables: before.tables,
        schema: before.schemaDigest,
      })
    }
    await sql(name, 'SELECT SETVAL(s, 5000)')
    expect(provesUnchanged(mark, await markOf(name))).toBe(false)
  })
})

describe('a server that was started anew proves nothing by the same number:', () => {
  test.each(['SIGTERM', 'SIGKILL'] as const)('%s', async (signal) => {
    const name = await databaseOfEverything()
    const mark = await settledMark(name)
    if (signal === 'SIGKILL') await sql(name, 'UPDATE t SET b = 9') // perhaps lost: the log is not flushed yet
    process.kill(pidOf(server), signal)
    await untilStarted(mark)
    const now = await markOf(name)
    expect(now?.values['server']).not.toBe(mark['server'])
    expect(provesUnchanged({ ...mark, log: now?.values['log'] ?? '' }, now)).toBe(false)
  })
})

function pidOf({ dataDirectory }: MariaServer): number {
  return Number(readFileSync(join(dataDirectory, '..', 'pid'), 'utf8'))
}

async function untilStarted(before: ChangeMark['values']): Promise<void> {
  for (;;) {
    const [row] = await sql(undefined, startSql).catch(() => [])
    if (row !== undefined && !before['server']?.endsWith(` ${row['started']}`)) return
    await Bun.sleep(100)
  }
}

const startSql = `SELECT UNIX_TIMESTAMP() - VARIABLE_VALUE AS started
                    FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME = 'UPTIME'`

describe('there is no mark', () => {
  test.each(['MyISAM', 'Aria', 'MEMORY', 'CSV'])('where a table is %s', async (kind) => {
    const name = await databaseOfEverything()
    await sql(name, `CREATE TABLE other (a int NOT NULL) ENGINE = ${kind}`)
    expect(await markOf(name)).toBeUndefined()
  })

  test('where a view does not work: the dump is without it', async () => {
    const name = await databaseOfEverything()
    await sql(name, 'CREATE VIEW broken AS SELECT a FROM u; DROP TABLE u')
    expect(await markOf(name)).toBeUndefined()
  })

  test('for an account that may not see all', async () => {
    const name = await databaseOfEverything()
    for (const [rights, isThere] of [
      ['SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE', true],
      ['SELECT, SHOW VIEW, TRIGGER, EXECUTE', false],
    ] as const) {
      await sql(
        undefined,
        `CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'secret'; GRANT ${rights} ON ${name}.* TO app@'%'`,
      )
      await sql(undefined, "GRANT SELECT ON mysql.proc TO app@'%'")
      const mark = await markOf(name, { user: 'app', password: new Secret('secret') })
      expect(mark !== undefined).toBe(isThere)
    }
  })
})

test('a server that is being written to says so', async () => {
  const name = await databaseOfEverything()
  const writing = sql(name, 'BEGIN NOT ATOMIC LOOP UPDATE t SET b = b + 1; END LOOP; END').catch(() => [])
  let mark = await markOf(name)
  while (mark?.unsettled === undefined) mark = await markOf(name)
  expect(mark.unsettled).toContain('being written to')
  const [loop] = await sql(undefined, `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${name}'`)
  await sql(undefined, `KILL ${loop?.['id']}`)
  await writing
})

test('another server is another', async () => {
  const name = await databaseOfEverything()
  const other = await databases.createDatabase(shared)
  const session = await openSession(targetOf(other))
  const mark = await session.changeMark?.().finally(session.close)
  expect(mark?.values['server']).not.toBe((await markOf(name))?.values['server'])
})

describe('what a server says of its log', () => {
  const told = { server: 'db 3306', log: '1234', logging: 'ON', shared: 0 }

  function markBy(...answers: readonly Record<string, unknown>[]) {
    const logs = [...answers]
    const connection = answering(async (text) => {
      if (/_status/i.test(text)) return [logs.length > 1 ? (logs.shift() ?? {}) : (logs[0] ?? {})]
      if (/SHOW GRANTS/.test(text)) return [{ grants: 'GRANT ALL PRIVILEGES ON *.* TO `app`@`%`' }]
      return []
    })
    return readChangeMark(connection, { ...somewhere, flavour: 'mysql', version: '8.4.0' })
  }

  test('is the mark', async () => {
    expect(await markBy(told)).toEqual({ values: { server: 'db 3306', log: '1234' } })
  })

  test.each([
    ['before MySQL 8.0.30 there is no number', { ...told, log: null }],
    ['0 is none', { ...told, log: '0' }],
    ['it can be switched off', { ...told, logging: 'OFF' }],
    ['Aurora has no log of its own', { ...told, shared: 3 }],
    ['nothing at all', {}],
  ])('%s: no mark', async (_, answer) => {
    expect(await markBy(answer)).toBeUndefined()
  })

  test('two servers behind one address give none', async () => {
    expect(await markBy(told, { ...told, server: 'other 3306' })).toBeUndefined()
  })

  test('a number that moved proves nothing', async () => {
    expect(await markBy(told, { ...told, log: '1300' })).toMatchObject({
      values: { log: '1234' },
      unsettled: expect.any(String),
    })
  })
})
