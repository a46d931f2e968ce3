import { Database } from 'bun:sqlite'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { DumpResult } from '../../../src/engines/engine.ts'
import { readingOf } from '../../../src/engines/sqlite/access.ts'
import { writeCopy } from '../../../src/engines/sqlite/dump.ts'
import { column, copyOf, failureOf, ioWith, make, opened, otherProcess, temporaryFolder } from './databases.ts'

const everything = [
  'PRAGMA page_size = 8192',
  "PRAGMA encoding = 'UTF-16le'",
  'PRAGMA auto_vacuum = INCREMENTAL',
  'PRAGMA user_version = 42',
  'PRAGMA application_id = 1234',
  'CREATE TABLE sequenced (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)',
  "INSERT INTO sequenced (name) VALUES ('Zoë'), ('O''Brien'), (NULL)",
  'DELETE FROM sequenced WHERE id = 3',
  'CREATE TABLE log (what TEXT)',
  "CREATE TRIGGER after_delete AFTER DELETE ON sequenced BEGIN INSERT INTO log VALUES ('deleted ' || old.id); END",
  'CREATE VIEW names AS SELECT name FROM sequenced',
  'CREATE TABLE computed (a INTEGER, b INTEGER AS (a * 2) STORED, c AS (a + 1))',
  'INSERT INTO computed (a) VALUES (1), (2)',
  'CREATE INDEX by_expression ON computed (a + b) WHERE a > 1',
  'CREATE TABLE keyed (k TEXT PRIMARY KEY, v ANY) STRICT, WITHOUT ROWID',
  "INSERT INTO keyed VALUES ('blob', x'00ff10'), ('real', 0.1), ('big', 9223372036854775807)",
  'CREATE TABLE unkeyed (v)',
  'INSERT INTO unkeyed (rowid, v) VALUES (5, 1), (50, 2), (500, 3)',
  'CREATE VIRTUAL TABLE notes USING fts5(body)',
  "INSERT INTO notes VALUES ('the quick brown fox'), ('lazy dogs')",
  'CREATE VIRTUAL TABLE boxes USING rtree(id, x0, x1)',
  'INSERT INTO boxes VALUES (1, 0.0, 1.0)',
  'CREATE TABLE "Order ""Items""\nof ünïcode" ("a b" INTEGER)',
  'INSERT INTO "Order ""Items""\nof ünïcode" VALUES (1)',
  'ANALYZE',
]

describe('a dump', () => {
  it('keeps everything', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('all.db'), ...everything)
    const { tables, notes, properties, client } = await copyOf(path, folder.at('copy'))
    const copy = folder.at('copy')
    for (const pragma of ['page_size', 'encoding', 'auto_vacuum', 'user_version', 'application_id'])
      expect([pragma, column(copy, `PRAGMA ${pragma}`)]).toEqual([pragma, column(path, `PRAGMA ${pragma}`)])
    for (const sql of [
      `SELECT type || name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`,
      'SELECT name || seq FROM sqlite_sequence',
      'SELECT tbl || coalesce(idx, 0) || stat FROM sqlite_stat1 ORDER BY 1',
      'SELECT rowid FROM unkeyed',
      'SELECT a || b || c FROM computed',
      'SELECT k || typeof(v) || quote(v) FROM keyed',
      "SELECT body FROM notes WHERE notes MATCH 'quick'",
      'SELECT id FROM boxes WHERE x0 < 1',
    ])
      expect([sql, column(copy, sql)]).toEqual([sql, column(path, sql)])
    expect(column(copy, 'DELETE FROM sequenced WHERE id = 1 RETURNING name')).toEqual(['Zoë'])
    expect(column(copy, 'SELECT what FROM log')).toEqual(['deleted 1'])
    expect(tables).toMatchObject([
      { name: '"Order ""Items""\nof ünïcode"', rows: 1 },
      { name: 'boxes', rows: 1 },
      { name: 'computed', rows: 2 },
      { name: 'keyed', rows: 3 },
      { name: 'log', rows: 0 },
      { name: 'notes', rows: 2 },
      { name: 'sequenced', rows: 2 },
      { name: 'unkeyed', rows: 3 },
    ])
    expect({ notes, properties, mode: statSync(copy).mode & 0o777 }).toEqual({
      notes: [],
      properties: { journal_mode: 'delete' },
      mode: 0o600,
    })
    expect(client).toMatch(/^sqlite 3\.\d+/)
  })

  it('holds the rows that are only in the WAL, of a database that is in use', async () => {
    using folder = temporaryFolder()
    const path = folder.at('wal.db')
    await using _ = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA journal_mode = WAL');
       d.run('PRAGMA wal_autocheckpoint = 0'); d.run('CREATE TABLE t (a)');
       d.run('WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000) INSERT INTO t SELECT i FROM c'); console.log('ready'); setInterval(() => d, 1000)`,
      path,
    )
    expect(statSync(path).size).toBeLessThan(statSync(`${path}-wal`).size)
    const { tables, properties } = await copyOf(path, folder.at('copy'))
    expect({ tables, properties }).toMatchObject({
      tables: [{ name: 't', rows: 1000 }],
      properties: { journal_mode: 'wal' },
    })
    expect(folder.names()).toEqual(['copy', 'wal.db', 'wal.db-shm', 'wal.db-wal'])
  })

  it.each(['delete', 'wal'])('is consistent while another program writes (journal_mode %s)', async (mode) => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE a (v)', 'CREATE TABLE b (v)')
    await using _ = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA busy_timeout = 5000'); let n = 0
       const both = d.transaction(() => { d.run('INSERT INTO a VALUES (randomblob(2000))'); d.run('INSERT INTO b VALUES (randomblob(2000))') })
       const go = () => { for (let i = 0; i < 20; i++) both.immediate(); if (++n === 3) console.log('ready'); setTimeout(go, 1) }; go()`,
      path,
    )
    for (let i = 0; i < 5; i++) {
      const { tables } = await copyOf(path, folder.at(`copy${i}`))
      expect(tables[0]?.rows).toBe(tables[1]?.rows)
      expect(tables[0]?.rows).toBeGreaterThan(59)
      expect(column(folder.at(`copy${i}`), 'PRAGMA integrity_check')).toEqual(['ok'])
    }
  })

  it.each([
    'a b.db',
    'q?mode=memory&cache=shared',
    '#h%20%.db',
    `q'uo"te.db`,
    'new\nline.db',
    'ünï✓.db',
    'file:x',
    ':memory:',
    '-rf',
  ])('takes the name %j as it is', async (name) => {
    using folder = temporaryFolder()
    const path = make(folder.at(name), 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)')
    mkdirSync(folder.at('to'))
    expect((await copyOf(path, folder.at(`to/${name}.copy`))).tables).toMatchObject([{ name: 't', rows: 1 }])
    expect(folder.names()).toEqual([name, 'to'].sort())
  })
})

describe('what a dump says of what is in it', () => {
  async function dumpOf(...statements: readonly string[]): Promise<DumpResult> {
    using folder = temporaryFolder()
    return await copyOf(make(folder.at('x.db'), ...statements), folder.at('copy'))
  }

  it('names the columns with their types, as they were written', async () => {
    const { tables } = await dumpOf(
      'CREATE TABLE t (id INTEGER PRIMARY KEY, "full name" varchar(20) NOT NULL, b, c AS (id * 2), d TEXT AS (b) STORED)',
      'CREATE TABLE w (a INT, b INT, PRIMARY KEY (b, a)) WITHOUT ROWID',
      'CREATE VIRTUAL TABLE n USING fts5(title, body)',
      'CREATE VIEW v AS SELECT * FROM t',
    )
    expect(tables.map(({ name, columns }) => [name, columns])).toEqual([
      ['n', ['title', 'body']],
      ['t', ['id INTEGER', '"full name" varchar(20)', 'b', 'c', 'd TEXT']],
      ['w', ['a INT', 'b INT']],
    ])
  })

  const search = 'CREATE VIRTUAL TABLE n USING fts5(body)'
  it.each([
    ['a word of a virtual table', [search, "INSERT INTO n VALUES ('fox')"], [search, "INSERT INTO n VALUES ('fix')"]],
    [
      'how far AUTOINCREMENT has counted',
      ['CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)', 'INSERT INTO t VALUES (1)', 'DELETE FROM t'],
      ['CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT)', 'INSERT INTO t VALUES (2)', 'DELETE FROM t'],
    ],
  ])('sees in the digest of a table: %s', async (_, one, other) => {
    const dumps = [await dumpOf(...one), await dumpOf(...other), await dumpOf(...one)]
    const [first, second, again] = dumps.map(({ tables }) => tables[0])
    expect({ ...first, digest: '' }).toEqual({ ...second, digest: '' })
    expect(first?.digest).toMatch(/^[0-9a-f]{16}$/)
    expect([first?.digest === second?.digest, first?.digest === again?.digest]).toEqual([false, true])
  })

  const plain = ['CREATE TABLE t (a)']
  it.each<[string, readonly string[], boolean]>([
    ['other rows', ['INSERT INTO t VALUES (1)'], true],
    ['statistics', ['INSERT INTO t VALUES (1)', 'CREATE INDEX i ON t (a)', 'ANALYZE', 'DROP INDEX i'], true],
    ['another page size', ['PRAGMA page_size = 8192', 'VACUUM'], true],
    ['a column', ['ALTER TABLE t ADD COLUMN b DEFAULT 1'], false],
    ['an index', ['CREATE INDEX i ON t (a)'], false],
    ['a view', ['CREATE VIEW v AS SELECT 1'], false],
    ['a trigger', ['CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END'], false],
    ['user_version', ['PRAGMA user_version = 1'], false],
    ['application_id', ['PRAGMA application_id = 1'], false],
  ])('after %s: the same digest of the schema, or another', async (_, statements, same) => {
    const [before, after] = [await dumpOf(...plain), await dumpOf(...plain, ...statements)]
    expect(before.schemaDigest).toMatch(/^[0-9a-f]{16}$/)
    expect(before.schemaDigest === after.schemaDigest).toBe(same)
  })
})

describe('a dump that fails leaves no file', () => {
  it.each(['table', 'index'])('of a database with a damaged %s: 30, with what to do', async (type) => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('bad.db'),
      'CREATE TABLE t (a, b)',
      'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 2000) INSERT INTO t SELECT i, zeroblob(100) FROM c',
      'CREATE INDEX i ON t (a)',
    )
    const [root] = column(path, `SELECT rootpage FROM sqlite_schema WHERE type = '${type}'`)
    const bytes = readFileSync(path)
    const child = bytes.readUInt32BE(4096 * (Number(root) - 1) + 8)
    bytes.fill(0xaa, 4096 * (child - 1), 4096 * child)
    writeFileSync(path, bytes)
    const failure = await failureOf(copyOf(path, folder.at('copy')))
    expect([failure.code, failure.text.what]).toEqual([30, `the SQLite database ${path} is damaged`])
    expect(failure.text.next?.join('\n')).toContain('restore-database')
    expect(folder.names()).toEqual(['bad.db'])
  })

  it('of a database that stays locked: 30, naming who holds it', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const { server } = await opened(path)
    const reading = await readingOf(ioWith().signal, path)
    const source = { path, server, reading: { ...reading, opening: { ...reading.opening, seconds: 0.2 } } }
    await using holder = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('BEGIN EXCLUSIVE'); console.log('ready'); setInterval(() => d, 1000)`,
      path,
    )
    const failure = await failureOf(writeCopy(ioWith(), source, folder.at('copy')))
    expect(failure.code).toBe(30)
    expect(failure.text.why?.join()).toContain(`process ${holder.pid}`)
    expect(folder.names()).toEqual(['x.db'])
  })

  it('of a schema that only its own program can use: 30, with what to do', async () => {
    using folder = temporaryFolder()
    const database = new Database(folder.at('own.db'))
    database.function('mine', { deterministic: true }, (value) => value)
    database.run('CREATE TABLE t (a)')
    database.run('CREATE INDEX i ON t (mine(a))')
    database.close(true)
    const failure = await failureOf(copyOf(folder.at('own.db'), folder.at('copy')))
    expect([failure.code, failure.text.why]).toEqual([30, ['no such function: mine']])
    expect(folder.names()).toEqual(['own.db'])
  })

  it('into a folder that is not there, or onto a file that is: 30, and that file stays', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    writeFileSync(folder.at('taken'), 'mine')
    expect((await failureOf(copyOf(path, folder.at('no/copy')))).code).toBe(30)
    expect((await failureOf(copyOf(path, folder.at('taken')))).code).toBe(30)
    expect(await Bun.file(folder.at('taken')).text()).toBe('mine')
  })

  it('when it is interrupted before it began, also while it waits', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const controller = new AbortController()
    const session = await opened(path, ioWith(controller.signal))
    const dump = await session.dump()
    if (dump.kind !== 'file') throw new Error('a stream')
    const holder = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('BEGIN EXCLUSIVE'); console.log('ready'); setInterval(() => d, 1000)`,
      path,
    )
    const writing = failureOf(dump.write(folder.at('copy')))
    await Bun.sleep(50)
    controller.abort(new Error('interrupted'))
    expect((await writing).message).toBe('interrupted')
    await holder.kill()
    await Bun.sleep(100)
    expect(folder.names()).toEqual(['x.db'])
  })

  it('when it is interrupted, at once', async () => {
    using folder = temporaryFolder()
    const path = big(folder.at('big.db'))
    const controller = new AbortController()
    const copying = failureOf(copyOf(path, folder.at('copy'), ioWith(controller.signal)))
    while (!(existsSync(folder.at('copy')) && statSync(folder.at('copy')).size > 1_000_000)) await Bun.sleep(1)
    const start = performance.now()
    controller.abort(new Error('interrupted'))
    expect((await copying).message).toBe('interrupted')
    expect(performance.now() - start).toBeLessThan(100)
    // At once, for our process ends now; and still when the abandoned thread is done.
    expect(folder.names()).toEqual(['big.db'])
    await Bun.sleep(500)
    expect(folder.names()).toEqual(['big.db'])
  })
})

it('a dump leaves the process free to draw and to listen', async () => {
  using folder = temporaryFolder()
  const path = big(folder.at('big.db'))
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  await copyOf(path, folder.at('copy'))
  clearInterval(timer)
  expect(ticks).toBeGreaterThan(5)
})

function big(path: string): string {
  return make(
    path,
    'PRAGMA synchronous = OFF',
    'CREATE TABLE t (a)',
    'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 100000) INSERT INTO t SELECT zeroblob(900) FROM c',
  )
}
