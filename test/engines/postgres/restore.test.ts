import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import type { RestoreOutcome, RestoreRequest } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everything, sinceFourteen } from './everything.ts'
import { comparable, contentOf, dumpOf, ioFor, type TakenDump, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']

function restore(
  target: ServerTarget,
  dump: TakenDump,
  changes: Partial<RestoreRequest> = {},
  io = ioFor(),
): Promise<RestoreOutcome> {
  const { tables, properties } = dump
  return postgres.restore(io, {
    target,
    content: contentOf(dump.bytes),
    tables,
    properties,
    step: () => undefined,
    ...changes,
  })
}

async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => 'no failure',
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Failure)) throw error
  return error
}

async function leftovers(on: PostgresServer): Promise<unknown[]> {
  return sql(on, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '%\\_seatbelt\\_%'`)
}

async function session(on: PostgresServer, database: string, changes: pg.ClientConfig = {}): Promise<pg.Client> {
  const { host, port, superuser: user, password } = on
  const client = new pg.Client({ host, port, user, password, database, ...changes })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

describe.each(['13', '15'] as const)('swap on PostgreSQL %s', (version) => {
  const here = servers[version]

  test('everything comes back', async () => {
    const name = await createDatabase(here, `it's "x" ${uniqueName()}`)
    await sql(here, name, everything + (version === '13' ? '' : sinceFourteen))
    await sql(
      here,
      name,
      `COMMENT ON DATABASE ${quoted(here, name)} IS 'shop''s'; ALTER DATABASE ${quoted(here, name)} SET search_path = app, "$user", 'a b'; ALTER DATABASE ${quoted(here, name)} SET work_mem = '8MB'; ALTER ROLE postgres IN DATABASE ${quoted(here, name)} SET application_name = 'x''y'; ALTER DATABASE ${quoted(here, name)} CONNECTION LIMIT 33; REVOKE TEMPORARY ON DATABASE ${quoted(here, name)} FROM PUBLIC`,
    )
    const target = targetOf(here, name)
    const before = await dumpOf(target)
    await sql(
      here,
      name,
      `DROP SCHEMA app CASCADE; DROP EVENT TRIGGER IF EXISTS "ev trig"; CREATE TABLE public.newer(); SELECT lo_unlink(4711); ALTER DATABASE ${quoted(here, name)} RESET ALL`,
    )
    const outcome = await restore(target, before)
    const after = await dumpOf(target)
    expect(outcome.way).toBe('swap')
    expect(outcome.tables).toEqual(before.tables)
    expect(outcome.notes).toEqual([])
    expect(comparable(after.text)).toBe(comparable(before.text))
    expect(after.properties).toEqual(before.properties)
    expect(await leftovers(here)).toEqual([])
  })

  test('without the right to make databases: one transaction', async () => {
    const role = uniqueName('role')
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}; ALTER SCHEMA public OWNER TO ${role}`,
    )
    const target = targetOf(here, name, { user: role, password: new Secret('x') })
    const own = await session(here, name, { user: role, password: 'x' })
    const mine = everything
      .replace(/CREATE (FUNCTION app\.ev|EVENT TRIGGER)[^;]*;( END \$\$;)?/g, '')
      .replace(/CREATE EXTENSION pgcrypto;/, '')
    await own.query(mine)
    await own.end()
    const before = await dumpOf(target)
    await sql(
      here,
      name,
      `SET ROLE ${role}; DROP TABLE app.orders CASCADE; CREATE TABLE app.newer(id int generated always as identity, s serial); CREATE FUNCTION public.newer() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA newer CREATE TABLE x(); CREATE TYPE public.e AS ENUM ('a')`,
    )
    const outcome = await restore(target, before)
    const after = await dumpOf(target)
    expect(outcome.way).toBe('transaction')
    expect(comparable(after.text)).toBe(comparable(before.text))
    expect(after.tables).toEqual(before.tables)
    const broken = {
      ...before,
      bytes: Buffer.from(before.text.replace('CREATE TABLE public.part_rest', 'CREATE TABEL public.part_rest')),
    }
    expect((await failureOf(restore(target, broken))).code).toBe(40)
    const miscounted = before.tables.map((table) => ({ ...table, rows: table.rows + 1 }))
    expect((await failureOf(restore(target, before, { tables: miscounted }))).code).toBe(40)
    expect(comparable((await dumpOf(target)).text)).toBe(comparable(before.text))
  })
})
