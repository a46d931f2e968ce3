import { expect, test } from 'vitest'
import type { TableRows } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everyType, hashedPartitions, lateColumn } from './types.ts'
import { contentOf, dumpOf, failureOf, ioFor, type TakenDump, targetOf } from './world.ts'

export const ways = ['swap', 'transaction'] as const

type Way = (typeof ways)[number]

/** A database that a user restores in this way: only who may create databases can swap. */
export async function newDatabase(here: PostgresServer, way: Way, content: string): Promise<ServerTarget> {
  const name = await createDatabase(here)
  if (way === 'swap') {
    await sql(here, name, content)
    return targetOf(here, name)
  }
  const role = uniqueName('role')
  await sql(
    here,
    name,
    `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}; ALTER SCHEMA public OWNER TO ${role};
     SET ROLE ${role}; ${content}`,
  )
  return targetOf(here, name, { user: role, password: new Secret('x') })
}

export function restore(
  target: ServerTarget,
  dump: TakenDump,
  tables: readonly TableRows[] = dump.tables,
  content: Buffer | string = dump.bytes,
  io = ioFor(),
) {
  const { properties } = dump
  return postgres.restore(io, { target, content: contentOf(content), tables, properties, step: () => undefined })
}

/** What holds for a server of any version, in both ways. */
export function holdSameRows(here: PostgresServer, way: Way, io = ioFor()): void {
  test('rows of every type are found to be the same', async () => {
    const target = await newDatabase(here, way, everyType)
    const before = await dumpOf(target, io)
    const outcome = await restore(target, before, before.tables, before.bytes, io)
    expect([outcome.way, outcome.notes]).toEqual([way, []])
    const after = await dumpOf(target, io)
    expect(after.tables).toEqual(before.tables)
    expect(after.schemaDigest).toBe(before.schemaDigest)
  })

  test('rows that belong to other partitions are the same rows', async () => {
    const target = await newDatabase(here, way, hashedPartitions)
    const dump = await dumpOf(target, io)
    expect(dump.text).toContain('-- load via partition root')
    expect(dump.tables.map(({ name }) => name)).toEqual([0, 1, 2, 3].map((n) => `public."größe ${n}; Type: x"`))
    expect((await restore(target, dump, dump.tables, dump.bytes, io)).notes).toEqual([])
    const after = await dumpOf(target, io)
    expect(after.tables).not.toEqual(dump.tables)
    const failure = await failureOf(
      restore(target, dump, dump.tables, dump.text.replace('colour 7\t2', 'colour 7\t4'), io),
    )
    expect(failure.text.why).toEqual([
      `public."Paint; 'er": 120 rows in the backup and restored, but not the same ones`,
    ])
  })

  test('rows whose columns come back in another order are the same rows', async () => {
    const target = await newDatabase(here, way, lateColumn)
    const dump = await dumpOf(target, io)
    const note = 'pg_dump brings columns of child tables back in another order, here of public."child; 1", public.log'
    const { notes } = await restore(target, dump, dump.tables, dump.bytes, io)
    expect(notes).toEqual(way === 'swap' ? [note] : [])
    expect((await dumpOf(target, io)).tables).not.toEqual(dump.tables)
    const changed = dump.text.replace('3\tgröße\t4\t5', '3\tgröße\t5\t4')
    expect((await failureOf(restore(target, dump, dump.tables, changed, io))).text.why).toEqual([
      'public."child; 1": 2 rows in the backup and restored, but not the same ones',
    ])
  })

  test('one byte of one row stops it, and the table is named', async () => {
    const target = await newDatabase(
      here,
      way,
      `CREATE TABLE "Hostile; ""größe""\\." (a text, "b c" int); INSERT INTO "Hostile; ""größe""\\." VALUES ('Anna', 1), ('Bob', 2);
       CREATE TABLE calm AS SELECT generate_series(1, 10) AS n`,
    )
    const dump = await dumpOf(target, io)
    await sql(here, target.database, 'INSERT INTO calm VALUES (11)')
    const failure = await failureOf(restore(target, dump, dump.tables, dump.text.replace('Anna', 'Anne'), io))
    expect(failure.code).toBe(40)
    expect(failure.text.why).toEqual([
      'public."Hostile; ""größe""\\.": 2 rows in the backup and restored, but not the same ones',
    ])
    expect(await sql(here, target.database, 'SELECT count(*)::int AS n FROM calm')).toEqual([{ n: 11 }])
    expect((await restore(target, dump, dump.tables, dump.bytes, io)).notes).toEqual([])
  })

  test('the number of an object that is gone, and is that of another one here, does not stop it', async () => {
    const target = await newDatabase(here, way, "CREATE TABLE log AS SELECT '4294000000'::regclass AS of, 1 AS n")
    const dump = await dumpOf(target, io)
    const { notes } = await restore(target, dump, dump.tables, dump.text.replace('4294000000', '1259'), io)
    expect(notes).toEqual(['rows that name objects of the database (regclass …) were only counted, of public.log'])
  })

  test('a row less stops it', async () => {
    const target = await newDatabase(here, way, 'CREATE TABLE t AS SELECT generate_series(1, 10) AS n')
    const dump = await dumpOf(target, io)
    const failure = await failureOf(restore(target, dump, dump.tables, dump.text.replace('\n7\n', '\n'), io))
    expect(failure.text.why).toContain('public.t: 10 rows in the backup, 9 restored')
  })

  test('a backup without digests is compared by its rows', async () => {
    const target = await newDatabase(here, way, 'CREATE TABLE t AS SELECT generate_series(1, 10) AS n')
    const dump = await dumpOf(target, io)
    const counted = dump.tables.map(({ name, rows }) => ({ name, rows }))
    const changed = dump.text.replace('\n7\n', '\n8\n')
    expect(await restore(target, dump, counted, changed, io)).toEqual({ way, tables: counted, notes: [] })
    const fewer = dump.text.replace('\n7\n', '\n')
    expect((await failureOf(restore(target, dump, counted, fewer, io))).text.why).toContain(
      'public.t: 10 rows in the backup, 9 restored',
    )
  })

  test('what the database says of how to write makes no difference', async () => {
    const target = await newDatabase(here, way, everyType)
    for (const setting of [
      "TimeZone = 'Asia/Kolkata'",
      'bytea_output = escape',
      'quote_all_identifiers = on',
      "DateStyle = 'SQL, DMY'",
      "IntervalStyle = 'sql_standard'",
      'extra_float_digits = -15',
      'xmloption = document',
      'standard_conforming_strings = off',
      'array_nulls = off',
      'default_transaction_read_only = on',
      'search_path = nowhere',
    ]) {
      await sql(here, undefined, `ALTER DATABASE ${quoted(here, target.database)} SET ${setting}`)
    }
    const before = await dumpOf(target, io)
    expect((await restore(target, before, before.tables, before.bytes, io)).notes).toEqual([])
    expect((await dumpOf(target, io)).tables).toEqual(before.tables)
  })
}

/** What holds for a backup of one version that is restored on another. */
export function holdRowsAcross(from: PostgresServer, to: PostgresServer, io = ioFor()): void {
  test('the same rows are never taken for others', async () => {
    const dump = await dumpOf(await newDatabase(from, 'swap', everyType), io)
    const target = targetOf(to, uniqueName())
    // What a server of 13 does not know.
    const older = dump.text.replace(/,\n\s+multirange_type_name = [\w.]+/, '')
    const { notes } = await restore(target, dump, dump.tables, older, io)
    expect(notes.filter((note) => note.includes('only counted'))).toEqual([])
    expect((await dumpOf(target, io)).tables).toEqual(dump.tables)
  })

  test('other rows, as many, are told', async () => {
    const dump = await dumpOf(await newDatabase(from, 'swap', "CREATE TABLE t AS SELECT 'Anna' AS name"), io)
    const { notes } = await restore(
      targetOf(to, uniqueName()),
      dump,
      dump.tables,
      dump.text.replace('Anna', 'Anne'),
      io,
    )
    expect(notes).toContain(
      `the backup is of PostgreSQL ${from.version}, this server of ${to.version}: rows that are written otherwise were only counted, of public.t`,
    )
  })
}
