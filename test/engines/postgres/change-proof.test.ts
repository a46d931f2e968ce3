import { readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import type { ChangeMark } from '../../../src/engines/engine.ts'
import { readChanges } from '../../../src/engines/postgres/change-reading.ts'
import type { Connection } from '../../../src/engines/postgres/connection.ts'
import { readWrites } from '../../../src/engines/postgres/writes.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { serverUser } from '../../servers/keeper.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { ioFor, openSession, targetOf } from './world.ts'

type Earlier = ChangeMark['values']

async function markOn(here: PostgresServer, name: string, earlier?: Earlier): Promise<ChangeMark | undefined> {
  const session = await openSession(ioFor(), targetOf(here, name))
  try {
    return await session.changeMark?.(earlier)
  } finally {
    await session.close()
  }
}

async function clientOn(here: PostgresServer, database: string): Promise<pg.Client> {
  const { host, port, superuser: user, password } = here
  const client = new pg.Client({ host, port, user, password, database })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

// A session is gone for us when its socket is closed, for the server a moment later.
async function untilNobodyIsOn(here: PostgresServer, name: string, but = 0): Promise<void> {
  const there = () => sql(here, undefined, `SELECT FROM pg_stat_activity WHERE datname = '${name}'`)
  while ((await there()).length > but) await sleep(20)
}

/** Undefined while the server does not answer. */
async function rowsOf(here: PostgresServer, name: string, table: string): Promise<number | undefined> {
  return (await sql(here, name, `SELECT FROM ${table}`).catch(() => undefined))?.length
}

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  const counts = version !== '13'
  let here: PostgresServer
  let stop: () => Promise<void>

  // A server of its own: on a shared one others' transactions would end while a test looks. No autovacuum for the same reason.
  beforeAll(async () => {
    const settings = { autovacuum: 'off', max_prepared_transactions: 5, wal_level: 'logical' }
    const started = await startPostgres(version, { settings })
    here = started.server
    stop = () => started.kept.stop()
  })

  afterAll(() => stop())

  async function shop(): Promise<string> {
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      `CREATE TABLE t (a int PRIMARY KEY, b text); INSERT INTO t SELECT i, 'x' FROM generate_series(1, 100) i;
      CREATE SEQUENCE called; SELECT nextval('called') FROM generate_series(1, 3); CREATE SEQUENCE fresh;
      CREATE UNLOGGED TABLE u AS TABLE t; CREATE MATERIALIZED VIEW m AS TABLE t; CREATE TYPE mood AS ENUM ('sad');
      SELECT lo_from_bytea(4711, 'abc'); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    )
    return name
  }

  async function mark(name: string, earlier?: Earlier): Promise<ChangeMark> {
    const found = await markOn(here, name, earlier)
    if (found === undefined) throw new Error('no mark')
    return found
  }

  /** What is said after `work`: a proof that nothing was changed; that it is not certain; that something is another. */
  async function verdict(name: string, work: () => Promise<unknown>): Promise<'unchanged' | 'unsettled' | 'changed'> {
    const earlier = (await mark(name)).values
    await work()
    const now = await mark(name, earlier)
    if (now.unsettled !== undefined) return 'unsettled'
    return JSON.stringify(now.values) === JSON.stringify(earlier) ? 'unchanged' : 'changed'
  }

  /** The same; what was done is done by a session that has ended. */
  const verdictAfter = (name: string, statements: string) =>
    verdict(name, async () => {
      await sql(here, name, statements)
      await untilNobodyIsOn(here, name)
    })

  test.each(
    [
      'INSERT INTO t VALUES (101)',
      `UPDATE t SET b = 'y' WHERE a = 1`,
      'DELETE FROM t WHERE a = 1',
      'TRUNCATE t',
      'INSERT INTO u VALUES (101)',
      'BEGIN; INSERT INTO t VALUES (101); ROLLBACK',
      `MERGE INTO t USING (VALUES (1)) v(a) ON t.a = v.a WHEN MATCHED THEN DELETE`,
      `CREATE TABLE other ()`,
      'DROP TABLE t CASCADE',
      'ALTER TABLE t ADD COLUMN c int',
      'ALTER TABLE t RENAME COLUMN b TO c',
      'ALTER TABLE t SET UNLOGGED',
      'CREATE INDEX ON t (b)',
      'REFRESH MATERIALIZED VIEW m',
      "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 2'",
      `ALTER TYPE mood ADD VALUE 'glad'`,
      `COMMENT ON TABLE t IS 'x'`,
      'GRANT SELECT ON t TO PUBLIC',
      'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC',
      'CREATE EXTENSION hstore',
      'CREATE SCHEMA other',
      'ALTER TABLE t ENABLE ROW LEVEL SECURITY',
      `SELECT lo_put(4711, 0, 'x')`,
      `SELECT lo_put(4711, 100000, 'x')`,
      'SELECT lo_unlink(4711)',
      'SELECT lo_create(0)',
      `SELECT nextval('called')`,
      `SELECT nextval('fresh')`,
      `SELECT setval('called', 77)`,
      `SELECT setval('fresh', 7, false)`,
      `SELECT setval('fresh', 1)`,
      `BEGIN; SELECT nextval('called'); ROLLBACK`,
      'ALTER SEQUENCE called INCREMENT 2',
      'CREATE SEQUENCE other',
      'SELECT pg_stat_reset(); INSERT INTO t VALUES (101)',
      `INSERT INTO t VALUES (101); SELECT pg_stat_reset_single_table_counters('t'::regclass)`,
      'COPY t FROM PROGRAM \'echo "101\tx"\'',
    ].filter((statement) => version !== '13' || !statement.startsWith('MERGE')),
  )('sees %s', async (statement) => {
    expect(await verdictAfter(await shop(), statement)).toBe('changed')
  })

  test.each([
    (name: string) => `COMMENT ON DATABASE ${name} IS 'x'`,
    (name: string) => `ALTER DATABASE ${name} SET work_mem = '8MB'`,
    (name: string) => `ALTER ROLE postgres IN DATABASE ${name} SET work_mem = '8MB'`,
    (name: string) => `GRANT CREATE ON DATABASE ${name} TO PUBLIC`,
    (name: string) => `ALTER DATABASE ${name} CONNECTION LIMIT 7`,
    (name: string) => `CREATE ROLE "r ${name}"; ALTER DATABASE ${name} OWNER TO "r ${name}"`,
    () => `CREATE ROLE ${uniqueName('r')}`,
  ])('sees what another database changes: %s', async (statement) => {
    const name = await shop()
    expect(await verdict(name, () => sql(here, undefined, statement(name)))).toBe('changed')
  })

  test('sees another role behind an owner', async () => {
    const [name, role] = [await shop(), uniqueName('r')]
    await sql(here, name, `CREATE ROLE ${role}; ALTER TABLE t OWNER TO ${role}`)
    expect(await verdict(name, () => sql(here, undefined, `ALTER ROLE ${role} RENAME TO ${role}_2`))).toBe('changed')
  })

  test.each(['SELECT count(*) FROM t', 'SELECT FROM t WHERE a = 1', 'VACUUM t', 'SET work_mem = 100', 'SELECT f()'])(
    'is not disturbed by %s',
    async (statement) => {
      expect(await verdictAfter(await shop(), statement)).toBe('unchanged')
    },
  )

  test('is not disturbed by idle sessions, whatever they did before', async () => {
    const name = await shop()
    const client = await clientOn(here, name)
    await client.query('INSERT INTO t VALUES (101)')
    expect(await verdict(name, async () => undefined)).toBe('unchanged')
    expect(await verdict(name, () => client.query('SELECT 1'))).toBe('unchanged')
    await client.end()
  })

  test(`${counts ? 'proves' : 'does not prove'} it by counters while others write elsewhere`, async () => {
    const [name, other] = [await shop(), await shop()]
    const elsewhere = () => sql(here, other, 'DELETE FROM t; ANALYZE; CREATE TABLE more()')
    expect(await verdict(name, elsewhere)).toBe(counts ? 'unchanged' : 'changed')
    expect(await verdictAfter(name, 'ANALYZE')).toBe(counts ? 'unchanged' : 'changed')
  })

  test('says that it is not certain while a session may hold back what it counted', async () => {
    const [name, other] = [await shop(), await shop()]
    const client = await clientOn(here, name)
    const elsewhere = () => sql(here, other, 'UPDATE t SET b = a')
    expect(await verdict(name, elsewhere)).toBe(counts ? 'unchanged' : 'changed')
    const active = () => Promise.all([elsewhere(), client.query('SELECT 1')])
    expect(await verdict(name, active)).toBe(counts ? 'unsettled' : 'changed')
    await client.end()
  })

  test('a session that is still there has committed', async () => {
    const name = await shop()
    const client = await clientOn(here, name)
    await client.query('SELECT count(*) FROM t')
    expect(await verdict(name, () => client.query('INSERT INTO t VALUES (101)'))).not.toBe('unchanged')
    await client.end()
  })

  test('what is not committed is nowhere yet; then it is', async () => {
    const name = await shop()
    const client = await clientOn(here, name)
    expect(await verdict(name, () => client.query('BEGIN; INSERT INTO t VALUES (101)'))).toBe('unchanged')
    expect(await verdict(name, () => client.query('COMMIT'))).not.toBe('unchanged')
    await client.end()
  })

  test('a prepared transaction is committed', async () => {
    const name = await shop()
    await sql(here, name, `BEGIN; INSERT INTO t VALUES (101); PREPARE TRANSACTION '${name}'`)
    await untilNobodyIsOn(here, name)
    expect(await verdictAfter(name, `COMMIT PREPARED '${name}'`)).toBe('changed')
  })

  test('nothing is proven by counters that somebody may have switched off', async () => {
    const [name, other] = [await shop(), await shop()]
    const elsewhere = () => sql(here, other, 'INSERT INTO t VALUES (101)')
    await sql(here, name, `ALTER DATABASE ${other} SET track_counts = off`)
    expect(await verdict(name, elsewhere)).toBe('changed')
    await sql(here, name, `ALTER DATABASE ${other} RESET track_counts`)
    const unseen = `SET track_counts = off; INSERT INTO t VALUES (101)`
    const switched = () =>
      sql(here, name, `ALTER SYSTEM SET track_counts = off`)
        .then(() => reload(here))
        .then(() => sql(here, name, unseen))
        .then(() => sql(here, name, 'ALTER SYSTEM RESET track_counts'))
        .then(() => reload(here))
    expect(await verdict(name, switched)).toBe('changed')
    await sql(here, name, 'ALTER SYSTEM SET track_counts = off')
    await reload(here)
    expect(await verdictAfter(name, 'INSERT INTO t VALUES (102)')).toBe('changed')
    await sql(here, name, 'ALTER SYSTEM RESET track_counts')
    await reload(here)
  })

  test('counters that were set back to what they were', async () => {
    const name = await shop()
    await sql(here, name, 'SELECT pg_stat_reset()')
    await untilNobodyIsOn(here, name)
    const resetAgain = async () => {
      await sql(here, name, 'INSERT INTO t VALUES (101)')
      await untilNobodyIsOn(here, name)
      await sql(here, name, 'SELECT pg_stat_reset()')
      await untilNobodyIsOn(here, name)
    }
    expect(await verdict(name, resetAgain)).toBe('changed')
  })

  test('a procedure that has been running since before, and commits on its way', async () => {
    const [name, signal] = [await shop(), uniqueName('signal')]
    const seen = `EXISTS (SELECT FROM pg_stat_activity WHERE application_name = '${signal}')`
    const until = (condition: string) =>
      `WHILE NOT ${condition} LOOP PERFORM pg_sleep(0.02); PERFORM pg_stat_clear_snapshot(); COMMIT; END LOOP;`
    await sql(
      here,
      name,
      `CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN ${until(seen)} INSERT INTO t VALUES (101);
      COMMIT; ${until(`NOT ${seen}`)} END $$`,
    )
    const client = await clientOn(here, name)
    const running = client.query('CALL p()')
    const other = await clientOn(here, 'postgres')
    const go = async () => {
      await other.query(`SET application_name = '${signal}'`)
      while ((await rowsOf(here, name, 't WHERE a = 101')) !== 1) await sleep(20)
      await untilNobodyIsOn(here, name, 1)
    }
    expect(await verdict(name, go)).not.toBe('unchanged')
    await other.end()
    await running
    await client.end()
  })

  test('a database that was made anew under the name', async () => {
    const name = await shop()
    const again = () => sql(here, undefined, `DROP DATABASE ${name}`).then(() => createDatabase(here, name))
    expect(await verdict(name, again)).toBe('changed')
  })

  test('changes that come from another server', async () => {
    const [from, name, slot] = [await shop(), await shop(), uniqueName('slot')]
    await sql(here, from, `CREATE PUBLICATION p FOR TABLE t`)
    await sql(here, from, `SELECT pg_create_logical_replication_slot('${slot}', 'pgoutput')`)
    const { port, password } = here
    await sql(here, name, 'TRUNCATE t')
    await sql(
      here,
      name,
      `CREATE SUBSCRIPTION ${slot} CONNECTION 'host=127.0.0.1 port=${port} user=postgres password=${password} dbname=${from}'
      PUBLICATION p WITH (create_slot = false, copy_data = false)`,
    )
    const arrives = async () => {
      await sql(here, from, 'INSERT INTO t VALUES (102)')
      while ((await sql(here, name, 'SELECT FROM t')).length === 0) await sleep(20)
    }
    expect(await verdict(name, arrives)).toBe('changed')
    await sql(here, name, `DROP SUBSCRIPTION ${slot}`)
  })

  test('a crash empties unlogged tables, and no transaction did it', async () => {
    const name = await shop()
    await sql(here, name, 'CHECKPOINT')
    const victim = await clientOn(here, name)
    const [row] = (await victim.query('SELECT pg_backend_pid() AS pid')).rows
    const crash = async () => {
      process.kill(row.pid, 'SIGKILL')
      while ((await rowsOf(here, name, 'u')) !== 0) await sleep(50)
    }
    expect(await verdict(name, crash)).toBe('changed')
  })
})

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  test('a server that was killed and started again', async () => {
    const { server: here, kept } = await startPostgres(version)
    const name = await createDatabase(here)
    await sql(here, name, 'CREATE UNLOGGED TABLE u AS SELECT 1; CHECKPOINT')
    const earlier = (await markOn(here, name))?.values
    const again = await killAndStart(here)
    try {
      while ((await rowsOf(here, name, 'u')) !== 0) await sleep(50)
      expect((await markOn(here, name, earlier))?.values).not.toEqual(earlier)
    } finally {
      again.kill('SIGQUIT')
      await again.exited
      await kept.stop()
    }
  })
})

/** Starts the very command again, once the processes that the killed one left behind have gone. */
async function killAndStart({ pid, dataDirectory: cwd }: PostgresServer): Promise<Bun.Subprocess> {
  const of = (what: string) =>
    readFileSync(`/proc/${pid}/${what}`, 'utf8')
      .split('\0')
      .filter((text) => text !== '')
  const [, ...options] = of('cmdline')
  const command = [readlinkSync(`/proc/${pid}/exe`), ...options]
  const env = Object.fromEntries(of('environ').map((pair) => pair.split('=', 2) as [string, string]))
  process.kill(pid, 'SIGKILL')
  for (;;) {
    const started = Bun.spawn(command, { cwd, env, stdout: 'ignore', stderr: 'ignore', ...serverUser()?.user })
    if ((await Promise.race([started.exited, sleep(1000, 'runs')])) === 'runs') return started
  }
}

describe('where neither transactions nor counters tell it all', () => {
  const here = inject('servers').postgres['15']

  test.each([
    ['CREATE ACCESS METHOD own TYPE TABLE HANDLER heap_tableam_handler; CREATE TABLE t () USING own'],
    ['CREATE EXTENSION pg_surgery'],
  ])('there is no mark: %s', async (statement) => {
    const name = await createDatabase(here)
    expect(await markOn(here, name)).toBeDefined()
    await sql(here, name, statement)
    expect(await markOn(here, name)).toBeUndefined()
  })

  test('a standby has neither', async () => {
    const connection = { query: () => Promise.reject(new Error('asked')) } as unknown as Connection
    const facts = { major: 15, inRecovery: true, database: 'x' }
    expect(await readChanges(connection, facts)).toBeUndefined()
    expect(
      await readWrites({ query: async () => [{ track_counts: 'on' }] } as unknown as Connection, facts, undefined),
    ).toBeUndefined()
  })

  test('a migration that holds a sequence is not waited for', async () => {
    const name = await createDatabase(here)
    await sql(here, name, 'CREATE SEQUENCE s')
    const migration = await clientOn(here, name)
    await migration.query('BEGIN; DROP SEQUENCE s')
    const failed = await markOn(here, name).catch((error: unknown) => error)
    await migration.end()
    expect(failed).toMatchObject({ code: '55P03' })
  })
})

async function reload(here: PostgresServer): Promise<void> {
  const loaded = () => sql(here, undefined, 'SELECT pg_conf_load_time() AS at')
  const before = JSON.stringify(await loaded())
  await sql(here, undefined, 'SELECT pg_reload_conf()')
  while (JSON.stringify(await loaded()) === before) await sleep(20)
}
