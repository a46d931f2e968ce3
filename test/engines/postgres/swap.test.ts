import { expect, test } from 'vitest'
import type { Connection, Row } from '../../../src/engines/postgres/connection.ts'
import { dropDatabase, restoreNames } from '../../../src/engines/postgres/scratch.ts'
import { swap, swapSql } from '../../../src/engines/postgres/swap.ts'

const names = restoreNames('shop', '0123abcd')
const now = new Date(0)

function connection(answer: (sql: string, values: readonly unknown[]) => Promise<Row[]>): Connection {
  return {
    processId: 1,
    query: async <R extends Row>(sql: string, values: readonly unknown[] = []) => (await answer(sql, values)) as R[],
    close: async () => undefined,
  }
}

test('the swap is one transaction', () => {
  expect(swapSql({ names, liveExists: false, comment: '', now })).toBe(
    'BEGIN; ALTER DATABASE "shop_seatbelt_0123abcd" RENAME TO "shop"; COMMENT ON DATABASE "shop" IS NULL; COMMIT',
  )
  expect(swapSql({ names, liveExists: true, comment: "it's", now }).split('; ')).toEqual([
    'BEGIN',
    'ALTER DATABASE "shop" RENAME TO "shop_seatbelt_old_0123abcd"',
    'ALTER DATABASE "shop_seatbelt_0123abcd" RENAME TO "shop"',
    `COMMENT ON DATABASE "shop" IS 'it''s'`,
    expect.stringContaining(
      'COMMENT ON DATABASE "shop_seatbelt_old_0123abcd" IS \'db-seatbelt restore: {"role":"former"',
    ),
    'COMMIT',
  ])
})

test('a session that comes back while the rename waits is ended too', async () => {
  let inside = [{ pid: 1, application: 'pool', user: 'app' }]
  let left: () => void = () => undefined
  const renamed = new Promise<Row[]>((resolve) => {
    left = () => resolve([])
  })
  const ending = connection(async (sql, values) => {
    if (sql.includes('pg_prepared_xacts')) return []
    if (!sql.includes('pg_terminate_backend')) return inside
    inside = []
    if (values[0] === 2) left()
    return []
  })
  const renaming = connection((sql) => {
    inside = [{ pid: 2, application: 'pool', user: 'app' }]
    return sql.startsWith('BEGIN') ? renamed : Promise.resolve([])
  })
  expect(await swap({ live: 'shop', incoming: 'new', liveExists: true, sql: 'BEGIN', renaming, ending })).toEqual([
    '2 sessions were ended: pool (2)',
  ])
}, 5000)

// No real server: whether autovacuum is in a database at that moment cannot be arranged.
test('a database in which autovacuum is at work is dropped without FORCE', async () => {
  const asked: string[] = []
  const refusing = connection(async (sql) => {
    asked.push(sql)
    if (sql.endsWith('(FORCE)')) throw Object.assign(new Error('must be a member of …'), { code: '42501' })
    return []
  })
  await dropDatabase(refusing, 'former')
  expect(asked).toEqual(['DROP DATABASE IF EXISTS "former" WITH (FORCE)', 'DROP DATABASE IF EXISTS "former"'])
  const gone = connection(() => Promise.reject(Object.assign(new Error('no server'), { code: '57P01' })))
  await expect(dropDatabase(gone, 'former')).rejects.toThrow('no server')
})
