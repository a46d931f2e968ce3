import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import { ioWith, make, temporaryFolder } from './databases.ts'

function scanned(bytes: string | Uint8Array) {
  return sqlite.scan(ioWith(), async function* () {
    const all = Buffer.from(bytes as Uint8Array)
    for (let start = 0; start < all.length; start += 33) yield all.subarray(start, start + 33)
  })
}

function databaseBytes(...statements: readonly string[]): Buffer {
  using folder = temporaryFolder()
  return readFileSync(make(folder.at('x.db'), ...statements))
}

describe('a file that we did not write', () => {
  it('is taken when it is a whole database', async () => {
    expect(await scanned(databaseBytes('CREATE TABLE t (a)'))).toEqual([])
    expect(await scanned(databaseBytes('PRAGMA page_size = 65536', 'CREATE TABLE t (a)'))).toEqual([])
  })

  it.each([
    ['', 'the file is empty', true],
    ['--\n-- PostgreSQL database dump\n--\n', 'this is a dump of PostgreSQL, not a SQLite database', undefined],
    ['PGDMP\x01\x0e', 'this is an archive of pg_dump, not a SQLite database', undefined],
    ['-- MariaDB dump 10.19', 'this is a dump of MySQL or MariaDB, not a SQLite database', undefined],
    [
      '/*M!999999\\- enable the sandbox mode */',
      'this is a dump of MySQL or MariaDB, not a SQLite database',
      undefined,
    ],
    [
      'PRAGMA foreign_keys=OFF;\nBEGIN',
      "this is SQLite's text dump: load it with sqlite3 into a new file first",
      undefined,
    ],
    ['SQLite format 3\0 cut', 'the file is cut off within its header', true],
    ['x'.repeat(5000), 'this is not a SQLite database, or it is encrypted', true],
  ])('is refused: %j', async (bytes, what, notWhole) => {
    expect(await scanned(bytes)).toEqual([{ severity: 'refuse', what, ...(notWhole && { notWhole }) }])
  })

  it('is refused when pages are missing or damaged', async () => {
    const whole = databaseBytes('CREATE TABLE t (a)', `INSERT INTO t VALUES (zeroblob(40000))`, 'CREATE TABLE u (b)')
    const [first] = await scanned(whole.subarray(0, whole.length - 4096))
    expect(first).toMatchObject({
      severity: 'refuse',
      what: `the file is cut off: ${whole.length - 4096} bytes of ${whole.length}`,
    })
    const damaged = Buffer.from(whole)
    damaged.fill(0x55, 4096, 4200)
    expect(await scanned(damaged)).toContainEqual(expect.objectContaining({ severity: 'refuse', notWhole: true }))
  })

  it('needs consent when it was in WAL mode', async () => {
    const findings = await scanned(databaseBytes('PRAGMA journal_mode = WAL', 'CREATE TABLE t (a)'))
    expect(findings).toEqual([{ severity: 'ask', what: expect.stringContaining('-wal') }])
  })
})
