import { Database } from 'bun:sqlite'
import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { readRows } from '../../../src/engines/sqlite/rows.ts'
import { column, make, temporaryFolder } from './databases.ts'

const unaborted = new AbortController().signal

const series = (n: number) => `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${n})`

/** Every way in which a table can be stored. */
const schema = [
  'CREATE TABLE empty (a)',
  'CREATE TABLE bare (id INTEGER PRIMARY KEY)',
  'CREATE TABLE mixed (id INTEGER PRIMARY KEY AUTOINCREMENT, a, b, c REAL, d AS (a || 1), e AS (id * 2) STORED)',
  'CREATE TABLE rowids (a)',
  'CREATE TABLE large (id INTEGER PRIMARY KEY, a BLOB) STRICT',
  'CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID',
  'CREATE TABLE largeKeyed (k INTEGER, v BLOB, PRIMARY KEY (v, k)) WITHOUT ROWID',
  'CREATE TABLE tiny (k INTEGER PRIMARY KEY) WITHOUT ROWID',
  'CREATE INDEX byA ON mixed (a)',
]

const rows = [
  `${series(3000)} INSERT INTO bare SELECT i FROM c`,
  `${series(2000)} INSERT INTO mixed (a, b, c) SELECT 'Zoë ' || i, CASE WHEN i % 3 THEN zeroblob(i) END, i + 0.5 FROM c`,
  `INSERT INTO rowids (rowid, a) VALUES (-9223372036854775808, 1), (-1, 2), (0, 3), (127, 4), (128, 5), (9223372036854775807, 6)`,
  `${series(60)} INSERT INTO large SELECT i, randomblob(i * 97) FROM c`,
  'INSERT INTO large VALUES (100, randomblob(500000)), (101, randomblob(65531)), (102, NULL)',
  `${series(5000)} INSERT INTO keyed SELECT 'key ' || i, i FROM c`,
  `${series(300)} INSERT INTO largeKeyed SELECT i, randomblob(i * 31) FROM c`,
  'INSERT INTO tiny VALUES (0), (1), (2)',
]

/** Holes in pages, free pages, rows that moved, and rows that are older than a column. */
const usage = [
  'DELETE FROM mixed WHERE id % 7 = 0',
  'UPDATE mixed SET b = zeroblob(300 - id % 300) WHERE id % 5 = 0',
  'DELETE FROM keyed WHERE v % 3 = 0',
  'DELETE FROM large WHERE id % 4 = 0',
  'DELETE FROM largeKeyed WHERE k % 5 = 0',
  "ALTER TABLE rowids ADD COLUMN b DEFAULT 'x'",
  'INSERT INTO rowids (rowid, a) VALUES (7, 8)',
]

const whole = [...schema, ...rows, ...usage]

type Read = Readonly<Record<string, { readonly rows: number; readonly digest: string }>>

async function read(path: string): Promise<Read> {
  const named = roots(path)
  const found = await readRows(unaborted, path, Object.values(named))
  return Object.fromEntries(Object.entries(named).map(([name, root]) => [name, found.get(root) ?? neverRead]))
}

const neverRead = { rows: -1, digest: '' }

function roots(path: string): Readonly<Record<string, number>> {
  const names = column(path, `SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name`)
  const pages = column(path, `SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name`)
  return Object.fromEntries(names.map((name, index) => [String(name), Number(pages[index])]))
}

const rowsOf = (found: Read) => Object.fromEntries(Object.entries(found).map(([name, { rows }]) => [name, rows]))

function countedBySql(path: string): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.keys(roots(path)).map((name) => [name, column(path, `SELECT count(*) FROM "${name}"`)[0]]),
  )
}

function vacuumed(path: string): string {
  const copy = `${path}.${Math.random()}.copy`
  make(path, `VACUUM INTO '${copy}'`)
  return copy
}

function withReserved(path: string, bytes: number): string {
  const reserveBytes = 38 // SQLITE_FCNTL_RESERVE_BYTES
  const database = new Database(path)
  database.fileControl(reserveBytes, new Int32Array([bytes, 0]))
  database.run('VACUUM')
  database.close(true)
  expect(readFileSync(path)[20]).toBe(bytes)
  return path
}

describe('rows read from the pages are as many as SQL counts', () => {
  test.each([
    ...[512, 1024, 4096, 8192, 32768, 65536].map((size) => `PRAGMA page_size = ${size}`),
    "PRAGMA encoding = 'UTF-16be'",
    'PRAGMA auto_vacuum = FULL',
    'PRAGMA page_size = 512; PRAGMA auto_vacuum = INCREMENTAL',
  ])('%s', async (pragmas) => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), pragmas, ...whole)
    const found = await read(path)
    expect(rowsOf(found)).toEqual(countedBySql(path))
    expect(await read(vacuumed(path))).toEqual(found)
  })

  test.each([
    [4096, 1],
    [4096, 255],
    [512, 32],
  ])('pages of %i bytes, of which an extension keeps %i', async (size, bytes) => {
    using folder = temporaryFolder()
    const path = withReserved(make(folder.at('x.db'), `PRAGMA page_size = ${size}`, ...whole), bytes)
    expect(rowsOf(await read(path))).toEqual(countedBySql(path))
  })

  test('10,000 tables', async () => {
    using folder = temporaryFolder()
    const creation = Array.from({ length: 10_000 }, (_, n) => `CREATE TABLE t${n} (a); INSERT INTO t${n} VALUES (${n})`)
    const path = make(folder.at('x.db'), `BEGIN; ${creation.join(';')}; COMMIT`)
    expect(new Set(Object.values(rowsOf(await read(path))))).toEqual(new Set([1]))
  })
})

describe('the digest of rows', () => {
  const folder = temporaryFolder()
  const base: { path: string; read: Read } = { path: folder.at('base.db'), read: {} }
  beforeAll(async () => {
    make(base.path, ...whole)
    base.read = await read(vacuumed(base.path))
  })
  afterAll(() => folder[Symbol.dispose]())

  it('is the same in pages of any size', async () => {
    using folder = temporaryFolder()
    const path = folder.at('x.db')
    copyFileSync(base.path, path)
    for (const size of [512, 2048, 65536]) {
      make(path, `PRAGMA page_size = ${size}`, 'VACUUM')
      // This VACUUM completes the rows that are older than a column.
      const { rowids: _, ...same } = base.read
      expect(await read(path)).toMatchObject(same)
    }
  })

  it('is the same in two copies, and whatever was done before to come to these rows', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), ...whole)
    const copy = vacuumed(path)
    const found = await read(copy)
    expect(await read(vacuumed(path))).toEqual(found)
    // The same rows by another way, in other pages.
    const other = make(
      folder.at('y.db'),
      'CREATE TABLE before (a)',
      'INSERT INTO before VALUES (zeroblob(100000))',
      ...schema,
      `${series(999)} INSERT INTO keyed SELECT 'gone ' || i, i FROM c`,
      `ATTACH '${copy}' AS source`,
      'INSERT INTO rowids (rowid, a) SELECT rowid, a FROM source.rowids ORDER BY random()',
      'INSERT INTO mixed (id, a, b, c) SELECT id, a, b, c FROM source.mixed ORDER BY random()',
      ...['bare', 'large', 'keyed', 'largeKeyed', 'tiny'].map(
        (table) => `INSERT INTO ${table} SELECT * FROM source.${table} ORDER BY random()`,
      ),
      "DELETE FROM keyed WHERE k LIKE 'gone%'",
    )
    const { before: _, rowids: one, ...again } = await read(vacuumed(other))
    const { rowids: two, ...same } = found
    expect(again).toEqual(same)
    // One row was written after the column came.
    expect([one?.rows, one?.digest === two?.digest]).toEqual([7, false])
  })

  it.each([
    ['bare', 'UPDATE bare SET id = 4000 WHERE id = 17'],
    ['mixed', "UPDATE mixed SET a = 'Zoé 1000' WHERE id = 1000"],
    ['mixed', 'DELETE FROM mixed WHERE id = 1'],
    ['rowids', 'UPDATE rowids SET rowid = 9223372036854775806 WHERE a = 6'],
    ['rowids', 'UPDATE rowids SET a = 1.5 WHERE rowid = 0'],
    ['rowids', "UPDATE rowids SET b = 'y' WHERE rowid = -1"],
    ['large', 'UPDATE large SET a = randomblob(65531) WHERE id = 101'],
    ['large', 'UPDATE large SET a = zeroblob(0) WHERE id = 102'],
    ['keyed', "UPDATE keyed SET v = 1 WHERE k = 'key 4000'"],
    ['keyed', 'DELETE FROM keyed WHERE k = (SELECT k FROM keyed LIMIT 1 OFFSET 1234)'],
    ['largeKeyed', 'UPDATE largeKeyed SET k = 1000 WHERE k = 299'],
    ['tiny', 'UPDATE tiny SET k = 3 WHERE k = 2'],
    ['empty', 'INSERT INTO empty VALUES (NULL)'],
  ])('sees in %s alone: %s', async (table, change) => {
    using folder = temporaryFolder()
    const path = folder.at('x.db')
    copyFileSync(base.path, path)
    make(path, change)
    const [before, after] = [base.read, await read(vacuumed(path))]
    const changed = Object.keys(before).filter((name) => before[name]?.digest !== after[name]?.digest)
    expect(changed).toEqual([table])
  })

  it.each([-1, 1, 127, 128, 16_384, 2 ** 48])('sees the last byte of the row %i', async (rowid) => {
    using folder = temporaryFolder()
    const digests = ['a', 'b'].map(async (value) => {
      const row = `INSERT INTO t (rowid, a) VALUES (${rowid}, 'value ${value}')`
      return (await read(make(folder.at(value), 'CREATE TABLE t (a)', row)))['t']?.digest
    })
    expect(new Set(await Promise.all(digests)).size).toBe(2)
  })

  it('sees any byte of a row that overflows, and of a row that is a key', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE large (a)', 'CREATE TABLE keyed (k PRIMARY KEY) WITHOUT ROWID')
    const contents = (at: number) => Buffer.alloc(70_000, 'a').fill('b', at, at + 1)
    const database = new Database(path)
    const digests = new Set<string | undefined>()
    const places = [0, 1, 400, 3000, 4080, 8170, 8176, 40_000, 69_998, 69_999]
    for (const place of places) {
      database.run('DELETE FROM large')
      database.run('DELETE FROM keyed')
      database.run('INSERT INTO large VALUES (?)', [contents(place)])
      database.run('INSERT INTO keyed VALUES (?)', [contents(place)])
      const found = await read(path)
      digests.add(found['large']?.digest).add(found['keyed']?.digest)
    }
    database.close()
    expect(digests.size).toBe(2 * places.length)
  })
})

describe('a damaged table is never read as a whole one', () => {
  it.each<[string, (bytes: Buffer, root: number) => void, RegExp]>([
    ['a page that is none', (bytes, root) => bytes.fill(0, root, root + 4096), /page 2 is none of a table/],
    [
      'a child beyond the file',
      (bytes, root) => bytes.writeUInt32BE(9_999_999, root + 8),
      /page 9999999 does not exist/,
    ],
    [
      'a child that is its own parent',
      (bytes, root) => bytes.writeUInt32BE(root / 4096 + 1, root + 8),
      /page 2 is used twice/,
    ],
    ['a row that is longer than its page', (bytes) => lengthenRow(bytes), /goes beyond its page/],
    ['an overflow in a circle', (bytes) => circle(bytes), /is used twice/],
    [
      'an overflow that ends early',
      (bytes) => bytes.writeUInt32BE(0, overflowBefore(bytes, lastOverflow(bytes))),
      /page 0 does not exist/,
    ],
    ['an overflow that goes on', (bytes) => bytes.writeUInt32BE(2, lastOverflow(bytes)), /longer than it says/],
  ])('%s', async (_, damage, message) => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('x.db'),
      'CREATE TABLE t (a)',
      `${series(200)} INSERT INTO t SELECT zeroblob(900) FROM c`,
      'INSERT INTO t VALUES (randomblob(20000))',
    )
    const root = roots(path)['t'] ?? 0
    const bytes = readFileSync(path)
    damage(bytes, 4096 * (root - 1))
    writeFileSync(path, bytes)
    await expect(readRows(unaborted, path, [root])).rejects.toThrow(message)
  })

  it('an index, which has no rows of its own', async () => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('x.db'),
      'CREATE TABLE t (a)',
      'CREATE INDEX i ON t (a)',
      `${series(2000)} INSERT INTO t SELECT hex(zeroblob(40)) || i FROM c`,
    )
    const [index] = column(path, "SELECT rootpage FROM sqlite_schema WHERE name = 'i'")
    const tables = Object.values(roots(path))
    expect(await readRows(unaborted, path, tables, [Number(index)])).toEqual(await readRows(unaborted, path, tables))
    const bytes = readFileSync(path)
    const child = bytes.readUInt32BE(4096 * (Number(index) - 1) + 8)
    writeFileSync(path, bytes.fill(0xaa, 4096 * (child - 1), 4096 * child))
    await readRows(unaborted, path, tables)
    await expect(readRows(unaborted, path, tables, [Number(index)])).rejects.toThrow(/is none of a table or an index/)
  })

  it('a page that two tables have', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)', 'INSERT INTO t VALUES (1)')
    await expect(readRows(unaborted, path, [2, 2])).rejects.toThrow(/page 2 is used twice/)
  })

  /** Where an overflow page begins that names `page` as its next one. */
  function overflowNaming(bytes: Buffer, page: number): number {
    for (let at = 4096; at < bytes.length; at += 4096) if (bytes.readUInt32BE(at) === page) return at
    return Number.NaN
  }

  /** Of the first leaf, the row that ends with the page. */
  function lengthenRow(bytes: Buffer): void {
    const leaf = [...bytes.keys()].find((at) => at > 4000 && at % 4096 === 0 && bytes[at] === 13) ?? 0
    const row = leaf + bytes.readUInt16BE(leaf + 8)
    bytes.writeUInt8(bytes.readUInt8(row) | 8, row)
  }

  function circle(bytes: Buffer): void {
    const before = overflowBefore(bytes, lastOverflow(bytes))
    bytes.writeUInt32BE(before / 4096 + 1, before)
  }

  const lastOverflow = (bytes: Buffer) => overflowNaming(bytes, 0)
  const overflowBefore = (bytes: Buffer, at: number) => overflowNaming(bytes, at / 4096 + 1)

  it('a file that is cut off, and what is no database', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), ...whole)
    truncateSync(path, 100 * 4096)
    await expect(readRows(unaborted, path, [2, 3, 4, 5, 6, 7, 8, 9])).rejects.toThrow(/does not exist/)
    writeFileSync(path, 'no database')
    await expect(readRows(unaborted, path, [2])).rejects.toThrow(/not a database/)
  })
})

it('ends when it is interrupted', async () => {
  using folder = temporaryFolder()
  const path = make(
    folder.at('x.db'),
    'CREATE TABLE t (a)',
    `${series(20)} INSERT INTO t SELECT zeroblob(1000000) FROM c`,
  )
  const controller = new AbortController()
  const reading = readRows(controller.signal, path, [2])
  controller.abort(new Error('interrupted'))
  await expect(reading).rejects.toThrow('interrupted')
})
