import { describe, expect, inject, test } from 'vitest'
import type { RestoreRequest } from '../../../src/engines/engine.ts'
import { openConnection } from '../../../src/engines/postgres/connection.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { loginOf } from '../../../src/engines/postgres/login.ts'
import { noteMoment, writtenSince } from '../../../src/engines/postgres/meanwhile.ts'
import { createDatabase, sql } from '../../servers/databases.ts'
import { contentOf, dumpOf, ioFor, type TakenDump, targetOf } from './world.ts'

const servers = inject('servers').postgres

describe.each(['13', '15'] as const)('while a database of PostgreSQL %s is restored', (version) => {
  const here = servers[version]

  async function filled(): Promise<{ name: string; dump: TakenDump }> {
    const name = await createDatabase(here)
    await sql(here, name, 'CREATE TABLE t(a int); INSERT INTO t SELECT generate_series(1, 100)')
    return { name, dump: await dumpOf(targetOf(here, name)) }
  }

  /** Restores, and runs SQL on the live database while the backup is read. */
  async function restoredWhile(name: string, dump: TakenDump, text: string, changes: Partial<RestoreRequest> = {}) {
    const { tables, properties } = dump
    const content = async function* () {
      if (text !== '') await sql(here, name, text)
      yield* contentOf(dump.bytes)()
    }
    const target = targetOf(here, name)
    return postgres.restore(ioFor(), { target, content, tables, properties, step: () => undefined, ...changes })
  }

  async function formerOf(name: string): Promise<string | undefined> {
    const found = await sql(
      here,
      undefined,
      `SELECT datname FROM pg_database WHERE starts_with(datname::text, '${name}_seatbelt_')`,
    )
    expect(found.length).toBeLessThan(2)
    return found[0]?.['datname'] as string | undefined
  }

  test.each([
    ['rows come', 'INSERT INTO t VALUES (101)'],
    ['rows change', 'UPDATE t SET a = 0 WHERE a = 7'],
    ['rows go', 'DELETE FROM t WHERE a = 7'],
    ['a table comes', 'CREATE TABLE newer()'],
    [
      'rows come into a template',
      'INSERT INTO t VALUES (101); UPDATE pg_database SET datistemplate = true WHERE datname = current_database()',
    ],
    ['a large object comes', "SELECT lo_from_bytea(0, 'x')"],
  ])('%s: what was there is kept, and said', async (_what, text) => {
    for (const wayBack of [true, false]) {
      const { name, dump } = await filled()
      const changes = wayBack ? { wayBack: contentOf(dump.bytes) } : {}
      const { notes } = await restoredWhile(name, dump, text, changes)
      const former = await formerOf(name)
      expect(notes).toEqual([
        `the database was written to while it was restored; what was there is kept as ${former}; when it is not needed: DROP DATABASE "${former}"`,
      ])
      expect(await sql(here, name, 'SELECT count(*)::int AS n, sum(a)::int AS s FROM t')).toEqual([{ n: 100, s: 5050 }])
      await sql(here, undefined, `DROP DATABASE "${former}"`)
    }
  })

  test('rows that came after the safety backup and before the restore are kept too', async () => {
    const { name, dump } = await filled()
    await sql(here, name, 'INSERT INTO t VALUES (101)')
    const { notes } = await restoredWhile(name, dump, '', { wayBack: contentOf(dump.bytes) })
    expect(notes.join()).toContain('was written to')
    await sql(here, undefined, `DROP DATABASE "${await formerOf(name)}"`)
  })

  test('a transaction that was open at the beginning counts, with its savepoints', async () => {
    const { name, dump } = await filled()
    const text = `BEGIN; SAVEPOINT a; UPDATE t SET a = 0 WHERE a = 7; RELEASE a; SELECT pg_sleep(1); COMMIT`
    const open = sql(here, name, text)
    await new Promise((resolve) => setTimeout(resolve, 300))
    const content = async function* () {
      await open
      yield* contentOf(dump.bytes)()
    }
    const { notes } = await restoredWhile(name, dump, '', { wayBack: contentOf(dump.bytes), content })
    expect(notes.join()).toContain('was written to')
    await sql(here, undefined, `DROP DATABASE "${await formerOf(name)}"`)
  })

  test('each row that was acknowledged is in the safety backup, kept, or live', async () => {
    const { name, dump } = await filled()
    const acknowledged: number[] = []
    let stop = false
    const writing = (async () => {
      for (let id = 1000; !stop; id++) {
        const written = await sql(here, name, `INSERT INTO t VALUES (${id})`).catch(() => undefined)
        if (written !== undefined) acknowledged.push(id)
      }
    })()
    const safety = await dumpOf(targetOf(here, name))
    await restoredWhile(name, dump, 'SELECT pg_sleep(0.3)', { wayBack: contentOf(safety.bytes) })
    stop = true
    await writing
    const former = await formerOf(name)
    const ids = async (database = '') => (await sql(here, database, 'SELECT a FROM t')).map(({ a }) => Number(a))
    const found = new Set([...(await ids(name)), ...(await ids(former))])
    expect(acknowledged.length).toBeGreaterThan(10)
    expect(acknowledged.filter((id) => !found.has(id))).toEqual([])
    await sql(here, undefined, `DROP DATABASE "${former}"`)
  })

  test('what only reads, analyzes, or has a table of its own keeps nothing', async () => {
    const { name, dump } = await filled()
    await sql(here, name, 'INSERT INTO t SELECT generate_series(1, 50)')
    const wayBack = contentOf((await dumpOf(targetOf(here, name))).bytes)
    const text = 'SELECT count(*) FROM t; VACUUM FREEZE t; CREATE TEMPORARY TABLE x AS SELECT * FROM t; ANALYZE'
    const single = text.split('; ')
    const content = async function* () {
      for (const one of single) await sql(here, name, one)
      yield* contentOf(dump.bytes)()
    }
    const { notes } = await restoredWhile(name, dump, '', { wayBack, content })
    expect(notes).toEqual([])
    expect(await formerOf(name)).toBeUndefined()
  })
})

// Asked of the server alone: a client of 18 is not everywhere.
test('PostgreSQL 18 tells what was written since', async () => {
  const here = servers['18']
  const name = await createDatabase(here)
  await sql(here, name, 'CREATE TABLE t(a int); INSERT INTO t VALUES (1)')
  const login = await loginOf(ioFor(), targetOf(here, name))
  const connection = await openConnection(login, name, { environment: {} })
  const before = [{ name: 'public.t', rows: 1 }]
  const moment = await noteMoment(connection, name)
  expect(await writtenSince(connection, moment, before)).toBe(false)
  expect(await writtenSince(connection, moment, [])).toBe(true)
  await sql(here, name, 'UPDATE t SET a = 2')
  expect(await writtenSince(connection, moment, before)).toBe(true)
  await connection.close()
})
