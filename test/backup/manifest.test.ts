import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type ManifestNotes, manifestText, parseManifest, readManifest, totalRows } from '../../src/backup/manifest.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { manifestOf } from './made.ts'

const notes: Required<ManifestNotes> = {
  onDisk: { inode: '7', modified: '1795219998531018247', hashed: '2026-11-20T10:00:01.000Z' },
  changeMark: { inserted: '12' },
  seenAgain: { at: '2026-11-20T11:00:00.000Z', count: 3, reason: 'safe-test npm test' },
  proven: '2026-11-20T10:01:00.000Z',
  disproven: '2026-11-20T10:02:00.000Z',
}

describe('a manifest', () => {
  it('is read back as it was written', () => {
    const manifest = manifestOf({
      file: 'x.sql',
      notes: ['n'],
      properties: { encoding: 'UTF8' },
      tables: [{ name: 'public.users', rows: 2, digest: '00000000000000aa', columns: ['id bigint', 'name text'] }],
      schemaDigest: 'abc',
      ...notes,
    })
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
    ['fewer than no rows', { tables: [{ name: 'x', rows: -1 }] }, /has no list of tables/],
    ['more rows than can be counted', { tables: [{ name: 'x', rows: 2 ** 53 }] }, /has no list of tables/],
    ['a number for a digest', { tables: [{ name: 'x', rows: 1, digest: 1 }] }, /has no list of tables/],
    ['a null for a digest', { tables: [{ name: 'x', rows: 1, digest: null }] }, /has no list of tables/],
    ['a text for columns', { tables: [{ name: 'x', rows: 1, columns: 'id' }] }, /has no list of tables/],
    ['a column without a name', { tables: [{ name: 'x', rows: 1, columns: [{}] }] }, /has no list of tables/],
    ['a number for the schema’s digest', { schemaDigest: 1 }, /has no text in "schemaDigest"/],
    ['a list of properties', { properties: ['UTF8'] }, /has no texts in "properties"/],
    ['a number among the properties', { properties: { connectionLimit: 3 } }, /has no texts in "properties"/],
    ['a number among the notes', { notes: [1] }, /has no list of texts in "notes"/],
    ['the folder above for a file', { file: '..' }, /names a file outside its folder/],
    ['nothing for a file', { file: '' }, /names a file outside its folder/],
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

  it.each<[keyof ManifestNotes, unknown]>([
    ['onDisk', { inode: 7, modified: '1', hashed: '2026-11-20T10:00:01.000Z' }],
    ['onDisk', { inode: '7', modified: '1', hashed: 'yesterday' }],
    ['onDisk', null],
    ['changeMark', { inserted: 12 }],
    ['changeMark', ['12']],
    ['changeMark', null],
    ['seenAgain', { at: '2026-11-20T11:00:00.000Z', count: 2 ** 53, reason: 'x' }],
    ['seenAgain', { at: 'now', count: 1, reason: 'x' }],
    ['seenAgain', 'often'],
    ['proven', true],
    ['proven', 'often'],
    ['disproven', false],
  ])('is as good without its note %s when that is %j', (name, value) => {
    const { [name]: _, ...others } = notes
    const manifest = manifestOf({ file: 'x.sql', ...others })
    expect(parseManifest(JSON.stringify({ ...manifest, [name]: value }))).toEqual({ state: 'read', manifest })
  })

  it('that is hostile changes nothing but itself', () => {
    const text = manifestText(manifestOf({ file: 'x.sql' })).replace(
      '"properties": {}',
      '"properties": { "__proto__": "x" }, "__proto__": { "proven": "2026-11-20T10:01:00.000Z", "polluted": "x" }',
    )
    const reading = parseManifest(text)
    if (reading.state !== 'read') throw new Error(reading.state)
    expect(reading.manifest.proven).toBeUndefined()
    expect(reading.manifest.properties['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('of a later tool keeps what this one does not know', () => {
    const later = { ...manifestOf({ file: 'x.sql' }), encrypted: 'age' }
    expect(parseManifest(JSON.stringify(later))).toMatchObject({ state: 'read', manifest: { encrypted: 'age' } })
  })

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
