import { copyFileSync, readFileSync, renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { ChangeMark } from '../../../src/engines/engine.ts'
import { readingOf } from '../../../src/engines/sqlite/access.ts'
import { changeMarkOf } from '../../../src/engines/sqlite/change-mark.ts'
import { walPositionOf } from '../../../src/engines/sqlite/wal-index.ts'
import { copyOf, ioWith, make, opened, programOn, restored, temporaryFolder } from './databases.ts'

async function markOf(path: string): Promise<ChangeMark> {
  const session = await opened(path)
  try {
    const mark = await session.changeMark?.()
    if (mark === undefined) throw new Error('no mark')
    return mark
  } finally {
    await session.close()
  }
}

const rows =
  'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 500) INSERT INTO t SELECT zeroblob(100) FROM c'

/** The rules of SQLite that a program can leave out. */
const careless = ['PRAGMA journal_mode = OFF', 'PRAGMA synchronous = OFF', 'PRAGMA locking_mode = EXCLUSIVE']

async function writeByte(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.from('x'), 0, 1, statSync(path).size - 1)
  await file.close()
}

function replace(path: string): void {
  copyFileSync(path, `${path}.other`)
  renameSync(`${path}.other`, path)
}

describe.each(['delete', 'wal'])('the mark of a database in journal_mode %s', (mode) => {
  const made = (path: string) => make(path, `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE t (a)', rows)

  it('stays while the database is read, by us and by others', async () => {
    using folder = temporaryFolder()
    const path = made(folder.at('x.db'))
    const before = await markOf(path)
    expect(before).toMatchObject({ values: { bytes: `${statSync(path).size}`, wal: 'none' } })
    expect(folder.names()).toEqual(['x.db'])
    await copyOf(path, folder.at('copy'))
    await using program = await programOn(path)
    await program.run('SELECT * FROM t', 'PRAGMA integrity_check', 'BEGIN', 'SELECT * FROM t')
    expect(await markOf(path)).toEqual(before)
  })

  it('stays while a program holds a commit open, and is another after it', async () => {
    using folder = temporaryFolder()
    const path = made(folder.at('x.db'))
    const before = await markOf(path)
    await using program = await programOn(path)
    await program.run('BEGIN IMMEDIATE', 'INSERT INTO t VALUES (1)')
    expect(await markOf(path)).toEqual(before)
    await program.run('COMMIT')
    const after = await markOf(path)
    expect(after.values).not.toEqual(before.values)
    expect(await markOf(path)).toEqual(after)
  })

  it.each<[string, (path: string) => unknown]>([
    ['a row', (path) => make(path, 'INSERT INTO t VALUES (1)')],
    ['a row that is taken back', (path) => make(path, 'INSERT INTO t VALUES (1)', 'DELETE FROM t WHERE a = 1')],
    ['an update to the same value', (path) => make(path, 'UPDATE t SET a = a WHERE rowid = 1')],
    ['a table', (path) => make(path, 'CREATE TABLE u (a)')],
    ['user_version', (path) => make(path, 'PRAGMA user_version = 7')],
    ['VACUUM', (path) => make(path, 'VACUUM')],
    ['a row by a program that takes no care', (path) => make(path, ...careless, 'INSERT INTO t VALUES (1)')],
    ['a row by a program that maps the file', (path) => make(path, 'PRAGMA mmap_size = 1000000', 'DELETE FROM t')],
    ['a byte written by hand', writeByte],
    ['another file in its place', replace],
    ['its own bytes written over it', (path) => writeFileSync(path, readFileSync(path))],
    ['a restore', async (path) => restored(path, `${path}.copy`, await copyOf(path, `${path}.copy`))],
  ])('is another after %s, though the time of the file is set back', async (_, change) => {
    using folder = temporaryFolder()
    const path = made(folder.at('x.db'))
    const before = await markOf(path)
    const { atime, mtime } = statSync(path)
    await change(path)
    utimesSync(path, atime, mtime)
    const after = await markOf(path)
    expect(after.values).not.toEqual(before.values)
    expect(after.unsettled).toBeUndefined()
  })

  it('proves nothing while a program holds the file for itself', async () => {
    using folder = temporaryFolder()
    const path = made(folder.at('x.db'))
    const session = await opened(path)
    await using program = await programOn(path)
    await program.run('PRAGMA locking_mode = EXCLUSIVE', 'INSERT INTO t VALUES (1)')
    expect(await session.changeMark?.()).toEqual({ values: {}, unsettled: 'another program holds the file for itself' })
  })

  it('sees each commit of a program that stays', async () => {
    using folder = temporaryFolder()
    const path = made(folder.at('x.db'))
    await using program = await programOn(path)
    await program.run('PRAGMA synchronous = OFF')
    const marks = [await markOf(path)]
    // A WAL that was taken in is written from its beginning, and stays as long as it is.
    for (let commit = 0; commit < 6; commit++) {
      await program.run(`UPDATE t SET a = ${commit} WHERE rowid = 1`)
      marks.push(await markOf(path))
      if (commit % 2 === 1) await program.run('PRAGMA wal_checkpoint(RESTART)')
    }
    expect(new Set(marks.map(({ values }) => JSON.stringify(values))).size).toBe(7)
  })
})

it.each<[string, string, (path: string) => unknown, readonly string[]]>([
  ['a commit', 'delete', (path) => make(path, 'UPDATE t SET a = 1 WHERE rowid = 1'), ['changed', 'header', 'modified']],
  ['a byte written by hand', 'delete', writeByte, ['changed', 'modified']],
  ['a time set back', 'delete', (path) => utimesSync(path, 1, 1), ['changed', 'modified']],
  ['a longer file', 'delete', (path) => make(path, rows), ['bytes', 'changed', 'header', 'modified']],
  ['another file', 'delete', replace, ['changed', 'file', 'modified']],
  ['a commit into the WAL', 'wal', (path) => leavingItsWal(path), ['wal']],
])('%s shows (journal_mode %s)', async (_, mode, change, shown) => {
  using folder = temporaryFolder()
  const path = make(folder.at('x.db'), `PRAGMA journal_mode = ${mode}`, 'CREATE TABLE t (a)', rows)
  const { values: before } = await markOf(path)
  await change(path)
  const { values: after } = await markOf(path)
  expect(
    Object.keys(after)
      .filter((key) => after[key] !== before[key])
      .toSorted(),
  ).toEqual(shown)
})

async function leavingItsWal(path: string): Promise<void> {
  await using program = await programOn(path)
  await program.run('INSERT INTO t VALUES (1)')
}

it('is the same when a WAL was left behind by a crash, until the next program takes it in', async () => {
  using folder = temporaryFolder()
  const path = make(folder.at('x.db'), 'PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)')
  const empty = await markOf(path)
  {
    await using program = await programOn(path)
    await program.run('PRAGMA wal_autocheckpoint = 0', 'INSERT INTO t VALUES (1)')
  }
  const left = await markOf(path)
  expect(left.values['wal']).not.toBe('none')
  const { wal: _, ...file } = left.values
  expect({ ...file, wal: 'none' }).toEqual(empty.values)
  expect(await markOf(path)).toEqual(left)
  make(path, 'SELECT * FROM t')
  expect((await markOf(path)).values).not.toEqual(left.values)
})

describe('a mark is not made of what could deceive', () => {
  afterEach(() => void vi.restoreAllMocks())

  it('of a time in which a second change would not show', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const reading = await readingOf(ioWith().signal, path)
    await writeByte(path)
    const changed = statSync(path).ctimeMs
    expect(await changeMarkOf(ioWith(), path, reading)).toMatchObject({ values: { bytes: '8192' } })
    expect(Date.now() - changed).toBeGreaterThanOrEqual(20)
  })

  it('of a time in the future, after the clock was set back', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const reading = await readingOf(ioWith().signal, path)
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() - 3_600_000)
    const mark = await changeMarkOf(ioWith(), path, reading)
    expect(mark?.unsettled).toMatch(/in the future/)
  })

  it('of a file on a file system that is not of this kernel alone, or that is read without locks', async () => {
    using folder = temporaryFolder()
    const path = make(folder.at('x.db'), 'CREATE TABLE t (a)')
    const reading = await readingOf(ioWith().signal, path)
    expect(await changeMarkOf(ioWith(), '/proc/self/status', reading)).toBeUndefined()
    expect(await changeMarkOf(ioWith(), path, { ...reading, immutable: true })).toBeUndefined()
    expect(await changeMarkOf(ioWith(), path, reading)).toBeDefined()
  })
})

describe('the index of a WAL', () => {
  const header = (frames: number) => {
    const bytes = new Uint8Array(48)
    bytes[12] = 1
    new Uint32Array(bytes.buffer)[4] = frames
    return bytes
  }
  it.each<[string, readonly Uint8Array[], number | undefined]>([
    ['of three frames', [header(3), header(3)], 3],
    ['that is being written', [header(4), header(3)], undefined],
    ['that was never begun', [new Uint8Array(96)], undefined],
    ['that is cut off', [header(3)], undefined],
  ])('%s', (_, parts, frames) => {
    expect(walPositionOf(new Uint8Array(Buffer.concat(parts)))?.frames).toBe(frames)
  })
})
