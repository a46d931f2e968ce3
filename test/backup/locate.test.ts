import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineOfFile, locateBackup } from '../../src/backup/locate.ts'
import { manifestText } from '../../src/backup/manifest.ts'
import { emptyFolder, makeBackup, manifestOf } from './made.ts'

describe('a backup that was named', () => {
  it.each(['a.sql', './backups/a.sql', 'backups/a.sql', 'backups/../backups/a.sql'])(
    'is found as %s',
    async (named) => {
      const folder = emptyFolder()
      const manifest = makeBackup(folder, { file: 'a.sql' })
      expect(await locateBackup(named, folder, join(folder.path, '..'))).toEqual({
        path: join(folder.path, 'a.sql'),
        shown: named,
        manifest,
      })
    },
  )

  it('may be a foreign file', async () => {
    const folder = emptyFolder()
    writeFileSync(join(folder.path, 'a.sql'), '')
    expect(await locateBackup('a.sql', folder, '/')).toEqual({ path: join(folder.path, 'a.sql'), shown: 'a.sql' })
  })

  it.each<[string, string, number, RegExp]>([
    ['missing.sql', 'nothing', 2, /There is no backup missing\.sql/],
    ['../missing.sql', 'nothing', 2, /There is no backup/],
    ['a.sql.json', 'a manifest', 2, /a\.sql\.json is a manifest, not a backup/],
    ['folder', 'a folder', 2, /folder is a folder/],
    ['broken.sql', 'a file with a broken manifest', 31, /The manifest of broken\.sql is not valid JSON/],
    ['renamed.sql', 'a file with another’s manifest', 31, /is of another file \(a\.sql\)/],
    ['later.sql', 'a file of a later version', 31, /has version 2/],
  ])('%s is %s: ends with %d', async (named, _, code, what) => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'a.sql' })
    mkdirSync(join(folder.path, 'folder'))
    const manifests = { broken: '{', renamed: manifestText(manifestOf({ file: 'a.sql' })), later: '{"version": 2}' }
    for (const [name, text] of Object.entries(manifests)) {
      writeFileSync(join(folder.path, `${name}.sql`), 'dump')
      writeFileSync(join(folder.path, `${name}.sql.json`), text)
    }
    await expect(locateBackup(named, folder, folder.path)).rejects.toMatchObject({
      code,
      text: { what: expect.stringMatching(what) },
    })
  })
})

describe('the engine of a file', () => {
  it.each([
    ['SQLite format 3\0...', 'sqlite'],
    ['--\n-- PostgreSQL database dump\n--\n', 'postgres'],
    ['\\restrict abc\n--\n-- PostgreSQL database dump\n', 'postgres'],
    ['PGDMP\x01', 'postgres'],
    ['-- MySQL dump 10.13  Distrib 8.0\n', 'mysql'],
    ['/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19\n', 'mysql'],
    ['/*!40101 SET NAMES utf8 */;\n', 'mysql'],
    ['CREATE TABLE x ();', undefined],
    ['', undefined],
  ])('that begins with %j is %s', async (text, engine) => {
    expect(await engineOfFile({ path: 'x', shown: 'x' }, Buffer.from(text))).toBe(engine)
  })

  it('is what its manifest says', async () => {
    const file = { path: 'x', shown: 'x', manifest: manifestOf({ file: 'x', engine: 'mysql' }) }
    expect(await engineOfFile(file, Buffer.from('PGDMP'))).toBe('mysql')
  })
})
