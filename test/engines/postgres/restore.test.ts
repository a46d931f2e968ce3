import { describe, expect, inject, test } from 'vitest'
import type { RestoreOutcome, RestoreRequest } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everything, sinceFourteen } from './everything.ts'
import { clientOf, comparable, contentOf, dumpOf, failureOf, ioFor, type TakenDump, targetOf } from './world.ts'

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

// Other tests restore on the same server at the same time.
async function leftovers(on: PostgresServer, name: string): Promise<unknown[]> {
  const all = await sql(on, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '%\\_seatbelt\\_%'`)
  return all.filter(({ datname }) => String(datname).startsWith(name.slice(0, 20)))
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
    expect(await leftovers(here, name)).toEqual([])
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
    const own = await clientOf(here, name, { user: role, password: 'x' })
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

async function filled(on: PostgresServer = server): Promise<{ name: string; target: ServerTarget; dump: TakenDump }> {
  const name = await createDatabase(on)
  await sql(on, name, 'CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 100)')
  const target = targetOf(on, name)
  return { name, target, dump: await dumpOf(target) }
}

async function rowsIn(name: string, on: PostgresServer = server): Promise<unknown> {
  return (await sql(on, name, 'SELECT count(*)::int AS n FROM t'))[0]?.['n']
}

describe('swap', () => {
  test('a database that is gone is made anew', async () => {
    const { name, target, dump } = await filled()
    await sql(server, undefined, `DROP DATABASE ${name}`)
    expect((await restore(target, dump)).way).toBe('swap')
    expect(await rowsIn(name)).toBe(100)
  })

  test('sessions are ended, those that come back at once too, and said', async () => {
    const { name, target, dump } = await filled()
    await sql(server, name, 'DELETE FROM t')
    await clientOf(server, name, { application_name: 'idle app' })
    let stop = false
    const pool = async () => {
      while (!stop) {
        const client = await clientOf(server, name, { application_name: 'pool' }).catch(() => undefined)
        if (client !== undefined && !stop) await new Promise<void>((resolve) => client.once('end', () => resolve()))
      }
    }
    const pools = [pool(), pool(), pool()]
    const outcome = await restore(target, dump)
    stop = true
    await sql(
      server,
      undefined,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pool'`,
    )
    await Promise.all(pools)
    expect(outcome.notes.join()).toMatch(/sessions were ended: .*idle app/)
    expect(await rowsIn(name)).toBe(100)
    expect(await leftovers(server, name)).toEqual([])
  })

  test('sessions that may not be ended stop it, and nothing changes', async () => {
    const role = uniqueName('role')
    const { name, dump } = await filled()
    await sql(
      server,
      undefined,
      `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'secret'; ALTER DATABASE ${name} OWNER TO ${role}`,
    )
    await sql(server, name, `GRANT SELECT ON t TO ${role}`)
    const superuser = await clientOf(server, name, { application_name: 'root shell' })
    const target = targetOf(server, name, { user: role, password: new Secret('secret') })
    const failure = await failureOf(restore(target, dump))
    await superuser.end()
    expect(failure.code).toBe(40)
    expect(failure.text.what).toContain('root shell')
    expect(await leftovers(server, name)).toEqual([])
    const outcome = await restore(target, dump)
    expect(outcome.way).toBe('swap')
    expect(outcome.notes).toEqual([
      `${role} may not give objects to role postgres: left to ${role}`,
      expect.stringContaining("the database's owner was postgres"),
    ])
  })

  test('a difference in rows stops it before the swap', async () => {
    const { name, target, dump } = await filled()
    await sql(server, name, 'INSERT INTO t VALUES (1)')
    const failure = await failureOf(restore(target, dump, { tables: [{ name: 'public.t', rows: 99 }] }))
    expect(failure.code).toBe(40)
    expect(failure.text.why).toContain('public.t: 99 rows in the backup, 100 restored')
    expect(await rowsIn(name)).toBe(101)
    expect(await leftovers(server, name)).toEqual([])
  })

  test.each([
    ['cut off', (text: string) => text.slice(0, text.indexOf('\\.'))],
    ['cut at a statement', (text: string) => text.slice(0, text.indexOf('\\.\n') + 3)],
    ['with a broken statement', (text: string) => text.replace('CREATE TABLE', 'CREATE TABEL')],
    ['with a psql command', (text: string) => text.replace('CREATE TABLE', '\\! touch /tmp/owned\nCREATE TABLE')],
  ])('a dump %s changes nothing', async (_name, change) => {
    const { name, target, dump } = await filled()
    const failure = await failureOf(restore(target, { ...dump, bytes: Buffer.from(change(dump.text)) }))
    expect(failure.code).toBe(40)
    expect(await rowsIn(name)).toBe(100)
    expect(await leftovers(server, name)).toEqual([])
  })

  test('an interruption drops the scratch database and throws its reason', async () => {
    const { name, target, dump } = await filled()
    const controller = new AbortController()
    const reason = new Failure(130, { what: 'interrupted' })
    const step = (at: string) => void (at === 'comparing' && controller.abort(reason))
    const failure = await failureOf(restore(target, dump, { step }, ioFor({ signal: controller.signal })))
    expect(failure).toBe(reason)
    expect(await rowsIn(name)).toBe(100)
    expect(await leftovers(server, name)).toEqual([])
  })

  test('an interruption while psql works ends it', async () => {
    const { name, target, dump } = await filled()
    const controller = new AbortController()
    const reason = new Failure(143, { what: 'terminated' })
    const slow = {
      ...dump,
      bytes: Buffer.from(dump.text.replace('CREATE TABLE', 'SELECT pg_sleep(60);\nCREATE TABLE')),
    }
    setTimeout(() => controller.abort(reason), 700)
    expect(await failureOf(restore(target, slow, {}, ioFor({ signal: controller.signal })))).toBe(reason)
    expect(await leftovers(server, name)).toEqual([])
  })

  test('what an interrupted restore left is dropped by its mark or where it is empty, never by its name alone', async () => {
    const { name, target, dump } = await filled()
    const mark = `db-seatbelt restore: ${JSON.stringify({ role: 'scratch', database: name, at: '2026-01-01' })}`
    await sql(server, undefined, `CREATE DATABASE ${name}_seatbelt_00000001`)
    await sql(server, undefined, `CREATE DATABASE ${name}_seatbelt_00000002`)
    await sql(server, `${name}_seatbelt_00000002`, 'CREATE TABLE kept (id int)')
    await sql(server, undefined, `CREATE DATABASE ${name}_seatbelt_00000003`)
    await sql(server, undefined, `COMMENT ON DATABASE ${name}_seatbelt_00000001 IS '${mark}'`)
    const { notes } = await restore(target, dump)
    expect(notes).toEqual([
      `dropped ${name}_seatbelt_00000001, left behind by an interrupted restore`,
      expect.stringContaining(`${name}_seatbelt_00000002 looks like the rest`),
      `dropped ${name}_seatbelt_00000003, left behind by an interrupted restore`,
    ])
    expect(await leftovers(server, name)).toEqual([{ datname: `${name}_seatbelt_00000002` }])
    await sql(server, undefined, `DROP DATABASE ${name}_seatbelt_00000002`)
  })

  test('owners, rights and settings that this server lacks are left out, and said', async () => {
    const { name, target, dump } = await filled()
    const text = dump.text
      .replace('OWNER TO postgres;', 'OWNER TO bob;\nGRANT SELECT ON TABLE public.t TO "Al Ice";')
      .replace(
        'SET lock_timeout = 0;',
        'SET lock_timeout = 0;\nSET transaction_timeout = 0;\nCREATE EXTENSION IF NOT EXISTS nothing_such WITH SCHEMA public;',
      )
    const { notes } = await restore(target, { ...dump, bytes: Buffer.from(text) })
    expect(notes).toEqual([
      'this server has no setting transaction_timeout: left out',
      'extension nothing_such is not installed on this server: left out',
      'owner bob does not exist here: left to postgres',
      'role "Al Ice" does not exist here: its rights were left out',
    ])
    expect(await rowsIn(name)).toBe(100)
  })

  test('a template is a template again', async () => {
    const { name, target } = await filled()
    const isTemplate = async () =>
      (await sql(server, undefined, `SELECT datistemplate AS is FROM pg_database WHERE datname = '${name}'`))[0]?.['is']
    await sql(server, undefined, `ALTER DATABASE ${name} IS_TEMPLATE true`)
    const template = await dumpOf(target)
    expect((await restore(target, template)).notes).toEqual([])
    expect(await isTemplate()).toBe(true)
    await sql(server, undefined, `ALTER DATABASE ${name} IS_TEMPLATE false`)
    const plain = await dumpOf(target)
    await restore(target, template)
    expect(await isTemplate()).toBe(true)
    await restore(target, plain)
    expect(await isTemplate()).toBe(false)
    expect(await leftovers(server, name)).toEqual([])
  })

  test('a name of 63 bytes', async () => {
    const name = await createDatabase(server, `${'ä'.repeat(20)}${uniqueName()}`.padEnd(40, 'x'))
    await sql(server, name, 'CREATE TABLE t(a int)')
    const target = targetOf(server, name)
    const dump = await dumpOf(target)
    expect((await restore(target, dump)).way).toBe('swap')
  })
})

describe.each(['13', '15'] as const)('a user with CREATEDB alone on PostgreSQL %s', (version) => {
  test('everything that is its own comes back', async () => {
    const here = servers[version]
    const role = uniqueName('role')
    await sql(here, undefined, `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'secret'`)
    const name = uniqueName()
    await sql(here, undefined, `CREATE DATABASE ${name} OWNER ${role}`)
    if (version === '13') await sql(here, name, `COMMENT ON SCHEMA public IS 'changed'`)
    const own = await clientOf(here, name, { user: role, password: 'secret' })
    await own.query(everything.replace(/CREATE (FUNCTION app\.ev|EVENT TRIGGER)[^;]*;( END \$\$;)?/g, ''))
    await own.end()
    const target = targetOf(here, name, { user: role, password: new Secret('secret') })
    const before = await dumpOf(target)
    await sql(here, name, 'DROP SCHEMA app CASCADE')
    const outcome = await restore(target, before)
    const after = await dumpOf(target)
    expect(outcome.way).toBe('swap')
    expect(outcome.notes).toEqual([])
    expect(after.tables).toEqual(before.tables)
    expect(after.properties).toEqual(before.properties)
    if (version === '15') expect(comparable(after.text)).toBe(comparable(before.text))
  })
})

test('a dump of a newer server goes into an older one', async () => {
  const { dump } = await filled()
  const name = uniqueName()
  const outcome = await restore(targetOf(servers['13'], name), dump)
  expect(outcome.tables).toEqual(dump.tables)
  expect(await rowsIn(name, servers['13'])).toBe(100)
})

test('large objects do not end the one transaction: what fails after them undoes all', async () => {
  const role = uniqueName('role')
  const { name } = await filled()
  await sql(
    server,
    name,
    `CREATE ROLE ${role} LOGIN PASSWORD 'secret'; ALTER DATABASE ${name} OWNER TO ${role}; ALTER TABLE t OWNER TO ${role}; SET ROLE ${role}; SELECT lo_from_bytea(1, 'x')`,
  )
  const target = targetOf(server, name, { user: role, password: new Secret('secret') })
  const dump = await dumpOf(target)
  await sql(server, name, `SET ROLE ${role}; INSERT INTO t VALUES (1)`)
  const text = dump.text.replace(
    '-- PostgreSQL database dump complete',
    'SELECT 1/0;\n-- PostgreSQL database dump complete',
  )
  const failure = await failureOf(restore(target, { ...dump, bytes: Buffer.from(text) }))
  expect(failure.text.why?.join()).toContain('division by zero')
  expect(await rowsIn(name)).toBe(101)
  expect((await restore(target, dump)).way).toBe('transaction')
  expect(await rowsIn(name)).toBe(100)
})

test('a large object that is written in more statements than one transaction has comes back whole', async () => {
  const { name, target } = await filled()
  const pieces = `SELECT lo_put(1, at * 1048576::bigint, decode(repeat(md5(at::text), 32768), 'hex')) FROM generate_series(0, 39) at`
  await sql(server, name, `SELECT lo_create(1); ${pieces}; SELECT lo_from_bytea(2, 'x')`)
  const sums =
    'SELECT loid::int AS id, md5(lo_get(loid)) AS sum FROM (SELECT oid AS loid FROM pg_largeobject_metadata) l ORDER BY 1'
  const before = await sql(server, name, sums)
  const dump = await dumpOf(target)
  await sql(server, name, 'SELECT lo_unlink(1)')
  expect((await restore(target, dump)).way).toBe('swap')
  expect(await sql(server, name, sums)).toEqual(before)
})

test('two restores of one database at once take turns', async () => {
  const { name, target, dump } = await filled()
  const outcomes = await Promise.all([restore(target, dump), restore(target, dump)])
  expect(outcomes.map(({ way }) => way)).toEqual(['swap', 'swap'])
  expect(await rowsIn(name)).toBe(100)
  expect(await leftovers(server, name)).toEqual([])
})
