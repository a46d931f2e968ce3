import { describe, expect, inject, test } from 'vitest'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { holdRehearsal, rehearse } from './rehearsing.ts'
import { hashedPartitions, lateColumn } from './types.ts'
import { dumpOf, failureOf, ioFor, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']

describe.each(['13', '15'] as const)('a rehearsal on PostgreSQL %s', (version) => holdRehearsal(servers[version]))

async function filled(content = 'CREATE TABLE t AS SELECT generate_series(1, 100) AS n', user = '') {
  const name = await createDatabase(server)
  await sql(server, name, content)
  const target = targetOf(server, name, user === '' ? {} : { user, password: new Secret('x') })
  return { name, target, dump: await dumpOf(targetOf(server, name)) }
}

async function databasesLike(name: string): Promise<unknown[]> {
  const rows = await sql(server, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '${name}%' ORDER BY 1`)
  return rows.map(({ datname }) => datname)
}

describe('a rehearsal', () => {
  test('does not touch the live database, and leaves nothing behind', async () => {
    const { name, target, dump } = await filled()
    await sql(server, name, 'INSERT INTO t VALUES (101)')
    const before = await sql(
      server,
      name,
      'SELECT oid, (SELECT array_agg(xmin::text) FROM t) AS rows FROM pg_class WHERE oid = 1259',
    )
    const { tables, schemaDigest, notes } = await rehearse(target, dump)
    expect([tables, schemaDigest, notes]).toEqual([dump.tables, dump.schemaDigest, []])
    expect(
      await sql(
        server,
        name,
        'SELECT oid, (SELECT array_agg(xmin::text) FROM t) AS rows FROM pg_class WHERE oid = 1259',
      ),
    ).toEqual(before)
    expect(await databasesLike(name)).toEqual([name])
  })

  test('shows a changed byte in the digest of its table, and a changed column in that of the schema', async () => {
    const { target, dump } = await filled("CREATE TABLE a AS SELECT 'Anna' AS x; CREATE TABLE b AS SELECT 1 AS n")
    const row = await rehearse(target, { ...dump, bytes: Buffer.from(dump.text.replace('Anna', 'Anne')) })
    expect(row.schemaDigest).toBe(dump.schemaDigest)
    expect(row.tables.map(({ digest }, at) => digest === dump.tables[at]?.digest)).toEqual([false, true])
    const schema = await rehearse(target, { ...dump, bytes: Buffer.from(dump.text.replace('n integer', 'n bigint')) })
    expect(schema.tables.map(({ digest }) => digest)).toEqual(dump.tables.map(({ digest }) => digest))
    expect(schema.schemaDigest).not.toBe(dump.schemaDigest)
  })

  test('finds rows that belong to other partitions, and tells where one is another', async () => {
    const { target, dump } = await filled(hashedPartitions)
    expect((await rehearse(target, dump)).tables).toEqual(dump.tables)
    const bytes = Buffer.from(dump.text.replace('colour 7\t2', 'colour 7\t4'))
    expect((await rehearse(target, { ...dump, bytes })).tables).not.toEqual(dump.tables)
  })

  test('finds rows whose columns come back in another order, and says so', async () => {
    const { target, dump } = await filled(lateColumn)
    const { schemaDigest, tables, notes } = await rehearse(target, dump)
    expect(tables.map(({ name, rows, digest }) => [name, rows, digest])).toEqual(
      dump.tables.map(({ name, rows, digest }) => [name, rows, digest]),
    )
    expect(schemaDigest).toBe(dump.schemaDigest)
    expect(notes).toEqual([
      'pg_dump brings columns of child tables back in another order, here of public."child; 1", public.log',
    ])
  })

  test('does not take the number of an object that is gone, and is that of another one here, for another row', async () => {
    const { target, dump } = await filled(`CREATE TABLE log AS SELECT '4294000000'::regclass AS of, 1 AS n`)
    const gone = { ...dump, bytes: Buffer.from(dump.text.replace('4294000000', '1259')) }
    const { tables, notes } = await rehearse(target, gone)
    expect(tables.map(({ rows, digest }) => [rows, digest])).toEqual([[1, undefined]])
    expect(notes).toEqual(['rows that name objects of the database (regclass …) were only counted, of public.log'])
  })

  test('says what this server lacks, and does not take it for a fault of the backup', async () => {
    const { target, dump } = await filled()
    const bytes = Buffer.from(dump.text.replace('OWNER TO postgres', 'OWNER TO nobody_here'))
    const { tables, schemaDigest, notes } = await rehearse(target, { ...dump, bytes })
    expect([tables, schemaDigest]).toEqual([dump.tables, undefined])
    expect(notes).toEqual([
      'owner nobody_here does not exist here: left to postgres',
      'what is no row was not compared: this user or this server could not take all of it',
    ])
  })

  test('by a user who may not restore all of it does not take that for a fault of the backup', async () => {
    const here = servers['13']
    const role = uniqueName('role')
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t OWNER TO ${role}`,
    )
    const own = targetOf(here, name, { user: role, password: new Secret('x') })
    const plain = await dumpOf(targetOf(here, name))
    expect(await rehearse(own, plain)).toEqual({ tables: plain.tables, schemaDigest: plain.schemaDigest, notes: [] })
    await sql(here, name, "COMMENT ON SCHEMA public IS 'changed'")
    const { schemaDigest, notes } = await rehearse(own, await dumpOf(targetOf(here, name)))
    expect(schemaDigest).toBeUndefined()
    expect(notes).toEqual(['what is no row was not compared: this user or this server could not take all of it'])
  })

  test('of a dump that a read replica made knows of no unlogged tables', async () => {
    const { target, dump } = await filled('CREATE TABLE t (n int); CREATE UNLOGGED TABLE u (n int)')
    const tables = dump.tables.filter(({ name }) => name !== 'public.u')
    expect((await rehearse(target, { ...dump, tables })).tables).toEqual(tables)
  })

  test.each([
    ['a broken statement', (text: string) => text.replace('CREATE TABLE', 'CREATE TABEL')],
    ['a cut file', (text: string) => text.slice(0, -500)],
  ])('of %s fails, and leaves nothing behind', async (_what, change) => {
    const { name, target, dump } = await filled()
    const failure = await failureOf(rehearse(target, { ...dump, bytes: Buffer.from(change(dump.text)) }))
    expect(failure.code).toBe(40)
    expect(await databasesLike(name)).toEqual([name])
  })

  test('of what cannot be read back fails, and leaves nothing behind', async () => {
    const role = uniqueName('role')
    await sql(server, undefined, `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'`)
    const content = `CREATE TABLE t AS SELECT 1 AS n; ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY`
    const { name, target, dump } = await filled(content, role)
    const failure = await failureOf(rehearse(target, dump))
    expect(failure).toMatchObject({
      code: 40,
      text: { what: expect.stringContaining('could not be dumped from there') },
    })
    expect(await databasesLike(name)).toEqual([name])
  })

  test.each(['loading', 'comparing'])('that is interrupted while %s leaves nothing behind', async (at) => {
    const { name, target, dump } = await filled()
    const controller = new AbortController()
    const reason = new Failure(130, { what: 'interrupted' })
    const io = ioFor({ signal: controller.signal })
    const step = (name: string) => void (name === at && controller.abort(reason))
    expect(await failureOf(rehearse(target, dump, io, step))).toBe(reason)
    expect(await databasesLike(name)).toEqual([name])
  })

  test('drops what a killed one left', async () => {
    const { name, target, dump } = await filled()
    const mark = `db-seatbelt restore: ${JSON.stringify({ role: 'scratch', database: name, at: '2026-01-01' })}`
    await sql(server, undefined, `CREATE DATABASE ${name}_seatbelt_00000001`)
    await sql(server, undefined, `COMMENT ON DATABASE ${name}_seatbelt_00000001 IS '${mark}'`)
    const { notes } = await rehearse(target, dump)
    expect(notes).toEqual([`dropped ${name}_seatbelt_00000001, left behind by an interrupted restore`])
    expect(await databasesLike(name)).toEqual([name])
  })

  test('by a user who may not create databases says which right is missing', async () => {
    const role = uniqueName('Role')
    await sql(server, undefined, `CREATE ROLE "${role}" LOGIN PASSWORD 'x'`)
    const { target, dump } = await filled(undefined, role)
    const failure = await failureOf(rehearse(target, dump))
    expect(failure.code).toBe(40)
    expect(failure.text.next).toEqual([`as a superuser: ALTER ROLE "${role}" CREATEDB`])
  })

  test('on another major version counts the rows, and says so', async () => {
    const { dump } = await filled()
    const name = uniqueName()
    const { tables, schemaDigest, notes } = await rehearse(targetOf(servers['13'], name), dump)
    expect(tables).toEqual(dump.tables.map(({ digest: _, ...table }) => table))
    expect(schemaDigest).toBeUndefined()
    const reason = 'the backup is of PostgreSQL 15, this server of 13'
    expect(notes).toEqual([
      `the rows were counted, not compared: ${reason}`,
      `what is no row was not compared: ${reason}`,
    ])
  })

  test('of a backup by another pg_dump compares the rows alone', async () => {
    const { target, dump } = await filled()
    const bytes = Buffer.from(dump.text.replace(/Dumped by pg_dump version \S+/, 'Dumped by pg_dump version 15.1'))
    const { tables, schemaDigest, notes } = await rehearse(target, { ...dump, bytes })
    expect(tables).toEqual(dump.tables)
    expect(schemaDigest).toBeUndefined()
    expect(notes).toEqual([
      expect.stringMatching(/^what is no row was not compared: the backup is by pg_dump 15\.1, here is /),
    ])
  })
})
