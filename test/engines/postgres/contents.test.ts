import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import type { LiveTable } from '../../../src/engines/engine.ts'
import { batches, type Countable, worthCounting } from '../../../src/engines/postgres/contents.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everything } from './everything.ts'
import { dumpOf, ioFor, openSession, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']

async function contentsOf(target: ServerTarget, seconds = 60): Promise<readonly LiveTable[]> {
  const session = await openSession(ioFor(), target)
  try {
    return (await session.contents?.(seconds)) ?? []
  } finally {
    await session.close()
  }
}

async function client(here: PostgresServer, database: string): Promise<pg.Client> {
  const { host, port, superuser: user, password } = here
  const one = new pg.Client({ host, port, user, password, database })
  await one.connect()
  return one
}

async function shop(here: PostgresServer): Promise<string> {
  const name = await createDatabase(here)
  await sql(here, name, everything)
  await sql(here, name, 'ALTER TABLE app.orders DROP COLUMN amount; CREATE TEMPORARY TABLE gone()')
  return name
}

// There are no later clients than those of 15 here.
test.each(['13', '15'] as const)('PostgreSQL %s: is what a dump holds', async (version) => {
  const target = targetOf(servers[version], await shop(servers[version]))
  const { tables } = await dumpOf(target)
  expect(await contentsOf(target)).toEqual(tables.map(({ digest: _, ...table }) => table))
})

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  const here = servers[version]

  test('every table with its rows and its columns', async () => {
    const found = new Map((await contentsOf(targetOf(here, await shop(here)))).map((table) => [table.name, table]))
    expect([...found.values()].filter(({ estimated }) => estimated)).toEqual([])
    expect(found.get('app.orders')).toEqual({
      name: 'app.orders',
      rows: 1000,
      columns: ['id integer', 'user_id integer'],
    })
    expect(found.get('public.nothing')).toEqual({ name: 'public.nothing', rows: 1, columns: [] })
    expect(found.get('public."Tab; ""le"')?.columns).toEqual([
      `"col 'x'; --" text`,
      '"größe" integer',
      '"new\nline" integer',
    ])
    const users = found.get('app.users')?.columns ?? []
    expect(users.slice(0, 3)).toEqual(['id integer', 'name text', 'mood app.mood'])
    expect(users).toEqual(expect.arrayContaining(['h app.hstore', 'ts timestamp with time zone', 'arr text[]']))
  })

  test('a table behind a lock is estimated, the others are counted', async () => {
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      'CREATE TABLE a AS SELECT generate_series(1, 10); CREATE TABLE b AS SELECT generate_series(1, 20)',
    )
    await sql(here, name, 'VACUUM')
    const migration = await client(here, name)
    await migration.query('BEGIN; ALTER TABLE a ADD COLUMN later int')
    expect(await contentsOf(targetOf(here, name), 3600)).toMatchObject([
      { name: 'public.a', rows: 10, columns: ['generate_series integer'], estimated: true },
      { name: 'public.b', rows: 20 },
    ])
    await migration.end()
  })
})

describe('without time', () => {
  test('everything is estimated, emptied tables as empty', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      'CREATE TABLE a AS SELECT generate_series(1, 1000); CREATE TABLE b AS TABLE a; CREATE TABLE c()',
    )
    await sql(server, name, 'VACUUM')
    await sql(server, name, 'DELETE FROM b')
    expect((await contentsOf(targetOf(server, name), 0)).map(({ rows, estimated }) => [rows, estimated])).toEqual([
      [1000, true],
      [0, true],
      [0, true],
    ])
  })
})

test('what is not ours to read, or only in part, is estimated', async () => {
  const [name, role] = [await createDatabase(server), uniqueName('role')]
  await sql(
    server,
    name,
    `CREATE TABLE hidden AS SELECT generate_series(1, 9) AS a; CREATE TABLE policed AS TABLE hidden; CREATE TABLE mine AS TABLE hidden`,
  )
  await sql(server, name, 'VACUUM')
  await sql(
    server,
    name,
    `CREATE ROLE ${role} LOGIN PASSWORD 'x'; GRANT SELECT ON policed, mine TO ${role};
    ALTER TABLE policed ENABLE ROW LEVEL SECURITY; CREATE POLICY few ON policed USING (a < 3)`,
  )
  const contents = await contentsOf(targetOf(server, name, { user: role, password: new Secret('x') }))
  expect(contents.map(({ name, rows, estimated }) => [name, rows, estimated])).toEqual([
    ['public.hidden', 9, true],
    ['public.mine', 9, undefined],
    ['public.policed', 9, true],
  ])
})

function tables(...estimates: readonly number[]): Countable[] {
  return estimates.map((estimate, at) => ({ name: `t${at}`, columns: [], estimate, closed: false }))
}

test('small tables are counted together, and first', () => {
  const all = [...tables(5_000_000, 0, 600_000, 300_000, 900_000), { ...tables(1)[0], closed: true } as Countable]
  expect(batches(all).map((batch) => batch.map(({ estimate }) => estimate))).toEqual([
    [0, 300_000, 600_000],
    [900_000],
    [5_000_000],
  ])
  expect(batches(tables(...Array<number>(120).fill(1))).map((batch) => batch.length)).toEqual([50, 50, 20])
})

test.each([
  [1_000_000, 10, true],
  [1_000_001, 10, false],
  [0, 1, true],
  [0, 0, false],
  [0, -5, false],
])('%i rows in %i ms: %s', (estimate, milliseconds, expected) => {
  expect(worthCounting(tables(estimate), milliseconds)).toBe(expected)
})
