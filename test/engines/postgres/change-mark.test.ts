import { describe, expect, test } from 'vitest'
import { type ChangeReading, markOf } from '../../../src/engines/postgres/change-mark.ts'
import { isPostgres } from '../../../src/engines/postgres/change-reading.ts'

const reading: ChangeReading = {
  server: '1/2',
  database: '16384',
  transactions: '735:735:',
  counters: '1/2/3 4',
  surroundings: 'roles',
  sequences: '5 1 f',
  sessions: [],
}

const resting = { id: '77/1', restingSince: '9' }

/** Whether the second reading proves that nothing was changed since the first. */
function proven(before: Partial<ChangeReading>, after: Partial<ChangeReading>): boolean {
  const earlier = markOf({ ...reading, ...before }, undefined).values
  const now = markOf({ ...reading, ...after }, earlier)
  expect(JSON.stringify(now.values) === JSON.stringify(earlier)).toBe(now.values === earlier)
  return now.values === earlier && now.unsettled === undefined
}

describe('nothing was changed', () => {
  test.each([
    ['as no transaction ended, whoever is there', {}, { counters: '9', surroundings: 'x', sessions: [resting] }],
    ['as nothing was counted', {}, { transactions: '800:800:' }],
    ['as nothing was counted, after somebody left', { sessions: [resting] }, { transactions: '800:800:' }],
    [
      'as nothing was counted, and whoever is there has rested since',
      { sessions: [{ id: '5/5', restingSince: '1' }, resting] },
      { transactions: '800:800:', sessions: [resting] },
    ],
  ])('%s', (_why, before, after) => {
    expect(proven(before, after)).toBe(true)
  })
})

const later = { transactions: '800:800:' }

describe('something may have been changed', () => {
  test.each([
    ['the server was started anew', {}, { server: '3/3' }],
    ['it is another database of the name', {}, { database: '16385' }],
    ['a sequence moved', {}, { sequences: '5 2 t' }],
    ['something was counted', {}, { ...later, counters: '2/2/3 4' }],
    ['a role was renamed', {}, { ...later, surroundings: 'others' }],
    ['nothing is counted', { counters: '' }, { ...later, counters: '' }],
    ['somebody came', {}, { ...later, sessions: [resting] }],
    ['somebody did something', { sessions: [resting] }, { ...later, sessions: [{ ...resting, restingSince: '10' }] }],
    ['another has his number', { sessions: [resting] }, { ...later, sessions: [{ ...resting, id: '77/2' }] }],
    [
      'what somebody does is not known',
      { sessions: [{ id: '77/1', restingSince: undefined }] },
      { ...later, sessions: [{ id: '77/1', restingSince: undefined }] },
    ],
  ])('%s', (_why, before, after) => {
    expect(proven(before, after)).toBe(false)
  })

  test('a mark of another version of ours proves nothing', () => {
    expect(markOf(reading, {}).values).toEqual(markOf(reading, undefined).values)
  })

  test('it is said when only other sessions are in the way', () => {
    const earlier = markOf(reading, undefined).values
    const others = [resting, { id: '78/1', restingSince: undefined }]
    expect(markOf({ ...reading, ...later, sessions: others }, earlier).unsettled).toMatch(/^2 other sessions may hold/)
    expect(markOf({ ...reading, ...later, sessions: [resting] }, earlier).unsettled).toMatch(/^another session may/)
    expect(markOf({ ...reading, ...later, counters: '9', sessions: others }, earlier).unsettled).toBeUndefined()
  })
})

test.each([
  ['15.20', 'PostgreSQL 15.20 on x86_64-pc-linux-gnu, compiled by gcc', true],
  ['15.20 (Debian 15.20-0+deb12u1)', 'PostgreSQL 15.20 (Debian 15.20-0+deb12u1) on x86_64', true],
  ['16.1', 'PostgreSQL 16.1, compiled by Visual C++ build 1914, 64-bit', true],
  ['19devel', 'PostgreSQL 19devel on aarch64', true],
  ['11.2-YB-2.14.0.0-b0', 'PostgreSQL 11.2-YB-2.14.0.0-b0 on x86_64-pc-linux-gnu', false],
  ['12.12', 'PostgreSQL 12.12 (Greenplum Database 7.0.0 build 1) on x86_64', false],
  ['13.0.0', 'CockroachDB CCL v23.1.11 (x86_64-pc-linux-gnu)', false],
  ['8.0.2', 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.77467', false],
])('%s, %s: %s', (number, version, expected) => {
  expect(isPostgres({ number, version })).toBe(expected)
})
