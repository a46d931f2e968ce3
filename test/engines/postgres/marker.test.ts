import { describe, expect, inject, test } from 'vitest'
import type { Session } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import {
  isOwnMark,
  lostMarkerNotes,
  markedComment,
  markerIn,
  restoredComment,
} from '../../../src/engines/postgres/marker.ts'
import { markText } from '../../../src/engines/postgres/scratch.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { contentOf, dumpOf, ioFor, openSession, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']

const scratchMark = markText({ role: 'scratch', database: 'shop', at: 'now' })

describe('the marker in a comment', () => {
  test.each([
    ['', undefined],
    ['the shop', undefined],
    ['db-seatbelt: production', 'production'],
    ['DB-Seatbelt:  staging ', 'staging'],
    ['the shop\ndb-seatbelt: production\nof ACME', 'production'],
    ['see db-seatbelt: production', undefined],
    ['db-seatbelt:', undefined],
    [scratchMark, undefined],
  ])('%j', (comment, value) => {
    expect(markerIn(comment)?.value).toBe(value)
  })

  test.each(['', 'the shop', 'two\nlines', '\nodd\n\n'])('set and removed again: %j', (comment) => {
    const marked = markedComment(comment, 'production')
    expect(markerIn(marked)?.value).toBe('production')
    expect(markedComment(marked, 'production')).toBe(marked)
    expect(markedComment(marked, undefined)).toBe(comment)
  })

  test.each([
    ['shop', 'old shop', 'shop'],
    ['', 'shop', ''],
    [undefined, 'shop', 'shop'],
    ['db-seatbelt: production\nshop', 'shop', 'shop'],
    ['db-seatbelt: production', undefined, ''],
    ['shop', 'db-seatbelt: production', 'db-seatbelt: production\nshop'],
    ['db-seatbelt: test', 'db-seatbelt: production\nshop', 'db-seatbelt: production'],
    [scratchMark, 'shop', 'shop'],
    [scratchMark, undefined, ''],
    ['shop', scratchMark, scratchMark],
  ])('a backup with %j over a database with %j: %j', (backup, live, restored) => {
    expect(restoredComment(backup, live)).toBe(restored)
  })

  test('what is ours alone', () => {
    expect([scratchMark, 'db-seatbelt instant: {}'].every(isOwnMark)).toBe(true)
    expect(['', 'db-seatbelt: production', 'db-seatbelt: {'].some(isOwnMark)).toBe(false)
  })

  test('a database that was made anew', () => {
    expect(lostMarkerNotes('the shop', 'shop')).toEqual([])
    expect(lostMarkerNotes('db-seatbelt: production\nit', 'shop').join()).toContain(
      `COMMENT ON DATABASE "shop" IS 'db-seatbelt: production\nit'`,
    )
  })
})

async function withSession<T>(target: ServerTarget, work: (session: Session) => Promise<T>): Promise<T> {
  const session = await openSession(ioFor(), target)
  try {
    return await work(session)
  } finally {
    await session.close()
  }
}

const factsOf = (target: ServerTarget) => withSession(target, async (session) => session.server)

const markersOf = async (target: ServerTarget) => (await factsOf(target)).markers

const mark = (target: ServerTarget, value: 'production' | 'none') =>
  withSession(target, async (session) => session.mark?.(value))

async function commentOn(name: string): Promise<unknown> {
  const rows = await sql(
    server,
    name,
    `SELECT shobj_description(oid, 'pg_database') AS c FROM pg_database WHERE datname = current_database()`,
  )
  return rows[0]?.['c']
}

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  const here = servers[version]

  test('says where it is, since when, and what the database is for', async () => {
    const name = await createDatabase(here)
    const facts = await factsOf(targetOf(here, name))
    expect(facts).toMatchObject({ address: `127.0.0.1:${here.port}`, markers: [] })
    const started = new Date(facts.startedAt ?? 0)
    expect(await sql(here, name, 'SELECT pg_postmaster_start_time() AS started')).toEqual([{ started }])
    expect((await factsOf(targetOf(here, name, { host: '::1' }))).address).toBe(`[::1]:${here.port}`)
    expect(await factsOf(targetOf(here, name, { socket: here.socketDirectory }))).not.toHaveProperty('address')
  })

  test('tells what Rails wrote down, and our comment', async () => {
    const name = await createDatabase(here)
    const table = 'ar_internal_metadata(key varchar PRIMARY KEY, value varchar)'
    await sql(
      here,
      name,
      `CREATE TABLE ${table}; INSERT INTO ar_internal_metadata VALUES ('environment', 'production'), ('schema_sha1', 'x');
      CREATE SCHEMA "Other"; CREATE TABLE "Other".my_${table}; INSERT INTO "Other".my_ar_internal_metadata VALUES ('environment', 'staging');
      CREATE SCHEMA wrong; CREATE TABLE wrong.ar_internal_metadata(key text); CREATE SCHEMA empty; CREATE TABLE empty.${table};
      COMMENT ON DATABASE ${name} IS 'db-seatbelt: live'`,
    )
    expect(await markersOf(targetOf(here, name))).toEqual([
      { value: 'live', source: 'the comment on the database' },
      { value: 'production', source: 'ar_internal_metadata' },
      { value: 'staging', source: 'ar_internal_metadata' },
    ])
    const role = uniqueName('role')
    await sql(here, name, `CREATE ROLE ${role} LOGIN PASSWORD 'x'`)
    expect(await markersOf(targetOf(here, name, { user: role, password: new Secret('x') }))).toHaveLength(1)
  })
})

describe('marking', () => {
  test('keeps what the user wrote', async () => {
    const name = await createDatabase(server, `it's "x" ${uniqueName()}`)
    await mark(targetOf(server, name), 'none')
    expect(await commentOn(name)).toBe(null)
    await sql(server, name, `COMMENT ON DATABASE "${name.replaceAll('"', '""')}" IS 'the \\ shop''s'`)
    await mark(targetOf(server, name), 'production')
    expect(await commentOn(name)).toBe("db-seatbelt: production\nthe \\ shop's")
    expect(await markersOf(targetOf(server, name))).toHaveLength(1)
    await mark(targetOf(server, name), 'none')
    expect(await commentOn(name)).toBe("the \\ shop's")
  })

  test('is refused to whom the database does not belong, and where the mark is that of a restore', async () => {
    const [role, name] = [uniqueName('role'), await createDatabase(server)]
    await sql(server, name, `CREATE ROLE ${role} LOGIN PASSWORD 'x'`)
    const stranger = targetOf(server, name, { user: role, password: new Secret('x') })
    const refused = await mark(stranger, 'production').catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 20, text: { next: ['run this again as user postgres'] } })
    await sql(server, name, `ALTER DATABASE ${name} OWNER TO ${role}`)
    await mark(stranger, 'production')
    expect(await commentOn(name)).toBe('db-seatbelt: production')
    await sql(server, name, `COMMENT ON DATABASE ${name} IS '${scratchMark}'`)
    expect(await mark(stranger, 'production').catch((error: unknown) => error)).toBeInstanceOf(Failure)
    expect(await commentOn(name)).toBe(scratchMark)
  })
})

async function restore(from: string, into: string): Promise<readonly string[]> {
  const { bytes, tables, properties } = await dumpOf(targetOf(server, from))
  const target = targetOf(server, into)
  const outcome = await postgres.restore(ioFor(), {
    target,
    content: contentOf(bytes),
    tables,
    properties,
    step: () => undefined,
  })
  return outcome.notes
}

describe('a restore', () => {
  test('keeps the marker that is there, and brings none along', async () => {
    const [shop, copy] = [await createDatabase(server), await createDatabase(server)]
    await sql(server, shop, `CREATE TABLE t(); COMMENT ON DATABASE ${shop} IS 'db-seatbelt: production\nthe shop'`)
    await restore(shop, copy)
    expect(await commentOn(copy)).toBe('the shop')
    await restore(copy, shop)
    expect(await commentOn(shop)).toBe('db-seatbelt: production\nthe shop')
  })

  test('of a database that is gone says that it had a marker', async () => {
    const [shop, gone] = [await createDatabase(server), uniqueName()]
    await sql(server, shop, `CREATE TABLE t(); COMMENT ON DATABASE ${shop} IS 'db-seatbelt: production'`)
    expect(await restore(shop, gone)).toEqual([expect.stringContaining('was marked production, this new one is not')])
    expect(await commentOn(gone)).toBe(null)
  })

  test('in one transaction does not take the marker for a property that it left behind', async () => {
    const [role, name] = [uniqueName('role'), await createDatabase(server)]
    await sql(server, name, `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}`)
    const target = targetOf(server, name, { user: role, password: new Secret('x') })
    const { bytes, tables, properties } = await dumpOf(target)
    await mark(target, 'production')
    const request = { target, content: contentOf(bytes), tables, properties, step: () => undefined }
    expect(await postgres.restore(ioFor(), request)).toMatchObject({ way: 'transaction', notes: [] })
    expect(await commentOn(name)).toBe('db-seatbelt: production')
  })
})
