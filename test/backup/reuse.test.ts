import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Backup } from '../../src/backup/list.ts'
import type { Manifest } from '../../src/backup/manifest.ts'
import { provenSame, sameContent } from '../../src/backup/reuse.ts'
import type { ChangeMark, DumpResult } from '../../src/engines/engine.ts'
import { toolVersion } from '../../src/version.ts'
import { listeningIo } from '../listening-io.ts'
import { emptyFolder, makeBackup, manifestOf } from './made.ts'

const users = { name: 'public.users', rows: 2, digest: '0a', columns: ['id bigint', 'name text'] }
const orders = { name: 'public.orders', rows: 0, digest: '00', columns: ['id bigint'] }
const content: DumpResult = {
  client: 'pg_dump 15.20',
  tables: [users, orders],
  schemaDigest: 'abc',
  properties: { encoding: 'UTF8', owner: 'app' },
  notes: [],
}
const before = manifestOf({ file: 'x.sql', ...content, tool: toolVersion })
const { schemaDigest: _schema, ...undigested } = content
const { digest: _digest, ...uncounted } = users
const { columns: _columns, ...unnamed } = users

describe('two dumps hold the same', () => {
  it.each<[string, Partial<DumpResult>]>([
    ['everything is the same', {}],
    ['another client made it', { client: 'pg_dump 15.21', notes: ['a note'] }],
    ['the tables come in another order', { tables: [orders, users] }],
    ['the properties come in another order', { properties: { owner: 'app', encoding: 'UTF8' } }],
  ])('when %s', (_case, change) => {
    expect(sameContent(before, { ...content, ...change, engine: 'postgres' })).toBe(true)
  })

  it.each<[string, Partial<DumpResult>]>([
    ['a row was changed', { tables: [{ ...users, digest: '0b' }, orders] }],
    ['a row came', { tables: [{ ...users, rows: 3 }, orders] }],
    ['a column was renamed', { tables: [{ ...users, columns: ['id bigint', 'title text'] }, orders] }],
    ['the columns changed places', { tables: [{ ...users, columns: users.columns.toReversed() }, orders] }],
    ['nothing is known of the columns', { tables: [unnamed, orders] }],
    ['a table was renamed', { tables: [{ ...users, name: 'public.people' }, orders] }],
    ['a table went', { tables: [users] }],
    ['a table came', { tables: [users, orders, { ...orders, name: 'public.later' }] }],
    [
      'two tables changed names',
      {
        tables: [
          { ...users, name: orders.name },
          { ...orders, name: users.name },
        ],
      },
    ],
    ['a table has no digest', { tables: [uncounted, orders] }],
    ['the schema was changed', { schemaDigest: 'abd' }],
    ['a property was changed', { properties: { encoding: 'UTF8', owner: 'bob' } }],
    ['a property went', { properties: { encoding: 'UTF8' } }],
  ])('but not when %s', (_case, change) => {
    expect(sameContent(before, { ...content, ...change, engine: 'postgres' })).toBe(false)
  })

  it('but not when nothing is known of the schema, or of a table, in either', () => {
    expect(sameContent(manifestOf({ ...before, ...undigested }), { ...undigested, engine: 'postgres' })).toBe(false)
    const half = { ...content, tables: [uncounted] }
    expect(sameContent(manifestOf({ ...before, ...half }), { ...half, engine: 'postgres' })).toBe(false)
  })

  it('but not when the engine or the version of this tool is another', () => {
    expect(sameContent(before, { ...content, engine: 'mysql' })).toBe(false)
    expect(sameContent({ ...before, tool: '0.0.1' }, { ...content, engine: 'postgres' })).toBe(false)
  })
})

describe('the newest backup stands for a dump', () => {
  const changeMark = { inserted: '12' }

  function latestOne(parts: Partial<Manifest> = {}): Backup {
    const folder = emptyFolder()
    const manifest = makeBackup(folder, { file: 'a.sql', tool: toolVersion, changeMark, ...parts })
    return { file: 'a.sql', path: join(folder.path, 'a.sql'), manifest }
  }

  it('when the server’s mark is as it was; also without digests, and the next time', async () => {
    const io = listeningIo()
    const first = await provenSame(io, latestOne(), { values: changeMark }, 'safe-test npm test')
    expect(first).toMatchObject({ file: 'a.sql', reused: 'nothing changed' })
    expect(first?.manifest).toMatchObject({ changeMark, seenAgain: { count: 1, reason: 'safe-test npm test' } })
    const second = first && (await provenSame(io, first, { values: changeMark }, 'again'))
    expect(second?.manifest.seenAgain).toMatchObject({ count: 2, reason: 'again' })
    expect(io.heard).toEqual([])
  })

  it.each<[string, Partial<Manifest>, ChangeMark | undefined]>([
    ['the mark is another', {}, { values: { inserted: '13' } }],
    ['there is no mark now', {}, undefined],
    ['another version of this tool made it', { tool: '0.0.1' }, { values: changeMark }],
  ])('but not when %s', async (_case, parts, now) => {
    const io = listeningIo()
    expect(await provenSame(io, latestOne(parts), now, 'x')).toBeUndefined()
    expect(io.heard).toEqual([])
  })

  it('but not while changes may be under way, which is said', async () => {
    const io = listeningIo()
    const now = { values: changeMark, unsettled: '2 other sessions are writing' }
    expect(await provenSame(io, latestOne(), now, 'x')).toBeUndefined()
    expect(io.heard).toEqual(['A dump is made to be sure: 2 other sessions are writing'])
  })

  it('but not when its file is not whole any more, which is said', async () => {
    const io = listeningIo()
    const latest = latestOne()
    writeFileSync(latest.path, 'dumq')
    expect(await provenSame(io, latest, { values: changeMark }, 'x')).toBeUndefined()
    expect(io.heard).toEqual([expect.stringMatching(/^a\.sql is not whole any more/)])
  })
})
