import { describe, expect, it } from 'vitest'
import { proofOf } from '../../src/backup/proof.ts'
import type { Rehearsal, TableRows } from '../../src/engines/engine.ts'
import { manifestOf } from './made.ts'

const users: TableRows = { name: 'users', rows: 2, digest: '0a', columns: ['id bigint', 'name text'] }
const orders: TableRows = { name: 'orders', rows: 0, digest: '00' }
const manifest = manifestOf({ file: 'x.sql', tables: [users, orders], schemaDigest: 'abc' })
const same: Rehearsal = { tables: [orders, users], schemaDigest: 'abc', notes: ['a note'] }
const { digest: _digest, ...uncounted } = users
const { schemaDigest: _schema, ...schemaless } = same

describe('a restored backup', () => {
  it.each<[string, Partial<Rehearsal>, readonly string[]]>([
    ['is the same', {}, []],
    ['lacks a table', { tables: [users] }, ['orders is missing']],
    ['has another table', { tables: [users, orders, { name: 'later', rows: 0 }] }, ['later is not in the backup']],
    ['lost a row', { tables: [{ ...users, rows: 1 }, orders] }, ['users has 1 rows, not 2']],
    [
      'has another row',
      { tables: [{ ...users, digest: '0b' }, orders] },
      ['users has as many rows, but not the same ones'],
    ],
    ['has another column', { tables: [{ ...users, columns: ['id bigint'] }, orders] }, ['users has other columns']],
    ['has another schema', { schemaDigest: 'abd' }, ['what is no row (tables, views, functions …) differs']],
    ['has a schema that cannot be compared', { tables: same.tables }, []],
    ['has nothing', { tables: [] }, ['users is missing', 'orders is missing']],
  ])('%s', (_, change, differences) => {
    expect(proofOf(manifest, { ...same, ...change }).differences).toEqual(differences)
  })

  it('whose rows could only be counted is not proven', () => {
    expect(proofOf(manifest, same).counted).toEqual([])
    expect(proofOf(manifest, { ...same, tables: [uncounted, orders] })).toEqual({ differences: [], counted: ['users'] })
    const older = manifestOf({ file: 'x.sql', tables: [uncounted, { name: 'orders', rows: 0 }] })
    expect(proofOf(older, same)).toEqual({ differences: [], counted: ['users'] })
    expect(proofOf(older, { ...same, tables: [{ ...users, rows: 3 }, orders] }).differences).toEqual([
      'users has 3 rows, not 2',
    ])
  })

  it('whose schema could not be compared is not proven', () => {
    expect(proofOf(manifest, schemaless)).toEqual({ differences: [], counted: ['what is no row'] })
  })

  it('without a row needs no digest', () => {
    const empty = manifestOf({ file: 'x.sql', tables: [{ name: 'orders', rows: 0 }] })
    expect(proofOf(empty, { tables: [{ name: 'orders', rows: 0 }], notes: [] })).toEqual({
      differences: [],
      counted: [],
    })
  })
})
