import { createServer } from 'node:net'
import { describe, expect, test } from 'vitest'
import { mysql } from '../../../src/engines/mysql/engine.ts'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import { account, dumpOf, failureOf, ioFor, openSession, server, sql, targetOf } from './world.ts'

describe('connect', () => {
  test('reads version, size and tables, over TCP and over the socket', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT 1')
    for (const way of [{}, { host: 'localhost', socket: server.socket }]) {
      const session = await openSession(targetOf(name, way))
      expect(session.server).toMatchObject({
        version: expect.stringMatching(/^1\d\.\d+\.\d+-MariaDB$/),
        sizeBytes: expect.any(Number),
        tables: 2,
      })
      expect(session.server.sizeBytes).toBeGreaterThan(0)
      expect((await session.client())?.version).toMatch(/^1\d\.\d+/)
      await session.close()
    }
  })

  test('localhost with another port than the socket has is that port', async () => {
    const name = await createDatabase(server)
    const session = await openSession(targetOf(name, { host: 'localhost' }))
    expect(session.state).toBe('open')
    await session.close()
  })

  test('a database that does not exist is nothing to lose', async () => {
    const name = uniqueName()
    expect(await mysql.connect(ioFor(), targetOf(name))).toEqual({
      state: 'nothing',
      reason: expect.stringContaining(`${name} does not exist yet`),
    })
  })

  test.each(['', ' '])('never a command against the name "%s"', async (name) => {
    expect(await failureOf(mysql.connect(ioFor(), targetOf(name)))).toMatchObject({ code: 10 })
  })

  test('a wrong password names its key, a likely reason, and no password', async () => {
    const name = await createDatabase(server)
    const failure = await failureOf(mysql.connect(ioFor(), targetOf(name, { password: new Secret('s3cret-wrong') })))
    expect(failure).toMatchObject({ code: 11, all: expect.stringContaining('wrong user or password') })
    expect(failure.all).toContain('.env: DB_PASSWORD')
    expect(failure.all).toContain('single quotes')
    expect(failure.all).not.toContain('s3cret')
  })

  test.each([
    ['server down', { port: 1 }, 'No MySQL server answers at 127.0.0.1:1'],
    ['socket without a server', { socket: '/nowhere/mysql.sock' }, 'No MySQL server answers at /nowhere/mysql.sock'],
    ['unknown host', { host: 'nope.invalid' }, 'The host of nope.invalid'],
    [
      'a certificate file that is missing',
      { parameters: { sslrootcert: '/nowhere/ca.pem' } },
      'No encrypted connection',
    ],
    ['TLS that the server has not', { parameters: { sslmode: 'require' } }, 'No encrypted connection'],
  ])('%s', async (_, changes, text) => {
    const failure = await failureOf(mysql.connect(ioFor(), targetOf('mysql', changes)))
    expect(failure).toMatchObject({ code: 11, text: { what: expect.stringContaining(text) } })
    expect(failure.text.next).not.toEqual([])
  })

  test.each([
    ['speaks first', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n', 'does not speak as a MySQL server'],
    ['is silent', '', 'did not answer as a MySQL server within 10 seconds'],
  ])('a port taken by something that %s', async (_, greeting, text) => {
    const other = createServer((socket) => void (greeting !== '' && socket.end(greeting))).listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const failure = await failureOf(mysql.connect(ioFor(), targetOf('x', { port })))
    other.close()
    expect(failure).toMatchObject({ code: 11, text: { what: expect.stringContaining(text) } })
  })

  test('users and passwords of every printable character, in the driver and in the client', async () => {
    const ascii = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join('')
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE t (a int)')
    for (const [user, password] of [
      [`u ${ascii.slice(1, 40)}`, `${ascii}é😀`],
      [`v${ascii.slice(40)}ß`, '\'"\\#$;`'],
    ] as const) {
      const who = await account(user, password, [`ALL ON \`${name}\`.*`])
      const dump = await dumpOf(targetOf(name, who))
      expect(dump.tables).toMatchObject([{ name: 't', rows: 0 }])
    }
  })
})

describe('the lock', () => {
  test('is held by one, and free again when its holder is gone', async () => {
    const name = await createDatabase(server)
    const [first, second] = [await openSession(targetOf(name)), await openSession(targetOf(name))]
    await first.lock(1)
    expect(await failureOf(second.lock(0))).toMatchObject({ code: 50 })
    await first.close()
    await second.lock(5)
    await second.close()
  })
})

test('an interruption ends a connection with its own reason', async () => {
  const name = await createDatabase(server)
  const interrupted = new AbortController()
  const session = await openSession(targetOf(name), ioFor({ signal: interrupted.signal }))
  const reason = new Error('interrupted')
  interrupted.abort(reason)
  await expect(session.lock(1)).rejects.toBe(reason)
  await session.close()
})
