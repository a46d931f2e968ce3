import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { LiveTable } from '../../../src/engines/engine.ts'
import { copyOf, failureOf, make, opened, programOn, temporaryFolder } from './databases.ts'

async function contentsOf(path: string, seconds = 60): Promise<readonly LiveTable[]> {
  const session = await opened(path)
  try {
    return (await session.contents?.(seconds)) ?? []
  } finally {
    await session.close()
  }
}

const series = (n: number) => `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${n})`

const everyKind = [
  'CREATE TABLE empty (a)',
  'CREATE TABLE plain (id INTEGER PRIMARY KEY, "full name" TEXT, doubled AS (id * 2))',
  `${series(300)} INSERT INTO plain (id) SELECT i FROM c`,
  'CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID',
  `${series(200)} INSERT INTO keyed SELECT 'key ' || i FROM c`,
  'CREATE TABLE named (rowid TEXT, oid TEXT)',
  "INSERT INTO named VALUES ('a', 'b'), ('a', 'b'), (NULL, NULL)",
  'CREATE TABLE allNamed (rowid TEXT, _ROWID_ TEXT, oid TEXT)',
  "INSERT INTO allNamed VALUES ('a', 'b', 'c'), ('a', 'b', 'c')",
  'CREATE VIRTUAL TABLE notes USING fts5(body)',
  "INSERT INTO notes VALUES ('the quick brown fox'), ('lazy dogs')",
  'CREATE VIEW v AS SELECT * FROM plain',
]

describe('what is in a database now', () => {
  it.each(['delete', 'wal'])('are the tables that its dump has, without digests (journal_mode %s)', async (mode) => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), `PRAGMA journal_mode = ${mode}`, ...everyKind)
    const { tables } = await copyOf(path, folder.at('copy'))
    expect(await contentsOf(path)).toEqual(tables.map(({ digest: _, ...table }) => table))
    expect(folder.names()).toEqual(['copy', 'x.db'])
  })

  it.each([
    ['t (a)', 'i * 3'],
    ['t (a) -- farther than a number holds exactly here', '1152921504606846976 + i'],
    ['t (a, RowID TEXT)', 'i'],
    ['t (a, rowid TEXT, oid TEXT, _rowid_ TEXT)', ''],
  ])('is counted through all parts: %s', async (columns, rowid) => {
    using folder = temporaryFolder()
    const name = /rowid/i.test(columns) ? 'oid' : 'rowid'
    const insert = rowid === '' ? "(a) SELECT 'same'" : `(${name}, a) SELECT ${rowid}, 'same'`
    const path = make(folder.at('x.db'), `CREATE TABLE ${columns}`, `${series(600_000)} INSERT INTO t ${insert} FROM c`)
    expect(await contentsOf(path)).toMatchObject([{ name: 't', rows: 600_000 }])
  })

  it('is counted from the least rowid to the largest', async () => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('x.db'),
      'CREATE TABLE t (a)',
      `${series(600_000)} INSERT INTO t SELECT i FROM c`,
      'INSERT INTO t (rowid) VALUES (-9223372036854775808), (-1), (9223372036854775806), (9223372036854775807)',
    )
    expect(await contentsOf(path)).toEqual([{ name: 't', rows: 600_004, columns: ['a'] }])
  })

  it('is told while a program writes, with what it has committed', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'PRAGMA journal_mode = WAL', ...everyKind)
    await using program = await programOn(path)
    await program.run('DELETE FROM plain', 'BEGIN', 'DELETE FROM keyed')
    expect(await contentsOf(path)).toMatchObject([
      {},
      {},
      { name: 'keyed', rows: 200 },
      {},
      {},
      { name: 'plain', rows: 0 },
    ])
  })

  it('is not told while a program holds it for itself', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), ...everyKind)
    const session = await opened(path)
    await using program = await programOn(path)
    await program.run('BEGIN EXCLUSIVE')
    expect((await failureOf(session.contents?.(0.1) ?? Promise.resolve())).message).toMatch(/locked/)
  })

  it('leaves out a virtual table whose module is not there, as a dump does', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), ...everyKind)
    writeFileSync(path, readFileSync(path, 'latin1').replace('USING fts5', 'USING ftsX'), 'latin1')
    const { tables, notes } = await copyOf(path, folder.at('copy'))
    expect(notes).toEqual([expect.stringMatching(/notes are not counted/)])
    for (const seconds of [60, 0])
      expect((await contentsOf(path, seconds)).map(({ name }) => name)).toEqual(tables.map(({ name }) => name))
  })
})

describe('what could not be counted in time is estimated', () => {
  it.each([512, 4096, 65536])('from a few ways down its b-tree (pages of %i bytes)', async (size) => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('x.db'),
      `PRAGMA page_size = ${size}`,
      'CREATE TABLE plain (id INTEGER PRIMARY KEY, a)',
      `${series(100_000)} INSERT INTO plain SELECT i, 'row ' || i FROM c`,
      'DELETE FROM plain WHERE id > 40000',
      'CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID',
      `${series(50_000)} INSERT INTO keyed SELECT 'key ' || i FROM c`,
      'CREATE VIRTUAL TABLE notes USING fts5(body)',
      `${series(2000)} INSERT INTO notes SELECT 'note ' || i FROM c`,
      'CREATE TABLE empty (a)',
    )
    const tables = await contentsOf(path, 0)
    expect(tables.map(({ name, estimated }) => [name, estimated])).toEqual([
      ['empty', true],
      ['keyed', true],
      ['notes', true],
      ['plain', true],
    ])
    const [empty, keyed, notes, plain] = tables.map(({ rows }) => rows)
    expect(empty).toBe(0)
    for (const [rows = 0, estimate = 0] of [
      [50_000, keyed],
      [2000, notes],
      [40_000, plain],
    ])
      expect(Math.abs(estimate - rows) / rows).toBeLessThan(0.35)
  })
})

describe('what a database says of itself', () => {
  it.each<[string, readonly string[], readonly string[]]>([
    ['nothing', [], []],
    ['what Rails wrote', [rails('ar_internal_metadata', 'production')].flat(), ['production']],
    [
      'what Rails wrote for several, under names of their own',
      [rails('shop_ar_internal_metadata', 'production'), rails('x_ar_internal_metadata', 'development')].flat(),
      ['development', 'production'],
    ],
    ['nothing in a table of that name that is another', ['CREATE TABLE ar_internal_metadata (a)'], []],
  ])('is %s', async (_, statements, values) => {
    using folder = temporaryFolder()
    const { server } = await opened(make(folder.at('x.db'), 'CREATE TABLE t (a)', ...statements))
    expect(server.markers).toEqual(values.map((value) => ({ value, source: 'ar_internal_metadata' })))
  })

  function rails(table: string, environment: string): readonly string[] {
    return [
      `CREATE TABLE ${table} (key varchar NOT NULL PRIMARY KEY, value varchar)`,
      `INSERT INTO ${table} VALUES ('environment', '${environment}'), ('schema_sha1', 'staging')`,
    ]
  }

  it('cannot be a marker of ours: says where it belongs instead', async () => {
    using folder = temporaryFolder()
    const session = await opened(make(folder.at('shop "1".db'), 'CREATE TABLE t (a)'))
    const failure = await failureOf(session.mark?.('production') ?? Promise.resolve())
    expect([failure.code, failure.text.next]).toEqual([
      20,
      ['name it in seatbelt.json instead: { "productionNames": ["shop \\"1\\".db"] }'],
    ])
  })
})
