import { describe, expect, it } from 'vitest'
import { backupFileName, compressionOf, looksLikeBackup, manifestName } from '../../src/backup/names.ts'
import type { Target } from '../../src/target/target.ts'

const source = { kind: 'environment', label: 'environment', keys: [], labels: {} } as const
const at = new Date(2026, 10, 2, 3, 4, 5)

function nameOf(database: string, attempt = 1): string {
  const target: Target = { engine: 'postgres', port: 5432, database, parameters: {}, source }
  return backupFileName(target, 'sql', 'none', at, attempt)
}

function part(name: string): string {
  return name.replace(/^database_/, '').replace(/_2026-11-02_03-04-05\.sql$/, '')
}

describe('the name of a backup', () => {
  it('is the database’s, and the local time', () => {
    expect(nameOf('shop')).toBe('database_shop_2026-11-02_03-04-05.sql')
  })

  it.each([
    [2, 'database_shop_2026-11-02_03-04-05-2.sql'],
    [11, 'database_shop_2026-11-02_03-04-05-11.sql'],
  ])('counts on within one second: %d', (attempt, name) => expect(nameOf('shop', attempt)).toBe(name))

  it.each([
    ['none', 'sql', '.sql'],
    ['zstd', 'sql', '.sql.zst'],
    ['gzip', 'sql', '.sql.gz'],
    ['zstd', 'sqlite', '.sqlite.zst'],
  ] as const)('ends for %s and %s with %s', (compression, extension, ending) => {
    const target: Target = { engine: 'sqlite', database: '/srv/shop.db', source }
    const name = backupFileName(target, extension, compression, at, 1)
    expect(name).toBe(`database_shop_2026-11-02_03-04-05${ending}`)
    expect(compressionOf(name)).toBe(compression)
    expect(looksLikeBackup(name)).toBe(true)
    expect(looksLikeBackup(manifestName(name))).toBe(false)
  })

  it.each([
    ['shop_test', 'shop_test'],
    ['a b', 'a_b'],
    ["o'brien; rm -rf / #", 'o_brien_rm_-rf_'],
    ['../../etc/passwd', '__.._etc_passwd'],
    ['..', '_'],
    ['.hidden', '_hidden'],
    ['-rf', '_rf'],
    ['a\nb\x1b[31m', 'a_b_31m'],
    ['商店', '商店'],
    ['Ünï', 'Ünï'],
    ['🙂', '_'],
    ['$(id)', '_id_'],
    ['', '_'],
  ])('for %j holds %j', (database, safe) => expect(part(nameOf(database))).toBe(safe))

  it.each(['x'.repeat(200), '商'.repeat(100), '𠮷'.repeat(64), 'ü'.repeat(63)])(
    'fits a file system: %s',
    (database) => {
      const longest = `${nameOf(database, 999)}.zst.json`
      expect(Buffer.byteLength(longest)).toBeLessThanOrEqual(255)
      expect(longest).not.toContain('\ufffd')
      expect(longest.isWellFormed()).toBe(true)
    },
  )

  it.each(['shop.sql', 'database_x.sqlite', 'x.sql.gz', 'x.sqlite.zst'])('may be %s', (file) => {
    expect(looksLikeBackup(file)).toBe(true)
  })

  it.each([
    'journal.jsonl',
    '.gitignore',
    'x.sql.json',
    'x.sql.tmp',
    'x.txt',
    '.seatbelt-h-1-ab.dump.tmp',
    'x.sql.bak',
  ])('is not %s', (file) => {
    expect(looksLikeBackup(file)).toBe(false)
  })
})
