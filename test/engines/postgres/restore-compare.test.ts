import { describe, expect, inject, test } from 'vitest'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { holdRowsAcross, holdSameRows, newDatabase, restore, ways } from './same-rows.ts'
import { dumpOf, targetOf } from './world.ts'

const servers = inject('servers').postgres

describe.each(['13', '15'] as const)('on PostgreSQL %s', (version) => {
  describe.each(ways)('by %s', (way) => holdSameRows(servers[version], way))
})

describe.each([
  ['13', '15'],
  ['15', '13'],
] as const)('from PostgreSQL %s to %s', (from, to) => holdRowsAcross(servers[from], servers[to]))

describe('another encoding', () => {
  test('the same rows are found to be the same', async () => {
    // Not the server on which other tests have roles that LATIN1 cannot write: pg_dump reads the names of all roles.
    const here = servers['13']
    const name = uniqueName()
    await sql(here, undefined, `CREATE DATABASE ${name} TEMPLATE template0 ENCODING 'LATIN1'`)
    await sql(here, name, `CREATE TABLE "größe" (a text); INSERT INTO "größe" VALUES ('größe')`)
    const dump = await dumpOf(targetOf(here, name))
    const target = targetOf(here, uniqueName())
    const properties = { ...dump.properties, encoding: 'UTF8' }
    expect((await restore(target, { ...dump, properties })).notes).toEqual([])
    const anna = dump.bytes.toString('latin1').replace('\ngr\xf6\xdfe\n', '\ngr\xf6\xdfi\n')
    const changed = Buffer.from(anna, 'latin1')
    const { notes } = await restore(target, { ...dump, properties }, dump.tables, changed)
    expect(notes).toEqual([
      'the backup is in LATIN1, this database in UTF8: rows that are written otherwise were only counted, of public."größe"',
    ])
  })
})

describe('money', () => {
  const here = servers['15']
  const content = "CREATE TABLE t AS SELECT 'Anna' AS name, 1234.5::money AS has; CREATE TABLE u (n int)"

  test('is written as the database says, and so is read back', async () => {
    const target = await newDatabase(here, 'swap', content)
    await sql(here, undefined, `ALTER DATABASE ${target.database} SET lc_monetary = 'C.UTF-8'`)
    // All locales of a test's server write money alike: this value can be loaded under one of them alone.
    await sql(
      here,
      target.database,
      `CREATE FUNCTION here() RETURNS bool LANGUAGE sql AS $$ SELECT current_setting('lc_monetary') = 'C.UTF-8' $$;
       CREATE DOMAIN local AS int CHECK (public.here()); CREATE TABLE v (n local); INSERT INTO v VALUES (1)`,
    )
    const dump = await dumpOf(target)
    expect(dump.properties).toMatchObject({ monetary: 'C.UTF-8' })
    expect((await restore(target, dump)).notes).toEqual([])
    const without = await dumpOf(await newDatabase(here, 'swap', 'CREATE TABLE u (n int)'))
    expect(without.properties).not.toHaveProperty('monetary')
  })

  test.each(ways)('where the locale is missing, other rows are told, by %s', async (way) => {
    const target = await newDatabase(here, way, content)
    const dump = await dumpOf(target)
    const elsewhere = { ...dump, properties: { ...dump.properties, monetary: 'de_DE.nowhere' } }
    expect((await restore(target, elsewhere)).notes).toEqual([])
    const { notes } = await restore(target, elsewhere, dump.tables, dump.text.replace('Anna', 'Anne'))
    expect(notes).toEqual([
      'money is written by the locale de_DE.nowhere, which this server does not have: rows that are written otherwise were only counted, of public.t',
    ])
  })
})

test.each(ways)('rows that may not be read back are not compared, and never taken for missing, by %s', async (way) => {
  const here = servers['15']
  const role = uniqueName('role')
  const target = targetOf(here, await createDatabase(here))
  const tables = `CREATE TABLE shut AS SELECT 1 AS n; CREATE TABLE hidden AS SELECT 1 AS n; CREATE TABLE t AS SELECT 'Anna' AS name;
    ALTER TABLE hidden ENABLE ROW LEVEL SECURITY; ALTER TABLE hidden FORCE ROW LEVEL SECURITY; REVOKE ALL ON shut FROM CURRENT_USER`
  await sql(
    here,
    target.database,
    `CREATE ROLE ${role} LOGIN PASSWORD 'x' ${way === 'swap' ? 'CREATEDB' : ''}; ALTER DATABASE ${target.database} OWNER TO ${role};
     ALTER SCHEMA public OWNER TO ${role}; SET ROLE ${role}; ${tables}`,
  )
  const dump = await dumpOf(target)
  const own = { ...target, user: role, password: new Secret('x') }
  const { notes, ...outcome } = await restore(own, dump)
  expect(outcome).toEqual({ way, tables: dump.tables })
  expect(notes).toContain('rows that may not be read back were not compared, of public.hidden, public.shut')
})
