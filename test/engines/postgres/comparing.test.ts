import { expect, test } from 'vitest'
import type { TableRows } from '../../../src/engines/engine.ts'
import { compare, differences, type Restored } from '../../../src/engines/postgres/counts.ts'
import { writtenOtherwise } from '../../../src/engines/postgres/read-back.ts'
import { Failure } from '../../../src/failure.ts'

test('differences', () => {
  const backup = [
    { name: 'a', rows: 1 },
    { name: 'b', rows: 2 },
  ]
  expect(differences(backup, backup)).toEqual({ wrong: [], changed: [] })
  const found = [
    { name: 'a', rows: 3 },
    { name: 'c', rows: 0 },
    { name: 'd', rows: 1 },
  ]
  expect(differences(backup, found).wrong).toEqual([
    'a: 1 rows in the backup, 3 restored',
    'b: 2 rows in the backup, no table restored',
    'd: not in the backup, 1 rows restored',
  ])
})

test('digests are compared where both are known and the rows are as many', () => {
  const backup = [
    { name: 'a', rows: 1, digest: '1' },
    { name: 'b', rows: 1, digest: '2' },
    { name: 'c', rows: 1 },
    { name: 'd', rows: 1, digest: '4' },
  ]
  const found = [
    { name: 'a', rows: 1, digest: '1' },
    { name: 'b', rows: 1, digest: 'x' },
    { name: 'c', rows: 1, digest: 'x' },
    { name: 'd', rows: 1 },
  ]
  expect(compare(backup, restored(backup))).toEqual([])
  expect(failureOf(() => compare(backup, restored(found))).text.why).toEqual([
    'b: 1 rows in the backup and restored, but not the same ones',
  ])
  expect(compare(backup, restored(found, 'the backup is of PostgreSQL 13, this server of 18'))).toEqual([
    'the backup is of PostgreSQL 13, this server of 18: rows that are written otherwise were only counted, of b',
  ])
  const fewer = found.map((table) => ({ ...table, rows: 0 }))
  expect(failureOf(() => compare(backup, restored(fewer, 'another server'))).code).toBe(40)
})

test('rows that name objects may be written otherwise', () => {
  const rows = (digest: string) => [{ name: 'a', rows: 1, digest, columns: ['at timestamptz', 'of regclass[]'] }]
  expect(compare(rows('1'), restored(rows('1')))).toEqual([])
  expect(compare(rows('1'), restored(rows('2')))).toEqual([
    'rows that name objects of the database (regclass …) were only counted, of a',
  ])
  const text = (digest: string) => [{ name: 'a', rows: 1, digest, columns: ['regclass text', '" regclass" oid'] }]
  expect(failureOf(() => compare(text('1'), restored(text('2')))).code).toBe(40)
})

test('a table that may not be read is noted, and no difference', () => {
  const backup = [{ name: 'a', rows: 1, digest: '1' }]
  expect(compare(backup, { ...restored([]), unreadable: ['a'] })).toEqual([
    'rows that may not be read back were not compared, of a',
  ])
})

test.each([
  [{ serverMajor: 15, encoding: 'UTF8' }, undefined],
  [{ serverMajor: 13, encoding: 'UTF8' }, 'the backup is of PostgreSQL 13, this server of 15'],
  [{ serverMajor: 15, encoding: 'LATIN1' }, 'the backup is in LATIN1, this database in UTF8'],
  [{ serverMajor: undefined, encoding: 'UTF8' }, 'it is not known which PostgreSQL wrote the backup'],
])('whether rows may be written otherwise: %j', (backup, why) => {
  expect(writtenOtherwise(backup, { major: 15, encoding: 'UTF8' })).toBe(why)
})

function restored(tables: readonly TableRows[], otherwise?: string): Restored {
  return { tables, unreadable: [], database: 'shop', otherwise, roots: new Map() }
}

function failureOf(work: () => unknown): Failure {
  try {
    work()
  } catch (error) {
    if (error instanceof Failure) return error
  }
  throw new Error('no failure')
}
