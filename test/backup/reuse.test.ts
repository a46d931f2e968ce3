import { describe, expect, it } from 'vitest'
import { sameContent } from '../../src/backup/reuse.ts'
import type { DumpResult } from '../../src/engines/engine.ts'
import { toolVersion } from '../../src/version.ts'
import { manifestOf } from './made.ts'

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
