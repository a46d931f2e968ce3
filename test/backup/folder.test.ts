import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type BackupFolder, backupFolder, clearLeftovers, openFolder, temporaryName } from '../../src/backup/folder.ts'
import { listBackups } from '../../src/backup/list.ts'
import { manifestText } from '../../src/backup/manifest.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { emptyFolder, makeBackup, manifestOf } from './made.ts'

describe('the backup folder', () => {
  it.each([
    ['/p', '/p', 'backups', '/p/backups', 'backups'],
    ['/p', '/p/sub', 'backups', '/p/backups', '/p/backups'],
    ['/p', '/p/sub', '/b', '/b', '/b'],
    ['/p', '/p', '../b', '/b', '../b'],
  ])('of %s, seen from %s, as %s, is %s and shown as %s', (root, cwd, directory, path, shown) => {
    expect(backupFolder(root, cwd, directory)).toEqual({ path, shown })
  })

  it('is made private', async () => {
    const folder = { path: join(temporaryFolder(), 'a/backups'), shown: 'backups' }
    await openFolder(folder)
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
    expect(readdirSync(folder.path)).toEqual(['.gitignore'])
  })

  it.each<[string, string]>([
    ['a file', 'x'],
    ['below a file', 'x/backups'],
  ])('cannot be %s', async (_, name) => {
    const path = join(temporaryFolder({ x: '' }), name)
    await expect(openFolder({ path, shown: 'backups' })).rejects.toMatchObject({
      code: 30,
      text: { what: expect.stringMatching(/backups is a file/) },
    })
  })
})

/** The id of a process that is no more. */
function deadPid(): number {
  return spawnSync('true').pid
}

const thisHost = hostname().replace(/[^\w]+/g, '_')

function leave(
  folder: BackupFolder,
  parts: { host?: string; pid?: number; kind?: 'dump' | 'manifest'; text?: string; hours?: number },
): string {
  const { host = thisHost, pid = deadPid(), kind = 'dump', text = 'half', hours = 0 } = parts
  const name = `.seatbelt-${host}-${pid}-0a1b2c.${kind}.tmp`
  writeFileSync(join(folder.path, name), text)
  const then = new Date(Date.now() - hours * 3_600_000)
  utimesSync(join(folder.path, name), then, then)
  return name
}

describe('what a killed run left behind', () => {
  it.each<[string, Parameters<typeof leave>[1], boolean]>([
    ['a dump of a dead process', {}, true],
    ['a manifest of a dead process', { kind: 'manifest' }, true],
    ['a dump of ours', { pid: process.pid }, false],
    ['a dump of another living process', { pid: process.ppid }, false],
    ['a dump of another machine', { host: 'elsewhere' }, false],
    ['a dump of another machine that nobody wrote to for a day', { host: 'elsewhere', hours: 25 }, true],
    ['a dump of our own process id from the day before yesterday', { pid: process.pid, hours: 30 }, true],
  ])('%s: cleared? %s', async (_, parts, cleared) => {
    const folder = emptyFolder()
    const name = leave(folder, parts)
    const said = await clearLeftovers(folder)
    expect(readdirSync(folder.path)).toEqual(cleared ? [] : [name])
    expect(said).toHaveLength(cleared ? 1 : 0)
  })

  it('never is a backup, a foreign file, the journal, or a name of the like', async () => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'a.sql' })
    const others = [
      'b.sql',
      'journal.jsonl',
      '.seatbelt',
      `.seatbelt-${thisHost}-1.dump.tmp`,
      `x.seatbelt-${thisHost}-99999999-ab.dump.tmp`,
    ]
    for (const name of others) writeFileSync(join(folder.path, name), '')
    expect(await clearLeftovers(folder)).toEqual([])
    expect(readdirSync(folder.path).toSorted()).toEqual(['a.sql', 'a.sql.json', ...others].toSorted())
  })

  it('becomes the backup that it is when only its manifest’s name was missing', async () => {
    const folder = emptyFolder()
    const manifest = manifestOf({ file: 'a.sql' })
    writeFileSync(join(folder.path, 'a.sql'), 'dump')
    leave(folder, { kind: 'manifest', text: manifestText(manifest) })
    expect(await clearLeftovers(folder)).toEqual(['Completed a.sql, whose run was killed at its last step'])
    expect((await listBackups(folder)).map(({ file }) => file)).toEqual(['a.sql'])
  })

  it.each<[string, string | undefined]>([
    ['of another size', 'dum'],
    ['that is not there', undefined],
  ])('does not become a backup with a file %s', async (_, content) => {
    const folder = emptyFolder()
    if (content !== undefined) writeFileSync(join(folder.path, 'a.sql'), content)
    leave(folder, { kind: 'manifest', text: manifestText(manifestOf({ file: 'a.sql' })) })
    await clearLeftovers(folder)
    expect(readdirSync(folder.path)).toEqual(content === undefined ? [] : ['a.sql'])
  })

  it('does not replace a manifest that is there', async () => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'a.sql', reason: 'first' })
    leave(folder, { kind: 'manifest', text: manifestText(manifestOf({ file: 'a.sql', reason: 'second' })) })
    await clearLeftovers(folder)
    expect(readFileSync(join(folder.path, 'a.sql.json'), 'utf8')).toContain('first')
    expect(readdirSync(folder.path)).toHaveLength(2)
  })

  it('is cleared by two runs at once', async () => {
    const folder = emptyFolder()
    for (let count = 0; count < 5; count++) leave(folder, { pid: deadPid() })
    await Promise.all([clearLeftovers(folder), clearLeftovers(folder), clearLeftovers(folder)])
    expect(readdirSync(folder.path)).toEqual([])
  })

  it('is never taken for a backup', () => {
    expect(temporaryName('dump')).toMatch(/^\.seatbelt-.*\.dump\.tmp$/)
    expect(temporaryName('dump')).not.toBe(temporaryName('dump'))
  })
})
