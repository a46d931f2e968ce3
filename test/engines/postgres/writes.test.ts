import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, inject, test } from 'vitest'
import type { ServerWrites } from '../../../src/engines/engine.ts'
import { markText } from '../../../src/engines/postgres/scratch.ts'
import { withoutHousekeeping } from '../../../src/engines/postgres/writes.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { ioFor, openSession, targetOf } from './world.ts'

const servers = inject('servers').postgres

async function writesFrom(here: PostgresServer, database: string, earlier?: ServerWrites): Promise<ServerWrites> {
  const session = await openSession(ioFor(), targetOf(here, database))
  try {
    const writes = await session.writes?.(earlier)
    if (writes === undefined) throw new Error('not counted')
    return writes
  } finally {
    await session.close()
  }
}

// The server may still be ending a session of which we know only that its socket is closed.
async function untilAlone(here: PostgresServer, database: string): Promise<void> {
  const others = `SELECT FROM pg_stat_activity WHERE datname = '${database}'`
  while ((await sql(here, undefined, others)).length > 0) await sleep(20)
}

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  const here = servers[version]

  async function filled(): Promise<string> {
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      'CREATE TABLE t WITH (autovacuum_enabled = false) AS SELECT i AS a, repeat(md5(i::text), 6) AS b FROM generate_series(1, 1000) i',
    )
    return name
  }

  // Until 14 what is counted for tables may be half a second older than what is counted for their database: then
  // something seems to have been written, never the other way round.
  async function untilCounted(names: readonly string[]): Promise<void> {
    for (const name of names) await untilAlone(here, name)
    if (version === '13') await sleep(600)
  }

  /** Whether the work moved what is counted for each database, as it is seen from `one`. */
  async function moved(one: string, names: readonly string[], work: () => Promise<unknown>): Promise<boolean[]> {
    await untilCounted(names)
    const before = await writesFrom(here, one)
    await work()
    await untilCounted(names)
    const after = await writesFrom(here, one, before)
    expect(after.since).toBe(before.since)
    return names.map((name) => after.databases.get(name) !== before.databases.get(name))
  }

  test.each([
    ['INSERT INTO t VALUES (1)', true],
    ['UPDATE t SET a = 2 WHERE a = 1', true],
    ['DELETE FROM t WHERE a = 1', true],
    ['TRUNCATE t', true],
    ['CREATE TABLE u()', true],
    ["COMMENT ON TABLE t IS 'x'", true],
    ['SELECT count(*) FROM t', false],
    ['VACUUM t', false],
  ])('%s: %s, in the own database and in another one', async (statement, expected) => {
    const [own, other, third] = [await filled(), await filled(), await filled()]
    const work = () => Promise.all([own, other].map((name) => sql(here, name, statement)))
    expect(await moved(own, [own, other, third], work)).toEqual([expected, expected, false])
  })

  test('what ANALYZE writes is not counted for the own database', async () => {
    const own = await filled()
    expect(await moved(own, [own], () => sql(here, own, 'ANALYZE t; ANALYZE t'))).toEqual([false])
  })

  test('a database that is made anew is another one', async () => {
    const [own, other] = [await filled(), await createDatabase(here)]
    const again = () => sql(here, undefined, `DROP DATABASE ${other}`).then(() => createDatabase(here, other))
    expect(await moved(own, [other], again)).toEqual([true])
  })

  test('a database that is closed, or made a template, meanwhile is not gone', async () => {
    const [own, closed, template] = [await filled(), await filled(), await filled()]
    const work = () =>
      sql(
        here,
        undefined,
        `ALTER DATABASE ${closed} ALLOW_CONNECTIONS false; ALTER DATABASE ${template} IS_TEMPLATE true`,
      )
    expect(await moved(own, [closed, template], work)).toEqual([false, false])
    await sql(here, undefined, `ALTER DATABASE ${template} IS_TEMPLATE false`)
  })

  test('names what users may have, and none of ours', async () => {
    const [own, odd, template, closed, ours] = await Promise.all(
      ['', `o'dd "x" `, '', '', ''].map((prefix) => createDatabase(here, prefix + uniqueName())),
    )
    if (!own || !odd || !template || !closed || !ours) throw new Error('no names')
    const mark = markText({ role: 'scratch', database: own, at: '' })
    await sql(here, undefined, `ALTER DATABASE ${template} IS_TEMPLATE true`)
    await sql(here, undefined, `ALTER DATABASE ${closed} ALLOW_CONNECTIONS false`)
    await sql(here, undefined, `COMMENT ON DATABASE ${ours} IS '${mark}'`)
    const names = [...(await writesFrom(here, own)).databases.keys()]
    expect(names).toEqual(expect.arrayContaining([own, odd, 'postgres']))
    for (const name of [template, closed, ours, 'template0', 'template1']) expect(names).not.toContain(name)
    await sql(here, undefined, `ALTER DATABASE ${quoted(here, template)} IS_TEMPLATE false`)
  })
})

describe('what the server does by itself', () => {
  const before = { since: 'then', databases: new Map([['shop', '1']]), visits: new Map([['shop', '5']]) }

  test.each([
    ['nobody came', { since: 'then', visits: new Map([['shop', '5']]) }, '1'],
    ['somebody came', { since: 'then', visits: new Map([['shop', '6']]) }, '2'],
    ['somebody is there', { since: 'then', visits: new Map() }, '2'],
    ['the server was started anew', { since: 'now', visits: new Map([['shop', '5']]) }, '2'],
    ['visits are not counted', { since: 'then' }, '2'],
  ])('%s', (_name, now, expected) => {
    expect(withoutHousekeeping({ ...now, databases: new Map([['shop', '2']]) }, before).databases.get('shop')).toBe(
      expected,
    )
  })

  test('a database that was not there', () => {
    const now = { ...before, databases: new Map([['new', '2']]), visits: new Map([['new', '5']]) }
    expect(withoutHousekeeping(now, before).databases.get('new')).toBe('2')
    expect(withoutHousekeeping(now, undefined)).toBe(now)
  })
})
