import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { manifestText, parseManifest, readManifest, totalRows } from '../../src/backup/manifest.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { manifestOf } from './made.ts'

describe('a manifest', () => {
  it('is read back as it was written', () => {
    const manifest = manifestOf({ file: 'x.sql', notes: ['n'], properties: { encoding: 'UTF8' } })
    expect(parseManifest(manifestText(manifest))).toEqual({ state: 'read', manifest })
  })

  it('of an older tool may lack notes and properties', () => {
    const { notes: _, properties: __, ...older } = manifestOf({ file: 'x.sql' })
    expect(parseManifest(JSON.stringify(older))).toMatchObject({
      state: 'read',
      manifest: { notes: [], properties: {} },
    })
  })

  it.each<[string, object, RegExp]>([
    ['a later version', { version: 2 }, /has version 2; this tool reads version 1/],
    ['no file', { file: undefined }, /lacks "file"/],
    ['a file elsewhere', { file: '../x.sql' }, /names a file outside its folder/],
    ['no hash', { sha256: 3 }, /lacks "sha256"/],
    ['a size below 0', { storedBytes: -1 }, /lacks "storedBytes"/],
    ['half a byte', { bytes: 1.5 }, /lacks "bytes"/],
    ['another engine', { engine: 'oracle' }, /names the engine "oracle"/],
    ['no date', { createdAt: 'yesterday' }, /has no date/],
    ['no tables', { tables: {} }, /has no list of tables/],
    ['a table without rows', { tables: [{ name: 'x' }] }, /has no list of tables/],
    ['a null for a table', { tables: [null] }, /has no list of tables/],
  ])('with %s is broken', (_, change, problem) => {
    const reading = parseManifest(JSON.stringify({ ...manifestOf({ file: 'x.sql' }), ...change }))
    expect(reading).toEqual({ state: 'broken', problem: expect.stringMatching(problem) })
  })

  it.each(['', '{', 'null', '3', '"x"', '[]', manifestText(manifestOf({ file: 'x.sql' })).slice(0, 100)])(
    'of %j is broken',
    (text) => {
      expect(parseManifest(text)).toMatchObject({ state: 'broken' })
    },
  )

  it('may be absent, or stand there unreadable', async () => {
    const folder = temporaryFolder()
    expect(await readManifest(join(folder, 'x.sql'))).toEqual({ state: 'absent' })
    mkdirSync(join(folder, 'x.sql.json'))
    expect(await readManifest(join(folder, 'x.sql'))).toMatchObject({
      state: 'broken',
      problem: expect.stringMatching(/cannot be read/),
    })
    writeFileSync(join(folder, 'y.sql.json'), '')
    chmodSync(join(folder, 'y.sql.json'), 0o000)
    expect(await readManifest(join(folder, 'y.sql'))).toMatchObject({ state: 'broken' })
  })

  it('adds its rows up', () => {
    expect(totalRows([])).toBe(0)
    expect(
      totalRows([
        { name: 'a', rows: 2 },
        { name: 'b', rows: 3 },
      ]),
    ).toBe(5)
  })
})
