import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  readFileSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import {
  column,
  contentOf,
  copyOf,
  failureOf,
  ioWith,
  make,
  opened,
  otherProcess,
  restored,
  target,
  temporaryFolder,
} from './databases.ts'

const rows = (n: number) =>
  `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${n}) INSERT INTO t SELECT 'row ' || i FROM c`

const sha = async (path: string) => Bun.SHA256.hash(await Bun.file(path).bytes(), 'hex')

/** A folder with `live.db` of ten rows and its backup `copy`. */
async function backedUp(mode = 'delete') {
  const folder = temporaryFolder()
  const live = make(folder.at('live.db'), `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE t (a)', rows(10))
  const dumped = await copyOf(live, folder.at('copy'))
  return { folder, live, copy: folder.at('copy'), dumped, [Symbol.dispose]: folder[Symbol.dispose] }
}

describe('a restore', () => {
  it.each(['delete', 'wal'])('brings back what was dumped, and only that (journal_mode %s)', async (mode) => {
    using it = await backedUp(mode)
    make(it.live, 'DELETE FROM t', 'CREATE TABLE later (x)')
    const outcome = await restored(it.live, it.copy, it.dumped)
    expect(outcome).toMatchObject({ way: 'swap', tables: [{ name: 't', rows: 10 }], notes: [] })
    expect(column(it.live, 'SELECT name FROM sqlite_schema')).toEqual(['t'])
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
    expect(column(it.live, 'PRAGMA journal_mode')).toEqual([mode])
    expect(it.folder.names()).toEqual(['copy', 'live.db'])
  })

  it('of a backup from before there were digests compares the rows alone', async () => {
    using it = await backedUp()
    make(it.live, 'DELETE FROM t')
    const tables = [{ name: 't', rows: 10 }]
    await restored(it.live, it.copy, { ...it.dumped, tables })
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
  })

  it('says its steps', async () => {
    using it = await backedUp()
    const steps: string[] = []
    const request = { target: target(it.live), content: contentOf(it.copy), properties: {} }
    await sqlite.restore(ioWith(), { ...request, step: (name) => steps.push(name) })
    expect(steps).toEqual(['loading', 'comparing', 'swapping'])
  })

  it('does not let rows of the old WAL into the new file', async () => {
    using it = await backedUp('wal')
    const writer = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA wal_autocheckpoint = 0');
       for (let i = 0; i < 1500; i++) d.run("INSERT INTO t VALUES ('stale')"); console.log('ready'); setInterval(() => d, 1000)`,
      it.live,
    )
    await writer.kill()
    expect(statSync(`${it.live}-wal`).size).toBeGreaterThan(100_000)
    await restored(it.live, it.copy, it.dumped)
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
    expect(it.folder.names()).toEqual(['copy', 'live.db'])
  })

  it('does not roll the journal of a crash into the new file', async () => {
    using it = await backedUp()
    const writer = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA cache_size = 1'); d.run('BEGIN'); d.run('DELETE FROM t');
       d.run('WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO t SELECT zeroblob(500) FROM c'); console.log('ready'); setInterval(() => d, 1000)`,
      it.live,
    )
    await writer.kill()
    expect(existsSync(`${it.live}-journal`)).toBe(true)
    await restored(it.live, it.copy, it.dumped)
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
    expect(it.folder.names()).toEqual(['copy', 'live.db'])
  })

  it('keeps mode and owner, and follows a link', async () => {
    using it = await backedUp()
    chmodSync(it.live, 0o640)
    if (process.getuid?.() === 0) chownSync(it.live, 65534, 65534)
    const { uid, gid } = statSync(it.live)
    symlinkSync('live.db', it.folder.at('link.db'))
    make(it.live, 'DELETE FROM t')
    await restored(it.folder.at('link.db'), it.copy, it.dumped)
    expect(statSync(it.live)).toMatchObject({ uid, gid, mode: 0o100640 })
    expect(lstatSync(it.folder.at('link.db')).isSymbolicLink()).toBe(true)
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
  })

  it('makes a database that is not there, also through a link, and moves a stray WAL out of its way', async () => {
    using it = await backedUp()
    symlinkSync('new.db', it.folder.at('link.db'))
    writeFileSync(it.folder.at('new.db-wal'), 'stray')
    const { notes } = await restored(it.folder.at('link.db'), it.copy, it.dumped)
    expect(column(it.folder.at('new.db'), 'SELECT count(*) FROM t')).toEqual([10])
    expect(statSync(it.folder.at('new.db')).mode & 0o777).toBe(0o666 & ~process.umask())
    expect(existsSync(it.folder.at('new.db-wal'))).toBe(false)
    expect(notes).toEqual([
      expect.stringMatching(/new\.db-wal was damaged or without its database: it is now .*damaged-/),
    ])
  })

  it('replaces a damaged database, and keeps it aside', async () => {
    using it = await backedUp()
    writeFileSync(it.live, 'no database any more'.repeat(1000))
    const { notes } = await restored(it.live, it.copy, it.dumped)
    expect(column(it.live, 'SELECT count(*) FROM t')).toEqual([10])
    expect(notes).toHaveLength(1)
    expect(it.folder.names()).toEqual(['copy', 'live.db', expect.stringMatching(/^live\.db\.damaged-\d+$/)])
  })

  it('brings back rows that break a rule of their table, and says so', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), 'CREATE TABLE t (a         )', 'INSERT INTO t VALUES (NULL), (NULL)')
    writeFileSync(live, readFileSync(live, 'latin1').replace('(a         )', '(a NOT NULL)'), 'latin1')
    const { notes, tables } = await restored(live, folder.at('copy'), await copyOf(live, folder.at('copy')))
    expect(tables).toMatchObject([{ name: 't', rows: 2 }])
    expect(notes).toEqual(["SQLite's check found: NULL value in t.a, and 1 more"])
  })

  it('brings back a database without tables', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), 'PRAGMA user_version = 7', 'CREATE TABLE t (a)', 'DROP TABLE t')
    const dumped = await copyOf(live, folder.at('copy'))
    make(live, 'CREATE TABLE later (x)')
    expect((await restored(live, folder.at('copy'), dumped)).tables).toEqual([])
    expect(column(live, 'SELECT name FROM sqlite_schema')).toEqual([])
    expect(column(live, 'PRAGMA user_version')).toEqual([7])
  })

  it('takes names as they are', async () => {
    using it = await backedUp()
    for (const name of ['a b', 'q?mode=ro#%41', `q'uo"te`, 'new\nline', 'ünï✓', 'file:x']) {
      const path = make(it.folder.at(name), 'CREATE TABLE old (x)')
      await restored(path, it.copy, it.dumped)
      expect(column(path, 'SELECT count(*) FROM t')).toEqual([10])
    }
  })
})

describe('a restore that fails leaves the database as it was', () => {
  async function fails(it: Awaited<ReturnType<typeof backedUp>>, work: () => Promise<unknown>) {
    const before = await sha(it.live)
    const names = it.folder.names()
    const failure = await failureOf(work())
    expect(await sha(it.live)).toBe(before)
    expect(it.folder.names()).toEqual(names)
    return failure
  }

  it('when the backup is cut off, is empty, or is no database', async () => {
    using it = await backedUp()
    truncateSync(it.copy, 4096)
    expect((await fails(it, () => restored(it.live, it.copy))).code).toBe(40)
    truncateSync(it.copy, 0)
    expect((await fails(it, () => restored(it.live, it.copy))).code).toBe(40)
    writeFileSync(it.copy, '-- MySQL dump\n'.repeat(1000))
    expect((await fails(it, () => restored(it.live, it.copy))).code).toBe(40)
  })

  it('when pages of the backup are damaged', async () => {
    using it = await backedUp()
    const bytes = Buffer.from(await Bun.file(it.copy).bytes())
    // A row that begins one byte too late: it is still there to be counted.
    bytes.writeUInt16BE(bytes.readUInt16BE(4096 + 8) + 1, 4096 + 8)
    writeFileSync(it.copy, bytes)
    const failure = await fails(it, () => restored(it.live, it.copy, it.dumped))
    expect([failure.code, failure.text.why?.join()]).toEqual([
      40,
      expect.stringContaining("SQLite's check found damage"),
    ])
  })

  it('when it does not match its manifest', async () => {
    using it = await backedUp()
    const tables = [
      { name: 't', rows: 11 },
      { name: 'u', rows: 1 },
    ]
    const failure = await fails(it, () => restored(it.live, it.copy, { ...it.dumped, tables }))
    expect([failure.code, failure.text.why]).toEqual([40, ['table t has 10 rows instead of 11', 'table u is missing']])
    const extra = await fails(it, () => restored(it.live, it.copy, { ...it.dumped, tables: [] }))
    expect(extra.text.why).toEqual(['table t is not in the manifest'])
  })

  it('when it has as many rows as its manifest says, but others', async () => {
    using it = await backedUp()
    make(it.copy, "UPDATE t SET a = 'row x' WHERE a = 'row 7'")
    const failure = await fails(it, () => restored(it.live, it.copy, it.dumped))
    expect([failure.code, failure.text.why]).toEqual([40, ['table t has other rows than its manifest says']])
  })

  it.each(['delete', 'wal'])('when another program has it open: names it (journal_mode %s)', async (mode) => {
    using it = await backedUp(mode)
    const script = `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.query('SELECT * FROM t').all(); console.log('ready'); setInterval(() => d, 1000)`
    await using holder = await otherProcess(script, it.live)
    const failure = await fails(it, () => restored(it.live, it.copy, it.dumped))
    expect(failure.code).toBe(40)
    expect(failure.text.why).toEqual([expect.stringContaining(`(process ${holder.pid}) has the file open`)])
    expect(failure.text.next?.[0]).toContain(`kill ${holder.pid}`)
  })

  it('when the content cannot be read to its end', async () => {
    using it = await backedUp()
    async function* broken() {
      yield new Uint8Array(5000)
      throw new Error('the disk is gone')
    }
    const failure = await fails(it, () =>
      sqlite.restore(ioWith(), { target: target(it.live), content: broken, properties: {}, step: () => {} }),
    )
    expect([failure.code, failure.text.why]).toEqual([40, ['the disk is gone']])
  })

  it('when it is interrupted before the swap', async () => {
    using it = await backedUp()
    const controller = new AbortController()
    const step = (name: string) => void (name === 'swapping' && controller.abort(new Error('interrupted')))
    const failure = await fails(it, () =>
      sqlite.restore(ioWith(controller.signal), {
        target: target(it.live),
        content: contentOf(it.copy),
        properties: {},
        step,
      }),
    )
    expect(failure.message).toBe('interrupted')
  })

  it('while another operation of ours is at work: 50', { timeout: 30_000 }, async () => {
    using it = await backedUp()
    const session = await opened(it.live)
    await session.lock(1)
    expect((await fails(it, () => restored(it.live, it.copy, it.dumped))).code).toBe(50)
    await session.close()
  })
})

describe('killed at any time', () => {
  const script = `const { copyOf, restored, ioWith } = await import(${JSON.stringify(`${import.meta.dirname}/databases.ts`)})
    const [live, copy, made] = process.argv.slice(1)
    console.log('ready')
    for (;;) made ? await copyOf(live, made + Math.random()) : await restored(live, copy, undefined)`

  it.each(['delete', 'wal'])('a restore leaves the old database or the new one (journal_mode %s)', async (mode) => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE t (a)', rows(20_000))
    await copyOf(live, folder.at('copy'))
    for (let round = 0; round < 12; round++) {
      // Rows in a WAL that nobody took in: the state in which a stale one would do harm.
      const writer = await otherProcess(
        `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA wal_autocheckpoint = 0');
         d.run("INSERT INTO t SELECT 'more' FROM t LIMIT 5000"); console.log('ready'); setInterval(() => d, 1000)`,
        live,
      )
      await writer.kill()
      const [before] = column(live, 'SELECT count(*) FROM t')
      const restoring = await otherProcess(script, live, folder.at('copy'))
      await Bun.sleep(5 + round * 8)
      await restoring.kill()
      expect([before, 20_000]).toContain(column(live, 'SELECT count(*) FROM t')[0])
      expect(column(live, 'PRAGMA integrity_check')).toEqual(['ok'])
    }
    await restored(live, folder.at('copy'))
    expect(folder.names()).toEqual(['copy', 'live.db'])
  })

  it('a dump leaves the database as it was', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), 'PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)', rows(50_000))
    for (let round = 0; round < 5; round++) {
      const dumping = await otherProcess(script, live, '', folder.at('made'))
      await Bun.sleep(5 + round * 10)
      await dumping.kill()
      expect(column(live, 'SELECT count(*) FROM t')).toEqual([50_000])
    }
  })
})
