import { describe, expect, inject, test } from 'vitest'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import { dumpOf, ioFor, openSession, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']

describe('dump', () => {
  test('names every table with its rows, their digest and its columns', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      `CREATE TABLE users(id int); INSERT INTO users SELECT generate_series(1, 1204); CREATE TABLE "Order Items"(t text); CREATE TABLE none()`,
    )
    const dump = await dumpOf(targetOf(server, name))
    expect(dump.tables).toEqual([
      { name: 'public."Order Items"', rows: 0, columns: ['t text'], digest: '0000000000000000' },
      { name: 'public.none', rows: 0, columns: [], digest: '0000000000000000' },
      { name: 'public.users', rows: 1204, columns: ['id integer'], digest: expect.stringMatching(/^[0-9a-f]{16}$/) },
    ])
    expect(dump.client).toMatch(/^pg_dump 15\.\d+$/)
    expect(dump.notes).toEqual([])
  })

  test.each(['a=b', 'postgres://x', '-x', 'sp ace', `q'u"o\\te`, '$HOME', 'a;b', 'new\nline', 'größe 名'])(
    'a database named %j',
    async (hostile) => {
      const name = `${hostile}${uniqueName()}`
      await createDatabase(server, name)
      await sql(server, name, `CREATE TABLE ${quoted(server, name)}(id int)`)
      const dump = await dumpOf(targetOf(server, name))
      expect(dump.tables.map(({ rows }) => rows)).toEqual([0])
    },
  )
})

describe('connect', () => {
  test('tells the server, its size and its tables', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      `CREATE TABLE a(); CREATE VIEW v AS SELECT 1; CREATE TABLE p(i int) PARTITION BY LIST (i); CREATE TABLE p1 PARTITION OF p DEFAULT; CREATE TEMP TABLE t()`,
    )
    const session = await openSession(ioFor(), targetOf(server, name))
    await session.close()
    expect(session.server.tables).toBe(2)
    expect(session.server.version).toMatch(/^15\.\d+$/)
    expect(session.server.sizeBytes).toBeGreaterThan(1_000_000)
  })

  test('a database that does not exist is nothing to lose', async () => {
    expect(await postgres.connect(ioFor(), targetOf(server, 'nowhere'))).toEqual({
      state: 'nothing',
      reason: `database nowhere does not exist yet on 127.0.0.1:${server.port}`,
    })
  })

  test('an older client is refused', async () => {
    const session = await openSession(ioFor(), targetOf(servers['18'], 'postgres'))
    const refusal = await session.dump().catch((error: unknown) => error)
    await session.close()
    expect(refusal).toBeInstanceOf(Failure)
    expect((refusal as Failure).text.what).toContain('pg_dump 18 is missing')
  })
})
