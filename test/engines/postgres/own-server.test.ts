import { chmodSync, chownSync, copyFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { createDatabase, sql, urlOf } from '../../servers/databases.ts'
import { serverUser } from '../../servers/keeper.ts'
import { type PostgresServer, startPostgres } from '../../servers/postgres.ts'
import { rehearse } from './rehearsing.ts'
import { contentOf, dumpOf, ioFor, targetOf } from './world.ts'

let server: PostgresServer
let stop: () => Promise<void>

// An authority, and a certificate of it for the name `localhost`; for nothing but these tests.
const certificates = join(import.meta.dirname, 'certificates')

/** The server's key has to be its own. */
function forServer(): string {
  const own = mkdtempSync(join(tmpdir(), 'tls-server-'))
  const user = serverUser()?.user
  for (const file of ['server.key', 'server.crt']) {
    copyFileSync(join(certificates, file), join(own, file))
    chmodSync(join(own, file), 0o600)
    if (user !== undefined) chownSync(join(own, file), user.uid, user.gid)
  }
  if (user !== undefined) chownSync(own, user.uid, user.gid)
  return own
}

beforeAll(async () => {
  const own = forServer()
  const tls = { ssl: 'on', ssl_cert_file: join(own, 'server.crt'), ssl_key_file: join(own, 'server.key') }
  const started = await startPostgres('15', { settings: { max_prepared_transactions: 5, ...tls } })
  server = started.server
  stop = () => started.kept.stop()
})

afterAll(() => stop())

describe('TLS', () => {
  test.each([
    ['127.0.0.1', {}],
    ['localhost', { sslmode: 'require' }],
    ['localhost', { sslmode: 'disable' }],
    ['localhost', { sslmode: 'allow' }],
    ['127.0.0.1', { sslmode: 'verify-ca', sslrootcert: 'ca.crt' }],
    ['localhost', { sslmode: 'verify-full', sslrootcert: 'ca.crt' }],
  ])('%s %j: we and pg_dump are let in', async (host, parameters) => {
    const database = await createDatabase(server)
    const target = targetOf(server, database, { host, parameters: inFolder(parameters) })
    expect((await dumpOf(target)).tables).toEqual([])
  })

  test.each([
    ['127.0.0.1', { sslmode: 'verify-full', sslrootcert: 'ca.crt' }, 'no trusted TLS connection'],
    ['localhost', { sslmode: 'verify-ca', sslrootcert: 'server.crt' }, 'no trusted TLS connection'],
    ['localhost', { sslmode: 'verify-full' }, 'no trusted TLS connection'],
    ['localhost', { sslmode: 'verify-full', sslrootcert: 'missing' }, 'cannot be read'],
  ])('%s %j is refused', async (host, parameters, why) => {
    const target = targetOf(server, 'postgres', { host, parameters: inFolder(parameters) })
    const failure = await postgres.connect(ioFor(), target).catch((error: unknown) => error)
    expect((failure as Failure).text.what).toContain(why)
  })
})

function inFolder(parameters: { sslmode?: string; sslrootcert?: string }): Record<string, string> {
  const { sslrootcert, ...others } = parameters
  return sslrootcert === undefined ? others : { ...others, sslrootcert: join(certificates, sslrootcert) }
}

test('a prepared transaction stops a restore before the swap', async () => {
  const name = await createDatabase(server)
  await sql(server, name, 'CREATE TABLE t(a int)')
  const target = targetOf(server, name)
  const { bytes, tables, properties } = await dumpOf(target)
  await sql(server, name, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'held'")
  const request = { target, content: contentOf(bytes), tables, properties, step: () => undefined }
  const failure = await postgres.restore(ioFor(), request).catch((error: unknown) => error)
  await sql(server, name, "COMMIT PREPARED 'held'")
  expect(failure).toBeInstanceOf(Failure)
  expect((failure as Failure).text.what).toContain("prepared transactions: 'held'")
  expect(await sql(server, name, 'SELECT * FROM t')).toEqual([{ a: 1 }])
})

describe('an interruption while the server makes the scratch database', () => {
  test('leaves nothing behind', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE t AS SELECT 1 AS a')
    const target = targetOf(server, name)
    const dump = await dumpOf(target)
    const client = new pg.Client({ connectionString: urlOf(server, 'postgres') })
    await client.connect()
    await client.query('BEGIN; LOCK TABLE pg_database IN SHARE MODE')
    const controller = new AbortController()
    const reason = new Failure(130, { what: 'interrupted' })
    const ended = rehearse(target, dump, ioFor({ signal: controller.signal })).catch((error: unknown) => error)
    const making = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE "${name}\\_seatbelt%' AND wait_event_type = 'Lock'`
    while ((await sql(server, undefined, making)).length === 0) await sleep(5)
    controller.abort(reason)
    const next = `SELECT FROM pg_stat_activity WHERE query LIKE 'DROP DATABASE%${name}\\_seatbelt%' AND wait_event_type = 'Lock'`
    while ((await sql(server, undefined, next)).length === 0) await sleep(5)
    await client.query('COMMIT')
    await client.end()
    expect(await ended).toBe(reason)
    const busy = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE "${name}%' AND state = 'active'`
    while ((await sql(server, undefined, busy)).length > 0) await sleep(5)
    expect(await sql(server, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '${name}%'`)).toEqual([
      { datname: name },
    ])
  })
})
