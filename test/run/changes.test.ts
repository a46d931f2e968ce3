import { describe, expect, it } from 'vitest'
import type { LiveTable, TableRows } from '../../src/engines/engine.ts'
import { changesBetween, databaseGone, rowsLost } from '../../src/run/changes.ts'
import { changeLines, lostText } from '../../src/run/changes-text.ts'

/** `users 1204: id int, name text`; `~` before the rows: an estimate; without a colon: columns are not known. */
function table(text: string): LiveTable {
  const [, name = '', about, rows = '', columns] = /^(\S+) (~?)(\d+)(?:: (.*))?$/s.exec(text) ?? []
  return {
    name,
    rows: Number(rows),
    ...(about === '~' ? { estimated: true as const } : {}),
    ...(columns === undefined ? {} : { columns: columns.split(', ') }),
  }
}

const tables = (texts: readonly string[]) => texts.map(table)

function linesOf(before: readonly string[], now: readonly string[]): readonly string[] {
  const changes = changesBetween(tables(before), tables(now))
  return changeLines(changes, 10).map(({ text, tone }) => (tone === 'plain' ? text : `${tone}: ${text}`))
}

describe('what became of the tables', () => {
  it.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['nothing', ['users 3', 'empty 0'], ['users 3', 'empty 0'], []],
    ['emptied', ['users 1204'], ['users 0'], ['lost: users  1,204 → 0 rows (all gone)']],
    ['fewer rows', ['users 1204'], ['users 1'], ['lost: users  1,204 → 1 row (1,203 gone)']],
    ['more rows', ['users 3'], ['users 5'], ['users  3 → 5 rows (2 more)']],
    ['gone with its rows', ['users 1'], [], ['lost: users  1 row → the table is gone']],
    ['gone, and empty before', ['users 0'], [], ['users  0 rows → the table is gone']],
    ['new', [], ['users 1'], ['users  new table, 1 row']],
    [
      "PostgreSQL's default schema is left out",
      ['public.a 1', 'app.b 1'],
      [],
      ['lost: app.b  1 row → the table is gone', 'lost: a      1 row → the table is gone'],
    ],
    [
      'an estimate is never a loss',
      ['users 1000'],
      ['users ~0'],
      ['users  1,000 → about 0 rows (an estimate: it took too long to count)'],
    ],
    ['an estimate that is near tells nothing', ['users 1000'], ['users ~901'], []],
    [
      'an estimate of more',
      ['users 1000'],
      ['users ~4500000'],
      ['users  1,000 → about 4,500,000 rows (an estimate: it took too long to count)'],
    ],
    ['a new one that was not counted', [], ['users ~12'], ['users  new table, about 12 rows']],
    ['a column gone from rows', ['users 3: id int, name text'], ['users 3: id int'], ['lost: users  column name gone']],
    ['a column gone from no rows', ['users 0: id int, a, b'], ['users 0: id int'], ['users  columns a, b gone']],
    ['a column of another type', ['users 3: id int'], ['users 3: id bigint'], ['users  column id: int → bigint']],
    [
      'new columns',
      ['users 3: id int'],
      ['users 3: id int, a int, b, c, d, e'],
      ['users  new columns a, b, c, d and 1 more'],
    ],
    [
      'a column in the place of another',
      ['users 3: id int, name text'],
      ['users 3: id int, title text'],
      ['doubtful: users  column name gone; perhaps renamed to title', 'users  new column title'],
    ],
    [
      'a column of another type in its place',
      ['users 3: id int, name text'],
      ['users 3: id int, title int'],
      ['lost: users  column name gone', 'users  new column title'],
    ],
    ['columns that change places', ['users 3: a int, b int'], ['users 3: b int, a int'], []],
    [
      'a quoted column',
      ['users 3: "Order No" int'],
      ['users 3: "Order No" bigint'],
      ['users  column "Order No": int → bigint'],
    ],
    ['columns of an old manifest', ['users 3'], ['users 3: id int'], []],
    [
      'emptied to get a column',
      ['users 3: id int'],
      ['users 0: id int, age int'],
      ['lost: users  3 → 0 rows (all gone)', 'users  new column age'],
    ],
    [
      'perhaps renamed',
      ['old 3: id int'],
      ['new 3: id int'],
      ['doubtful: old  3 rows → the table is gone; perhaps renamed to new', 'new  new table, 3 rows'],
    ],
    [
      'perhaps renamed, in the default schema',
      ['public.old 3: id int'],
      ['public.new 3: id int'],
      ['doubtful: old  3 rows → the table is gone; perhaps renamed to new', 'new  new table, 3 rows'],
    ],
    [
      'not renamed: no rows',
      ['old 0: id int'],
      ['new 0: id int'],
      ['old  0 rows → the table is gone', 'new  new table, 0 rows'],
    ],
    [
      'not renamed: other rows',
      ['old 3: id int'],
      ['new 4: id int'],
      ['lost: old  3 rows → the table is gone', 'new  new table, 4 rows'],
    ],
    [
      'not renamed: columns not known',
      ['old 3'],
      ['new 3'],
      ['lost: old  3 rows → the table is gone', 'new  new table, 3 rows'],
    ],
    [
      'not renamed: which of two',
      ['old 3: id int'],
      ['new 3: id int', 'one 3: id int'],
      ['lost: old  3 rows → the table is gone', 'new  new table, 3 rows', 'one  new table, 3 rows'],
    ],
    [
      'not renamed: an estimate',
      ['old 3: id int'],
      ['new ~3: id int'],
      ['lost: old  3 rows → the table is gone', 'new  new table, about 3 rows'],
    ],
  ])('%s', (_, before, now, expected) => expect(linesOf(before, now)).toEqual(expected))

  it('is told with the losses first, the greatest first', () => {
    const before = ['a 5: x int, y int', 'b 900', 'c 9000', 'd 7', 'e 8', 'f 2: id int', 'g 1']
    const now = ['a 5: x int', 'b 1', 'c 8999', 'd 0', 'f2 2: id int', 'g 3', 'h 0']
    const changes = changesBetween(tables(before), tables(now))
    expect(changes.map(({ kind, table, loss }) => `${table} ${kind}${loss ? '!' : ''}`)).toEqual([
      'e table-gone!',
      'd emptied!',
      'b fewer-rows!',
      'c fewer-rows!',
      'a column-gone!',
      'f table-gone!',
      'f2 table-new',
      'h table-new',
      'g more-rows',
    ])
    expect(changes.map(rowsLost)).toEqual([8, 7, 899, 1, 0, 2, 0, 0, 0])
  })

  it('is structured for the report', () => {
    const changes = changesBetween(tables(['users 4: a int, b text', 'x 9']), tables(['users 0: a int', 'x ~90']))
    expect(changes).toEqual([
      { kind: 'emptied', table: 'users', loss: true, before: 4, after: 0 },
      { kind: 'column-gone', table: 'users', loss: true, column: 'b', typeBefore: 'text' },
      { kind: 'more-rows', table: 'x', loss: false, before: 9, after: 90, estimated: true },
    ])
  })
})

describe('the lines', () => {
  const many = Array.from({ length: 14 }, (_, index) => `t${String(index).padStart(2, '0')} ${index}`)

  it('are shortened, and say whether losses are among the rest', () => {
    const lost = changeLines(changesBetween(tables(many), []), 3).map(({ text }) => text)
    expect(lost).toEqual([
      't13  13 rows → the table is gone',
      't12  12 rows → the table is gone',
      't11  11 rows → the table is gone',
      '… and 11 more, 10 of them losses',
    ])
    const fresh = changeLines(changesBetween([], tables(many)), 13)
    expect(fresh.at(-1)).toEqual({ text: '… and 1 more', tone: 'plain' })
    expect(changeLines(changesBetween([], tables(many)), 14)).toHaveLength(14)
  })

  it('keep a name on its line, and no longer than a line', () => {
    const rows: readonly TableRows[] = [
      { name: '"a\n\x1b[2Jb"', rows: 1 },
      { name: 'x'.repeat(300), rows: 1 },
    ]
    const lines = changeLines(changesBetween(rows, []), 10).map(({ text }) => text)
    expect(lines[0]).toContain('"a\\n\\x1b[2Jb"')
    expect(lines.every((line) => line.length < 100 && !/[\n\x1b]/.test(line))).toBe(true)
  })

  it('are aligned where letters are two columns wide', () => {
    const lines = changeLines(changesBetween([], tables(['客户 1', 'b 1'])), 10).map(({ text }) => text)
    expect(lines).toEqual(['b     new table, 1 row', '客户  new table, 1 row'])
  })
})

describe('what is lost, in a few words', () => {
  it.each([
    ['nothing', ['users 3', 'a 0'], ['users 3'], undefined],
    ['one table', ['users 1204'], ['users 0'], '1,204 rows of users are gone'],
    ['one row', ['public.users 2'], ['public.users 1'], '1 row of users is gone'],
    ['tables', ['users 1204', 'orders 1'], ['users 0'], '1,205 rows of 2 tables are gone'],
    ['what is perhaps renamed does not count', ['a 2: id int'], ['b 2: id int'], undefined],
    ['a column alone', ['a 2: id int, b int'], ['a 2: id int'], undefined],
  ] as const)('%s', (_, before, now, text) => {
    expect(lostText(changesBetween(tables(before), tables(now)))).toBe(text)
  })

  it('a database', () => {
    const change = databaseGone(tables(['users 4', 'x 9']))
    expect(change).toEqual({ kind: 'database-gone', loss: true, before: 13 })
    expect(lostText([change])).toBe('the database itself is gone')
    expect(changeLines([change], 10)[0]?.text).toBe('the database itself is gone (it had 13 rows)')
  })
})
