import { mkdtemp, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, inject, test } from 'vitest'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import { dumpOf, ioFor, openSession, targetOf } from './world.ts'

const server = inject('servers').postgres['15']

async function refusal(target: ServerTarget, io = ioFor()): Promise<Failure> {
  const outcome = await postgres.connect(io, target).catch((error: unknown) => error)
  if (!(outcome instanceof Failure)) throw new Error(`no failure: ${JSON.stringify(outcome)}`)
  return outcome
}

function allText({ text }: Failure): string {
  return [text.what, ...(text.why ?? []), ...(text.next ?? [])].join('\n')
}

/** A port on which something answers that is no PostgreSQL, or nothing at all. */
async function otherPort(greeting: string | undefined): Promise<{ port: number; close(): void }> {
  const listener = createServer((socket) => {
    socket.on('error', () => undefined)
    if (greeting !== undefined) socket.end(greeting)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, close: () => listener.close() }
}

describe('what cannot be reached is explained', () => {
  test('a wrong password, which is not shown', async () => {
    const failure = await refusal(targetOf(server, 'postgres', { password: new Secret('wr0ng-secret') }))
    expect(failure.code).toBe(11)
    expect(failure.text.what).toContain('does not accept the password of user postgres')
    expect(allText(failure)).toContain('an unquoted # ends a value')
    expect(allText(failure)).not.toContain('wr0ng-secret')
  })

  test('no password at all', async () => {
    const { password: _, ...target } = targetOf(server, 'postgres')
    expect(allText(await refusal(target))).toContain('~/.pgpass')
  })

  test('nothing listens', async () => {
    const { port, close } = await otherPort('')
    close()
    expect((await refusal(targetOf(server, 'x', { port }))).text.what).toContain('no server answers on 127.0.0.1:')
  })

  test.each(['HTTP/1.1 400 Bad Request\r\n\r\n', 'J\0\0\0\n8.0.36', ''])(
    'something else answers: %j',
    async (greeting) => {
      const { port, close } = await otherPort(greeting)
      for (const parameters of [{}, { sslmode: 'disable' }] as const) {
        const { text } = await refusal(targetOf(server, 'x', { port, parameters }))
        expect(text.what).toMatch(/is not PostgreSQL|did not answer as PostgreSQL/)
      }
      close()
    },
  )

  test('an unknown host', async () => {
    const { text } = await refusal(targetOf(server, 'x', { host: 'no-such-host.invalid' }))
    expect(text.what).toContain('no-such-host.invalid')
  })

  test('TLS is required of a server that has none', async () => {
    const { text } = await refusal(targetOf(server, 'postgres', { parameters: { sslmode: 'require' } }))
    expect(text.what).toContain('has no TLS, but sslmode=require requires it')
  })

  test('an interruption', async () => {
    const { port, close } = await otherPort(undefined)
    const controller = new AbortController()
    const reason = new Failure(130, { what: 'interrupted' })
    setTimeout(() => controller.abort(reason), 100)
    expect(await refusal(targetOf(server, 'x', { port }), ioFor({ signal: controller.signal }))).toBe(reason)
    close()
  })
})

describe('what can be reached', () => {
  test.each([
    ['an IPv6 address', { host: '::1' }],
    ['a name', { host: 'localhost' }],
    ['no TLS asked for', { parameters: { sslmode: 'disable' } }],
    ['options', { parameters: { options: '-c search_path=x' } }],
  ])('%s', async (_name, changes) => {
    const database = await createDatabase(server)
    await sql(server, database, 'CREATE TABLE t()')
    const { tables } = await dumpOf(targetOf(server, database, changes))
    expect(tables).toMatchObject([{ name: 'public.t', rows: 0 }])
  })

  test('a socket', async () => {
    const database = await createDatabase(server)
    const { host: _, ...target } = targetOf(server, database, { socket: server.socketDirectory })
    expect((await dumpOf(target)).tables).toEqual([])
  })

  test('users and passwords with every printable character', async () => {
    const printable = String.fromCharCode(...Array.from({ length: 95 }, (_, index) => 32 + index))
    const user = `${printable.slice(0, 40)}ü${uniqueName('')}`
    const password = `${printable}äß名`
    await sql(
      server,
      undefined,
      `CREATE ROLE ${quoted(server, user)} LOGIN SUPERUSER PASSWORD '${password.replaceAll("'", "''")}'`,
    )
    const database = await createDatabase(server)
    expect((await dumpOf(targetOf(server, database, { user, password: new Secret(password) }))).tables).toEqual([])
  })

  test('the password of ~/.pgpass', async () => {
    const home = await mkdtemp(join(tmpdir(), 'pgpass-'))
    const line = `127.0.0.1:${server.port}:*:postgres:${server.password}\n`
    await writeFile(join(home, '.pgpass'), line, { mode: 0o600 })
    const database = await createDatabase(server)
    const { password: _, ...target } = targetOf(server, database)
    const io = ioFor({ environment: { PATH: process.env['PATH'], HOME: home } })
    expect((await dumpOf(target, io)).tables).toEqual([])
  })

  test("the caller's PG variables do not count", async () => {
    const database = await createDatabase(server)
    const wrong = { PGHOST: 'x', PGDATABASE: 'y', PGOPTIONS: '-c nothing=1', PGSERVICE: 'z', PGSSLMODE: 'verify-full' }
    const io = ioFor({ environment: { ...process.env, ...wrong } })
    expect((await dumpOf(targetOf(server, database), io)).tables).toEqual([])
  })

  test('the session can change nothing', async () => {
    const session = await openSession(ioFor(), targetOf(server, 'postgres'))
    await session.lock(1)
    const shown = await sql(
      server,
      undefined,
      `SELECT count(*)::int AS n FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE locktype = 'advisory' AND application_name = 'db-seatbelt'`,
    )
    await session.close()
    expect(shown[0]?.['n']).toBeGreaterThan(0)
  })
})

describe('lock', () => {
  test('a second session waits, then fails with 50; it is free when the first ends', async () => {
    const target = targetOf(server, await createDatabase(server))
    const [first, second] = [await openSession(ioFor(), target), await openSession(ioFor(), target)]
    await first.lock(1)
    const refused = await second.lock(0.3).catch((error: unknown) => error)
    expect((refused as Failure).code).toBe(50)
    expect(allText(refused as Failure)).toContain('held by server process')
    const waiting = second.lock(10)
    await first.close()
    await waiting
    await second.close()
  })

  test('a session that was ended meanwhile, as a swap does, fails with 11', async () => {
    const database = await createDatabase(server)
    const session = await openSession(ioFor(), targetOf(server, database))
    await sql(server, undefined, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`)
    const ended = await session.lock(1).catch((error: unknown) => error)
    expect((ended as Failure).code).toBe(11)
    await session.close()
  })
})
