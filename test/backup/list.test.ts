import { appendFileSync, mkdirSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { identityOfBackup, latestBackup, listBackups } from '../../src/backup/list.ts'
import { identityOf, type Target, urlOf } from '../../src/target/target.ts'
import { emptyFolder, makeBackup, manifestOf } from './made.ts'

describe('the list of backups', () => {
  it('has the newest first, by the manifest’s own time', async () => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'a.sql', createdAt: '2026-11-20T10:00:00.000Z' })
    makeBackup(folder, { file: 'b.sql', createdAt: '2026-11-20T12:00:00.000Z' })
    makeBackup(folder, { file: 'c.sqlite.zst', createdAt: '2026-11-20T11:00:00.000Z' })
    expect((await listBackups(folder)).map(({ file }) => file)).toEqual(['b.sql', 'c.sqlite.zst', 'a.sql'])
  })

  it.each<[string, (path: string) => void]>([
    ['a file without its manifest', (path) => unlinkSync(`${path}.json`)],
    ['a manifest without its file', (path) => unlinkSync(path)],
    ['a file that grew', (path) => appendFileSync(path, 'x')],
    ['a file that was cut', (path) => writeFileSync(path, '')],
    ['a broken manifest', (path) => writeFileSync(`${path}.json`, '{')],
    [
      'the manifest of another file',
      (path) => writeFileSync(`${path}.json`, JSON.stringify(manifestOf({ file: 'other.sql' }))),
    ],
    [
      'a folder as manifest',
      (path) => {
        unlinkSync(`${path}.json`)
        mkdirSync(`${path}.json`)
      },
    ],
  ])('leaves out %s, and nothing else', async (_, harm) => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'good.sql' })
    makeBackup(folder, { file: 'bad.sql' })
    harm(join(folder.path, 'bad.sql'))
    expect((await listBackups(folder)).map(({ file }) => file)).toEqual(['good.sql'])
  })

  it.each(['/nowhere/backups', '/dev/null', '/dev/null/x'])('of %s is empty', async (path) => {
    expect(await listBackups({ path, shown: path })).toEqual([])
  })
})

describe('the newest backup of a database', () => {
  const identity = identityOfBackup(manifestOf({ file: 'x.sql' }))
  const hour = (hours: number) => `2026-11-20T${hours}:00:00.000Z`

  async function latestOf(files: Readonly<Record<string, number>>, now: number): Promise<string | undefined> {
    const folder = emptyFolder()
    for (const [file, hours] of Object.entries(files)) makeBackup(folder, { file, createdAt: hour(hours) })
    makeBackup(folder, { file: 'other.sql', createdAt: hour(23), target: 'postgres://app@db:5432/shop_test' })
    return (await latestBackup(folder, identity, new Date(hour(now))))?.file
  }

  it.each<[string, Readonly<Record<string, number>>, number, string | undefined]>([
    ['is the newest of its own', { 'a.sql': 10, 'b.sql': 12, 'c.sql': 11 }, 20, 'b.sql'],
    ['is not one of the future', { 'a.sql': 10, 'b.sql': 12, 'c.sql': 11 }, 11, 'c.sql'],
    ['is one of the future where there is no other', { 'a.sql': 13, 'b.sql': 12 }, 11, 'a.sql'],
    ['is none where there is none', {}, 20, undefined],
  ])('%s', async (_, files, now, expected) => {
    expect(await latestOf(files, now)).toBe(expected)
  })
})

const source = { kind: 'environment', label: 'environment', keys: [], labels: {} } as const

describe('the database of a backup', () => {
  it.each<[string, Target]>([
    ['a server', { engine: 'postgres', host: 'db', port: 5432, database: 'shop', user: 'app', parameters: {}, source }],
    ['localhost', { engine: 'postgres', host: 'localhost', port: 5432, database: 'shop', parameters: {}, source }],
    [
      'a hostile name',
      {
        engine: 'mysql',
        host: '::1',
        port: 3307,
        database: "a'b/c\n;@?#%41 ",
        user: "r'o:@/ot",
        parameters: {},
        source,
      },
    ],
    ['the default socket', { engine: 'postgres', port: 6000, database: 'shop', parameters: {}, source }],
    [
      'a MySQL socket',
      { engine: 'mysql', socket: '/run/m.sock', port: 3307, database: 'shop', parameters: {}, source },
    ],
    ['a file', { engine: 'sqlite', database: '/srv/a b#?/shöp.db', source }],
  ])('is recognised by its manifest: %s', (_, target) => {
    expect(identityOfBackup(manifestOf({ file: 'x.sql', target: urlOf(target) }))).toBe(identityOf(target))
  })

  it('is no other when the manifest’s target cannot be read', () => {
    expect(identityOfBackup(manifestOf({ file: 'x.sql', target: 'nonsense' }))).toBe('nonsense')
  })
})
