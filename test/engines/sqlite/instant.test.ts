import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { InstantCopy } from '../../../src/engines/engine.ts'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import { cloneFile, instantCopies } from '../../../src/engines/sqlite/instant.ts'
import { column, failureOf, ioWith, make, otherProcess, programOn, target, temporaryFolder } from './databases.ts'

/**
 * Where the temporary folder is on a file system that can clone files, these tests clone them; elsewhere a plain copy
 * stands in for the clone, and for nothing else. To run them on clones, set TMPDIR to a folder on Btrfs or XFS.
 */
const clones = await canClone()
const { copy, list, connected, swapIn, remove } = instantCopies(clones ? cloneFile : (from, to) => copyFile(from, to))

async function canClone(): Promise<boolean> {
  using folder = temporaryFolder()
  writeFileSync(folder.at('one'), 'x')
  return cloneFile(folder.at('one'), folder.at('other')).then(
    () => true,
    () => false,
  )
}

const series = (n: number) => `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${n})`
const rows = (n: number) => `${series(n)} INSERT INTO t SELECT 'row ' || i FROM c`

/** A folder with `live.db` of ten rows in it. */
function shop(mode = 'delete') {
  const folder = temporaryFolder()
  const live = make(folder.at('live.db'), `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE t (a)', rows(10))
  const at = (seconds: number) => ({ ...ioWith(), now: () => new Date(Date.UTC(2026, 10, 21, 3, 15, seconds)) })
  return { folder, live, to: target(live), at, [Symbol.dispose]: folder[Symbol.dispose] }
}

const count = (path: string) => column(path, 'SELECT count(*) FROM t')[0]

describe('an instant copy', () => {
  it('is gone with its card by the command that is told, in a folder of any name', async () => {
    using folder = temporaryFolder()
    mkdirSync(folder.at("it's a; shop"))
    const live = make(folder.at("it's a; shop/live.db"), 'CREATE TABLE t (a)')
    const made = await copy(ioWith(), target(live), 'b')
    const { instant } = sqlite
    if (instant === undefined || 'refused' in instant) throw new Error('there are no copies')
    expect(Bun.spawnSync(['sh', '-c', instant.dropCommand(made.copy)]).exitCode).toBe(0)
    expect(readdirSync(folder.at("it's a; shop"))).toEqual(['live.db'])
  })

  it.each(['delete', 'wal'])('is the database as it was, and comes back (journal_mode %s)', async (mode) => {
    using it = shop(mode)
    const made = await copy(it.at(0), it.to, 'database_live.sqlite')
    expect(made).toEqual({
      copy: {
        name: it.folder.at('.live.db.seatbelt-instant-20261121_031500'),
        createdAt: '2026-11-21T03:15:00.000Z',
        sizeBytes: statSync(it.live).size,
        backup: 'database_live.sqlite',
      },
      notes: [],
    })
    expect(readFileSync(made.copy.name).equals(readFileSync(it.live))).toBe(true)
    make(it.live, 'DELETE FROM t WHERE rowid > 3', 'CREATE TABLE later (x)')
    const { former, notes } = await swapIn(it.at(1), it.to, made.copy)
    expect(count(former?.name ?? '')).toBe(3)
    expect([count(it.live), column(it.live, 'SELECT name FROM sqlite_schema'), notes]).toEqual([10, ['t'], []])
    expect(column(it.live, 'PRAGMA journal_mode')).toEqual([mode])
    expect(former).toEqual({
      name: it.folder.at('.live.db.seatbelt-instant-20261121_031501'),
      createdAt: '2026-11-21T03:15:01.000Z',
      sizeBytes: statSync(former?.name ?? '').size,
    })
    expect(await list(it.to)).toEqual([former])
    const again = await swapIn(it.at(2), it.to, former as InstantCopy)
    expect([count(it.live), column(it.live, 'PRAGMA journal_mode')]).toEqual([3, [mode]])
    await remove(it.at(3), it.to, again.former as InstantCopy)
    expect(it.folder.names()).toEqual(['live.db'])
  })

  it('holds the rows that are only in the WAL, and none that are not committed', async () => {
    using it = shop('wal')
    await using program = await programOn(it.live)
    await program.run('PRAGMA wal_autocheckpoint = 0', 'PRAGMA cache_size = 1', rows(1000), 'BEGIN', rows(5000))
    const made = await copy(it.at(0), it.to, 'b')
    expect(count(made.copy.name)).toBe(1010)
    await program.run('COMMIT')
    expect(column(it.live, 'PRAGMA integrity_check')).toEqual(['ok'])
    expect(count(it.live)).toBe(6010)
  })

  it('takes back what a crash had interrupted', async () => {
    using it = shop()
    const program = await programOn(it.live)
    await program.run('PRAGMA cache_size = 1', 'BEGIN', 'DELETE FROM t', rows(20_000))
    await program[Symbol.asyncDispose]()
    expect(existsSync(`${it.live}-journal`)).toBe(true)
    const made = await copy(it.at(0), it.to, 'b')
    expect(count(made.copy.name)).toBe(10)
  })

  it.each(['delete', 'wal'])('is whole while another program writes (journal_mode %s)', async (mode) => {
    using it = shop(mode)
    make(it.live, 'CREATE TABLE u (a)', 'DELETE FROM t')
    await using _ = await otherProcess(
      `const { Database } = require('bun:sqlite'); const d = new Database(process.argv[1]); d.run('PRAGMA busy_timeout = 5000')
       d.run('PRAGMA wal_autocheckpoint = 30'); let n = 0
       const both = d.transaction(() => { d.run('INSERT INTO t VALUES (randomblob(2000))'); d.run('INSERT INTO u VALUES (randomblob(2000))') })
       const go = () => { for (let i = 0; i < 20; i++) both.immediate(); if (++n === 3) console.log('ready'); setTimeout(go, 1) }; go()`,
      it.live,
    )
    for (let round = 0; round < 20; round++) {
      const { name } = (await copy(it.at(round), it.to, 'b')).copy
      expect(column(name, 'PRAGMA integrity_check')).toEqual(['ok'])
      expect(column(name, 'SELECT (SELECT count(*) FROM t) - (SELECT count(*) FROM u)')).toEqual([0])
    }
  })

  it('has the mode and the owner of the database, follows a link, and takes names as they are', async () => {
    using it = shop()
    chmodSync(it.live, 0o640)
    if (process.getuid?.() === 0) chownSync(it.live, 65534, 65534)
    const { uid, gid } = statSync(it.live)
    symlinkSync('live.db', it.folder.at('link.db'))
    const made = await copy(it.at(0), target(it.folder.at('link.db')), 'b')
    expect(statSync(made.copy.name)).toMatchObject({ uid, gid, mode: 0o100640 })
    make(it.live, 'DELETE FROM t')
    await swapIn(it.at(1), target(it.folder.at('link.db')), made.copy)
    expect(statSync(it.live)).toMatchObject({ uid, gid, mode: 0o100640 })
    for (const name of ['a b', 'q?mode=ro#%41', `q'uo"te`, 'new\nline', 'ünï✓']) {
      const path = make(it.folder.at(name), 'CREATE TABLE t (x)')
      expect((await copy(it.at(0), target(path), 'b')).copy.name).toContain(`.${name}.seatbelt-instant-`)
      expect(await list(target(path))).toHaveLength(1)
    }
  })
})

describe('the list of instant copies', () => {
  it('has those of this database, newest first, each with a name of its own', async () => {
    using it = shop()
    const other = make(it.folder.at('live.db2'), 'CREATE TABLE t (a)')
    for (const [seconds, backup] of [
      [1, 'one'],
      [0, 'two'],
      [1, 'three'],
    ] as const)
      await copy(it.at(seconds), it.to, backup)
    await copy(it.at(2), target(other), 'of another')
    const found = await list(it.to)
    expect(found.map(({ name, backup }) => [basename(name).slice(-10), backup])).toEqual([
      ['1_031501-2', 'three'],
      ['121_031501', 'one'],
      ['121_031500', 'two'],
    ])
    expect(await list(target(it.folder.at('no/such.db')))).toEqual([])
  })

  it('has nothing that is no copy', async () => {
    using it = shop()
    const made = await copy(it.at(0), it.to, 'b')
    const beside = (stamp: string) => it.folder.at(`.live.db.seatbelt-instant-${stamp}`)
    const { name } = made.copy
    copyFileSync(name, beside('20261121_031501')) // without what belongs beside it
    copyFileSync(`${name}.json`, `${beside('20261121_031502')}.json`) // of nothing
    copyFileSync(name, beside('20261121_031503'))
    writeFileSync(`${beside('20261121_031503')}.json`, '{ "version": 2 }')
    copyFileSync(name, beside('today'))
    copyFileSync(`${name}.json`, `${beside('today')}.json`)
    // A swap that was killed between the two names of the old file.
    linkSync(it.live, beside('20261121_031504'))
    copyFileSync(`${name}.json`, `${beside('20261121_031504')}.json`)
    expect(await list(it.to)).toEqual([made.copy])
  })
})

describe('what cannot be swapped in is refused, with the database as it was', () => {
  it.each<[string, (path: string) => unknown, RegExp]>([
    ['was written to', (path) => make(path, 'DELETE FROM t'), /written to it/],
    ['has a WAL', (path) => writeFileSync(`${path}-wal`, 'x'), /left .*-wal beside/],
    ['has a journal', (path) => writeFileSync(`${path}-journal`, 'x'), /left .*-journal beside/],
    ['is gone', (path) => rmSync(path), /not there any more/],
  ])('a copy that %s', async (_, change, why) => {
    using it = shop()
    const made = await copy(it.at(0), it.to, 'b')
    await change(made.copy.name)
    const names = it.folder.names()
    const failure = await failureOf(swapIn(it.at(1), it.to, made.copy))
    expect([failure.code, failure.text.why?.join()]).toEqual([40, expect.stringMatching(why)])
    expect([count(it.live), it.folder.names()]).toEqual([10, names])
  })

  it('any copy, where the caller thinks better of it', async () => {
    using it = shop()
    const made = await copy(it.at(0), it.to, 'b')
    const names = it.folder.names()
    const swapping = swapIn(it.at(1), it.to, made.copy, () => Promise.reject(new Error('no')))
    expect((await failureOf(swapping)).text.why).toEqual(['no'])
    expect([await connected(it.to), await list(it.to), it.folder.names()]).toEqual([[], [made.copy], names])
  })

  it('a copy that a program has open', async () => {
    using it = shop()
    const made = await copy(it.at(0), it.to, 'b')
    await using program = await programOn(made.copy.name)
    await program.run('SELECT * FROM t')
    const failure = await failureOf(swapIn(it.at(1), it.to, made.copy))
    expect(failure.text.why).toEqual([expect.stringContaining(`(process ${program.pid}) has the file open`)])
  })

  it('any copy, while a program has the database open: names it', async () => {
    using it = shop()
    const made = await copy(it.at(0), it.to, 'b')
    const names = it.folder.names()
    await using program = await programOn(it.live)
    await program.run('SELECT * FROM t')
    const failure = await failureOf(swapIn(it.at(1), it.to, made.copy))
    expect([failure.code, failure.text.why?.join()]).toEqual([40, expect.stringContaining(`${program.pid}`)])
    expect(await connected(it.to)).toEqual([
      expect.stringMatching(`\\(process ${program.pid}\\) has the file open: stop it first$`),
    ])
    expect(it.folder.names()).toEqual(names)
  })

  it.each<['swapIn' | 'remove']>([['swapIn'], ['remove']])('a file that is no copy (%s)', async (which) => {
    using it = shop()
    const name = make(it.folder.at('other.db'), 'CREATE TABLE t (a)')
    const stranger = { name, createdAt: '', sizeBytes: 0 }
    const failure = await failureOf((which === 'swapIn' ? swapIn : remove)(it.at(0), it.to, stranger))
    expect(failure.code).toBe(40)
    expect(it.folder.names()).toEqual(['live.db', 'other.db'])
  })
})

describe('an instant copy that cannot be made leaves nothing', () => {
  it('where files cannot be cloned: says where they can, and what remains', async () => {
    // Memory clones nothing.
    const folder = mkdtempSync('/dev/shm/seatbelt-sqlite-')
    const live = make(join(folder, 'live.db'), 'CREATE TABLE t (a)')
    const made = sqlite.instant === undefined || 'refused' in sqlite.instant ? undefined : sqlite.instant
    const failure = await failureOf(made?.copy(ioWith(), target(live), 'database_live.sqlite') ?? Promise.resolve())
    expect([failure.code, failure.text.what]).toEqual([40, expect.stringContaining('cannot clone the file')])
    expect(failure.text.next).toEqual(['the backup holds the same: restore-database database_live.sqlite'])
    expect(basename(live)).toBe('live.db')
    expect(await made?.list(ioWith(), target(live))).toEqual([])
    rmSync(folder, { recursive: true })
  })

  it('of what is not there, or no database', async () => {
    using it = shop()
    writeFileSync(it.folder.at('text'), 'no database'.repeat(1000))
    expect((await failureOf(copy(it.at(0), target(it.folder.at('no.db')), 'b'))).code).toBe(40)
    expect((await failureOf(copy(it.at(0), target(it.folder.at('text')), 'b'))).text.what).toMatch(/not a SQLite/)
    expect(it.folder.names()).toEqual(['live.db', 'text'])
  })

  it('when the clone fails halfway', async () => {
    using it = shop()
    const full = instantCopies(async (_, to) => {
      writeFileSync(to, 'half')
      throw Object.assign(new Error('the disk is full'), { code: 'ENOSPC' })
    })
    const failure = await failureOf(full.copy(it.at(0), it.to, 'b'))
    expect([failure.code, failure.text.why]).toEqual([40, ['the disk is full']])
    expect(it.folder.names()).toEqual(['live.db'])
  })
})

it('at no moment of a swap is there no database', async () => {
  using it = shop()
  await copy(it.at(0), it.to, 'b')
  const script = `const { existsSync, writeFileSync } = require('node:fs'); console.log('ready')
    for (;;) if (!existsSync(process.argv[1])) writeFileSync(process.argv[2], 'x')`
  await using _ = await otherProcess(script, it.live, it.folder.at('gone'))
  for (let round = 1; round < 12; round++) {
    for (const one of await list(it.to)) await swapIn(it.at(round), it.to, one)
  }
  expect(existsSync(it.folder.at('gone'))).toBe(false)
})

it.each(['delete', 'wal'])(
  'a swap that is killed at any time leaves one database or the other (journal_mode %s)',
  async (mode) => {
    using it = shop(mode)
    const made = await copy(it.at(0), it.to, 'b')
    make(it.live, rows(20_000))
    const script = `const { ioWith, target } = await import(${JSON.stringify(`${import.meta.dirname}/databases.ts`)})
    const { instantCopies } = await import(${JSON.stringify(join(import.meta.dirname, '../../../src/engines/sqlite/instant.ts'))})
    const { list, swapIn } = instantCopies(() => {})
    const to = target(process.argv[1]); console.log('ready')
    for (;;) for (const copy of await list(to)) await swapIn(ioWith(), to, copy)`
    for (let round = 0; round < 12; round++) {
      const swapping = await otherProcess(script, it.live)
      await Bun.sleep(3 + round * 5)
      await swapping.kill()
      expect([10, 20_010]).toContain(count(it.live))
      expect(column(it.live, 'PRAGMA integrity_check')).toEqual(['ok'])
      const others = (await list(it.to)).map(({ name }) => count(name))
      expect([...others, count(it.live)].toSorted()).toEqual([10, 20_010])
    }
    expect(made.copy.sizeBytes).toBeGreaterThan(0)
  },
)
