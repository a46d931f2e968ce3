import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { InstantCopies } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { rehearse } from './rehearsing.ts'
import { contentOf, dumpOf, ioFor, type TakenDump, targetOf } from './world.ts'

const { instant } = postgres
if (instant === undefined || 'refused' in instant) throw new Error('no instant copies')
const copies: InstantCopies = instant

// Each subscription holds a worker, a sender and a slot.
const settings = {
  wal_level: 'logical',
  wal_retrieve_retry_interval: '100ms',
  max_worker_processes: 40,
  max_logical_replication_workers: 20,
  max_wal_senders: 20,
  max_replication_slots: 20,
}

describe.each(['13', '15'] as const)('a database with a subscription on PostgreSQL %s', (version) => {
  let here: PostgresServer
  let stop: () => Promise<void>

  beforeAll(async () => {
    const started = await startPostgres(version, { settings })
    here = started.server
    stop = () => started.kept.stop()
  })

  afterAll(() => stop())

  /** A database whose table `t` follows that of another one; subscription and slot have the same name. */
  async function follower(): Promise<{ from: string; name: string; slot: string }> {
    const [from, name, slot] = [await createDatabase(here), await createDatabase(here), uniqueName('slot')]
    for (const one of [from, name]) await sql(here, one, 'CREATE TABLE t (a int PRIMARY KEY)')
    await sql(here, from, 'CREATE PUBLICATION p FOR TABLE t')
    await sql(here, from, `SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    await sql(here, name, subscribe(slot, from, 'create_slot = false, copy_data = false'))
    await sql(here, from, 'INSERT INTO t VALUES (1)')
    while ((await rows(name)).length === 0) await sleep(20)
    return { from, name, slot }
  }

  function subscribe(slot: string, from: string, options: string): string {
    const publisher = `host=127.0.0.1 port=${here.port} user=postgres password=${here.password} dbname=${from}`
    return `CREATE SUBSCRIPTION ${slot} CONNECTION '${publisher}' PUBLICATION p WITH (${options})`
  }

  async function rows(database: string): Promise<unknown[]> {
    return (await sql(here, database, 'SELECT a FROM t ORDER BY a')).map(({ a }) => a)
  }

  async function databasesLike(name: string): Promise<unknown[]> {
    const found = await sql(here, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '${name}%' ORDER BY 1`)
    return found.map(({ datname }) => datname)
  }

  async function subscriptionsTo(slot: string): Promise<unknown[]> {
    const text = `SELECT datname, subenabled FROM pg_subscription s JOIN pg_database d ON d.oid = subdbid
      WHERE subslotname = '${slot}' OR subname = '${slot}' ORDER BY 1`
    return (await sql(here, undefined, text)).map(({ datname, subenabled }) => [datname, subenabled])
  }

  async function slotIsThere(slot: string): Promise<boolean> {
    const found = await sql(here, undefined, `SELECT FROM pg_replication_slots WHERE slot_name = '${slot}'`)
    return found.length === 1
  }

  function restore(name: string, dump: TakenDump, bytes: Buffer | string = dump.bytes) {
    const { tables, properties } = dump
    const content = contentOf(bytes)
    return postgres.restore(ioFor(), {
      target: targetOf(here, name),
      content,
      tables,
      properties,
      step: () => undefined,
    })
  }

  /** A scratch database of a rehearsal that was killed, as pg_dump's text leaves it. */
  async function leftBehind(name: string, slot: string, from: string): Promise<string> {
    const scratch = await createDatabase(here, `${name}_seatbelt_00000001`)
    const mark = `db-seatbelt restore: ${JSON.stringify({ role: 'scratch', database: name, at: '2026-01-01' })}`
    await sql(here, undefined, `COMMENT ON DATABASE ${scratch} IS '${mark}'`)
    await sql(here, scratch, subscribe(slot, from, `connect = false, slot_name = '${slot}'`))
    return scratch
  }

  test('is rehearsed: nothing is left behind, and it goes on following', async () => {
    const { from, name, slot } = await follower()
    const target = targetOf(here, name)
    const dump = await dumpOf(target)
    const { tables, schemaDigest } = await rehearse(target, dump)
    expect([tables, schemaDigest]).toEqual([dump.tables, dump.schemaDigest])
    expect(await databasesLike(name)).toEqual([name])
    expect(await subscriptionsTo(slot)).toEqual([[name, true]])
    await sql(here, from, 'INSERT INTO t VALUES (2)')
    while ((await rows(name)).length < 2) await sleep(20)
  })

  test('is restored: the one before goes, its subscription with it, and the slot stays for the restored one', async () => {
    const { from, name, slot } = await follower()
    const target = targetOf(here, name)
    const { notes } = await restore(name, await dumpOf(target))
    expect(await databasesLike(name)).toEqual([name])
    expect(await subscriptionsTo(slot)).toEqual([[name, false]])
    expect(await slotIsThere(slot)).toBe(true)
    expect(notes.join('\n')).toContain(`ALTER SUBSCRIPTION "${slot}" ENABLE`)
    await sql(here, from, 'INSERT INTO t VALUES (2)')
    await sql(here, name, 'TRUNCATE t')
    await sql(here, name, `ALTER SUBSCRIPTION "${slot}" ENABLE`)
    await sql(here, name, `ALTER SUBSCRIPTION "${slot}" REFRESH PUBLICATION`)
    while ((await rows(name)).length < 2) await sleep(20)
    expect(await rows(name)).toEqual([1, 2])
  })

  test('is restored from before it had one: the slot that is left on the publisher is named', async () => {
    const { from, name, slot } = await follower()
    await sql(here, name, `ALTER SUBSCRIPTION ${slot} DISABLE`)
    const dump = await dumpOf(targetOf(here, name))
    const before = dump.text.replace(/^CREATE SUBSCRIPTION .*$/m, '').replace(/^ALTER SUBSCRIPTION .*$/m, '')
    const { notes } = await restore(name, dump, before)
    expect(await databasesLike(name)).toEqual([name])
    expect(await subscriptionsTo(slot)).toEqual([])
    expect(notes.join('\n')).toContain(`pg_drop_replication_slot('${slot}')`)
    await sql(here, from, `SELECT pg_drop_replication_slot('${slot}')`)
  })

  test('what is kept because it was written to keeps its subscription, stopped, and says how both are dropped', async () => {
    const { name, slot } = await follower()
    const dump = await dumpOf(targetOf(here, name))
    const { tables, properties } = dump
    const { notes } = await postgres.restore(ioFor(), {
      target: targetOf(here, name),
      content: contentOf(dump.bytes),
      tables,
      properties,
      step: () => undefined,
      beforeSwap: async () => void (await sql(here, name, 'INSERT INTO t VALUES (99)')),
    })
    const [, former = ''] = (await databasesLike(name)).map(String)
    expect(await rows(former)).toEqual([1, 99])
    expect(await subscriptionsTo(slot)).toEqual([
      [name, false],
      [former, false],
    ])
    const said = notes.find((note) => note.includes(`DROP DATABASE "${former}"`)) ?? ''
    expect(said).toContain(`ALTER SUBSCRIPTION "${slot}" SET (slot_name = NONE); DROP SUBSCRIPTION "${slot}"`)
    const again = await rehearse(targetOf(here, name), dump)
    expect(again.notes.find((note) => note.includes(former))).toContain(`DROP SUBSCRIPTION "${slot}"`)
  })

  test('what a killed run left behind is dropped by the next one', async () => {
    const { from, name, slot } = await follower()
    const target = targetOf(here, name)
    const dump = await dumpOf(target)
    const scratch = await leftBehind(name, slot, from)
    const { notes } = await rehearse(target, dump)
    expect(notes).toContain(`dropped ${scratch}, left behind by an interrupted restore`)
    expect(await databasesLike(name)).toEqual([name])
    expect(await slotIsThere(slot)).toBe(true)
  })

  test('what cannot be dropped is said, and stops no restore', async () => {
    const { from, name, slot } = await follower()
    const dump = await dumpOf(targetOf(here, name))
    const scratch = await leftBehind(name, slot, from)
    await sql(here, undefined, `ALTER DATABASE ${scratch} ALLOW_CONNECTIONS false`)
    const { notes } = await rehearse(targetOf(here, name), dump)
    expect(notes.join('\n')).toContain(`${scratch}, left behind by an interrupted restore, could not be dropped`)
    expect(await databasesLike(name)).toEqual([name, scratch])
  })

  test('a subscription of a foreign file that would connect is left out, and said', async () => {
    const { from, name, slot } = await follower()
    await sql(here, name, `ALTER SUBSCRIPTION ${slot} DISABLE`)
    const dump = await dumpOf(targetOf(here, name))
    const connecting = dump.text
      .replace('connect = false', 'create_slot = false')
      .replace(/^ALTER SUBSCRIPTION .*$/m, `ALTER SUBSCRIPTION ${slot} ENABLE;`)
    const { notes } = await restore(name, dump, connecting)
    expect(notes.join('\n')).toContain(`subscription ${slot} would connect to another server: left out`)
    expect(await subscriptionsTo(slot)).toEqual([])
    await sql(here, from, `SELECT pg_drop_replication_slot('${slot}')`)
  })

  test('a swap of an instant copy leaves the subscription with what is put aside, which is said before and after', async () => {
    const { name, slot } = await follower()
    const target = targetOf(here, name)
    await sql(here, name, `ALTER SUBSCRIPTION ${slot} DISABLE`)
    while ((await sql(here, undefined, `SELECT FROM pg_stat_activity WHERE datname = '${name}'`)).length > 0)
      await sleep(20)
    const { copy } = await copies.copy(ioFor(), target, 'database_x.sql')
    await sql(here, name, `ALTER SUBSCRIPTION ${slot} ENABLE`)
    expect((await copies.connected(ioFor(), target)).join('\n')).toContain(`subscription ${slot} stays with`)
    const { former, notes } = await copies.swapIn(ioFor(), target, copy)
    if (former === undefined) throw new Error('nothing was put aside')
    expect(notes.join('\n')).toContain(`subscription ${slot} stayed with ${former.name}`)
    expect(await subscriptionsTo(slot)).toEqual([[former.name, true]])
    const failure = await copies.remove(ioFor(), target, former).catch((error: unknown) => error)
    if (!(failure instanceof Failure)) throw failure
    expect(failure.text.next?.join('\n')).toContain(`DROP SUBSCRIPTION "${slot}"`)
    await copies.swapIn(ioFor(), target, former)
    expect(await subscriptionsTo(slot)).toEqual([[name, true]])
  })
})
