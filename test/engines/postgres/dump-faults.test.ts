import { chmod, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test, vi } from 'vitest'
import type { StreamedDump } from '../../../src/engines/engine.ts'
import { openConnection } from '../../../src/engines/postgres/connection.ts'
import { startDump } from '../../../src/engines/postgres/dump.ts'
import { readFacts } from '../../../src/engines/postgres/facts.ts'
import { loginOf } from '../../../src/engines/postgres/login.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { bytesOf, dumpOf, failureOf, ioFor, openSession, targetOf } from './world.ts'

const server = inject('servers').postgres['15']
const realDump = '/usr/lib/postgresql/15/bin/pg_dump'

/** A dump of a database with two tables by a pg_dump of our own making. */
async function dumpBy(script: string): Promise<Awaited<ReturnType<StreamedDump['finish']>>> {
  const folder = await mkdtemp(join(tmpdir(), 'pg_dump-'))
  await writeFile(join(folder, 'pg_dump'), `#!/bin/sh\n${script}\n`)
  await chmod(join(folder, 'pg_dump'), 0o755)
  const database = await createDatabase(server)
  await sql(server, database, 'CREATE TABLE a(i int); CREATE TABLE b(i int); INSERT INTO b VALUES (1)')
  const io = ioFor()
  const login = await loginOf(io, targetOf(server, database))
  const connection = await openConnection(login, database, io)
  try {
    const facts = await readFacts(connection)
    const dump = await startDump(io, connection, { login, database, client: { major: 15, folder }, facts })
    await bytesOf(dump.chunks)
    return await dump.finish()
  } finally {
    await connection.close()
  }
}

describe('a dump that is not whole is no dump', () => {
  test('what is changed by the real one passes, so that the others mean something', async () => {
    expect((await dumpBy(`exec ${realDump} "$@"`)).tables).toHaveLength(2)
  })

  test.each([
    ['ends with 0 and no trailer', `${realDump} "$@" | head -c 900`, 'no completion line'],
    ['ends with 0 and nothing', 'exit 0', 'no completion line'],
    ['ends with 1 after a trailer', `${realDump} "$@"; echo oops >&2; exit 1`, 'oops'],
    ['is killed', `${realDump} "$@"; kill -9 $$`, 'it said nothing'],
    ['leaves a table out', `exec ${realDump} --exclude-table=public.a "$@"`, 'not in the dump: public.a'],
    ["leaves a table's rows out", `exec ${realDump} --exclude-table-data=public.b "$@"`, 'not in the dump: public.b'],
    ['shows the password', `echo "bad $PGPASSWORD" >&2; exit 1`, 'bad **redacted**'],
  ])('pg_dump %s', async (_name, script, why) => {
    const failure = await failureOf(dumpBy(script))
    expect(failure.code).toBe(30)
    expect(failure.text.why?.join()).toContain(why)
    expect(JSON.stringify(failure.text)).not.toContain(server.password)
  })

  test('a role that may not read everything', async () => {
    const role = uniqueName('reader')
    const database = await createDatabase(server)
    await sql(server, database, `CREATE TABLE hidden(); CREATE ROLE ${role} LOGIN PASSWORD 'secret'`)
    const failure = await failureOf(dumpOf(targetOf(server, database, { user: role, password: new Secret('secret') })))
    expect(failure.code).toBe(30)
    expect(failure.text.next?.join()).toContain('pg_read_all_data')
  })

  test('row-level security that hides rows', async () => {
    const role = uniqueName('reader')
    const database = await createDatabase(server)
    await sql(
      server,
      database,
      `CREATE TABLE t(a int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT pg_read_all_data TO ${role}`,
    )
    const failure = await failureOf(dumpOf(targetOf(server, database, { user: role, password: new Secret('secret') })))
    expect(failure.text.next?.join()).toContain('BYPASSRLS')
  })
})

test('the catalogue and the dump are of one moment', async () => {
  const database = await createDatabase(server)
  await sql(server, database, 'CREATE TABLE a(i int)')
  const session = await openSession(ioFor(), targetOf(server, database))
  const dump = (await session.dump()) as StreamedDump
  await sql(server, database, 'CREATE TABLE later(); INSERT INTO a VALUES (1)')
  const text = (await bytesOf(dump.chunks)).toString()
  expect((await dump.finish()).tables).toMatchObject([{ name: 'public.a', rows: 0 }])
  expect(text).not.toContain('later')
  await session.close()
})

test('an interruption ends pg_dump and is what is thrown', async () => {
  const database = await createDatabase(server)
  await sql(server, database, `CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)`)
  const controller = new AbortController()
  const reason = new Failure(130, { what: 'interrupted' })
  const session = await openSession(ioFor({ signal: controller.signal }), targetOf(server, database))
  const dump = (await session.dump()) as StreamedDump
  const work = (async () => {
    for await (const _ of dump.chunks) controller.abort(reason)
    return dump.finish()
  })()
  expect(await failureOf(work)).toBe(reason)
  await session.close()
  // The server notices that its client went when it next writes.
  const active = `SELECT 1 FROM pg_stat_activity WHERE datname = '${database}' AND state = 'active'`
  await vi.waitUntil(async () => (await sql(server, undefined, active)).length === 0, { timeout: 30_000 })
})

test('a consumer that stops reading ends pg_dump', async () => {
  const database = await createDatabase(server)
  await sql(server, database, `CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 100000)`)
  const session = await openSession(ioFor(), targetOf(server, database))
  const dump = (await session.dump()) as StreamedDump
  for await (const _ of dump.chunks) break
  dump.cancel()
  expect((await failureOf(dump.finish())).code).toBe(30)
  await session.close()
})
