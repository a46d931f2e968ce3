import { chmodSync, mkdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import { failureOf, ioWith, make, opened, otherProcess, target, temporaryFolder } from './databases.ts'

const connect = (path: string) => sqlite.connect(ioWith(), target(path))

describe('nothing to lose', () => {
  it('is a database in memory', async () => {
    expect(await connect(':memory:')).toMatchObject({ state: 'nothing' })
  })

  it('is a file that is not there, and stays not there', async () => {
    using folder = temporaryFolder()
    const reason = `SQLite file ${folder.at('dev.db')} does not exist yet`
    expect(await connect(folder.at('dev.db'))).toEqual({ state: 'nothing', reason })
    expect(await connect(folder.at('no/such/folder.db'))).toMatchObject({ state: 'nothing' })
    expect(folder.names()).toEqual([])
  })

  it('is an empty file, and a link to nowhere', async () => {
    using folder = temporaryFolder()
    writeFileSync(folder.at('empty.db'), '')
    symlinkSync('gone.db', folder.at('link.db'))
    expect(await connect(folder.at('empty.db'))).toMatchObject({
      state: 'nothing',
      reason: expect.stringMatching('is empty'),
    })
    expect(await connect(folder.at('link.db'))).toMatchObject({ state: 'nothing' })
  })
})

describe('what is no database', () => {
  it('is a folder, a text, a damaged and a truncated file: 11, with what to do', async () => {
    using folder = temporaryFolder()
    mkdirSync(folder.at('folder'))
    writeFileSync(folder.at('text'), '-- PostgreSQL database dump\n'.repeat(300))
    make(folder.at('cut'), 'CREATE TABLE t (a)', `INSERT INTO t VALUES (zeroblob(50000))`)
    truncateSync(folder.at('cut'), 8192)
    const failures = await Promise.all(['folder', 'text', 'cut'].map((name) => failureOf(connect(folder.at(name)))))
    expect(failures.map((failure) => failure.code)).toEqual([11, 11, 11])
    expect(failures.map((failure) => failure.text.what.replace(folder.path, ''))).toEqual([
      '/folder is a folder, not a SQLite database',
      '/text is not a SQLite database, or it is encrypted',
      'SQLite database /cut is damaged',
    ])
    expect(failures.every((failure) => (failure.text.next ?? []).length > 0)).toBe(true)
  })

  it('is a database that another program holds for itself: 11, naming it', { timeout: 30_000 }, async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    await using holder = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('BEGIN EXCLUSIVE'); console.log('ready'); setInterval(() => d, 1000)`,
      path,
    )
    const failure = await failureOf(connect(path))
    expect(failure.code).toBe(11)
    expect(failure.text.why?.join()).toContain(`process ${holder.pid}`)
  })
})

describe('a database', () => {
  it('tells its version, size and tables, without internal ones, views and shadow tables', async () => {
    using folder = temporaryFolder()
    const path = make(
      folder.at('x.db'),
      'CREATE TABLE a (id INTEGER PRIMARY KEY AUTOINCREMENT)',
      'CREATE TABLE "b c" (x)',
      'CREATE VIEW v AS SELECT * FROM a',
      'CREATE VIRTUAL TABLE f USING fts5(text)',
      'CREATE VIRTUAL TABLE r USING rtree(id, x0, x1)',
      'ANALYZE',
    )
    const { server } = await opened(path)
    expect(server).toMatchObject({ tables: 4, sizeBytes: Bun.file(path).size })
    expect(server.version).toMatch(/^3\.\d+\.\d+$/)
  })

  it('leaves nothing beside a database in WAL mode', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('w.db'), 'PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)')
    await opened(path)
    expect(folder.names()).toEqual(['w.db'])
  })

  it('is read although a transaction was interrupted by a crash', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('hot.db'), 'CREATE TABLE t (a)', `INSERT INTO t VALUES (1)`)
    const crashing = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA cache_size = 1');
       d.run('BEGIN'); d.run('WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) INSERT INTO t SELECT zeroblob(500) FROM c');
       console.log('ready'); setInterval(() => d, 1000)`,
      path,
    )
    await crashing.kill()
    expect(folder.names()).toEqual(['hot.db', 'hot.db-journal'])
    expect((await opened(path)).server.tables).toBe(1)
    expect(folder.names()).toEqual(['hot.db'])
  })

  it('is read in WAL mode from a folder that we may not write into', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('w.db'), 'PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)')
    chmodSync(path, 0o644)
    chmodSync(folder.path, 0o555)
    // Root may write anywhere: as nobody, where we are root.
    const user = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : ''
    const script = `${user}
      const { opened } = await import(${JSON.stringify(`${import.meta.dirname}/databases.ts`)})
      const session = await opened(process.argv[1]); console.log('ready', session.server.tables)`
    const ended = Bun.spawnSync([process.execPath, '--no-env-file', '-e', script, path], { cwd: '/' })
    chmodSync(folder.path, 0o755)
    expect(ended.stderr.toString()).toBe('')
    expect(ended.stdout.toString()).toBe('ready 1\n')
  })
})

describe('the lock of our operations', () => {
  it('is held by one session at a time', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const [one, other] = [await opened(path), await opened(path)]
    await one.lock(1)
    const failure = await failureOf(other.lock(0.2))
    expect(failure.code).toBe(50)
    const waiting = other.lock(5)
    await one.close()
    await waiting
    await other.close()
    expect(folder.names()).toEqual(['x.db'])
  })

  it('ends with a holder that is killed, and names a living one', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const holder = await otherProcess(
      `const { opened } = await import(${JSON.stringify(`${import.meta.dirname}/databases.ts`)})
       const session = await opened(process.argv[1]); await session.lock(1); console.log('ready'); setInterval(() => session, 1000)`,
      path,
    )
    const session = await opened(path)
    const failure = await failureOf(session.lock(0.1))
    expect(failure.text.why?.join()).toContain(`process ${holder.pid}`)
    await holder.kill()
    await session.lock(1)
    await session.close()
  })

  it('is the same through a link', async () => {
    using folder = temporaryFolder()
    make(folder.at('x.db'), 'CREATE TABLE t (a)')
    symlinkSync('x.db', folder.at('link.db'))
    const [one, other] = [await opened(folder.at('x.db')), await opened(folder.at('link.db'))]
    await one.lock(1)
    expect((await failureOf(other.lock(0.1))).code).toBe(50)
    await one.close()
  })
})
