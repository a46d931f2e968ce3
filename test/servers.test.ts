import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createConnection } from 'mariadb'
import pg from 'pg'
import { describe, expect, inject, test } from 'vitest'
import { createDatabase, sql, uniqueName } from './servers/databases.ts'
import { type PostgresServer, startPostgres } from './servers/postgres.ts'

const { postgres, mariadb } = inject('servers')

describe.each(Object.entries(postgres))('PostgreSQL %s', (version, server) => {
  test('answers as the version that it should be', async () => {
    const [row] = await sql(server, undefined, 'SHOW server_version')
    expect(row).toEqual({ server_version: expect.stringMatching(new RegExp(`^${version}\\.`)) })
  })

  test('asks for the password over TCP and over its socket', async () => {
    for (const host of [server.host, server.socketDirectory]) {
      const place = { host, port: server.port, user: server.superuser, database: 'postgres' }
      await expect(new pg.Client({ ...place, password: 'wrong' }).connect()).rejects.toThrow(/authentication failed/)
      const client = new pg.Client({ ...place, password: server.password })
      await client.connect()
      await client.end()
    }
  })
})

describe('MariaDB', () => {
  test('answers as MariaDB', async () => {
    const [row] = await sql(mariadb, undefined, 'SELECT version() AS version')
    expect(row).toEqual({ version: expect.stringMatching(/^1\d\.\d+\.\d+-MariaDB/) })
  })

  test('asks for the password over TCP and over its socket', async () => {
    for (const way of [{ host: mariadb.host, port: mariadb.port }, { socketPath: mariadb.socket }]) {
      const place = { ...way, user: mariadb.superuser }
      await expect(createConnection({ ...place, password: 'wrong' })).rejects.toThrow(/Access denied/)
      const connection = await createConnection({ ...place, password: mariadb.password })
      await connection.end()
    }
  })

  test('knows nobody without a password', async () => {
    // Other tests make users of their own, with passwords.
    const accounts = `SELECT User FROM mysql.global_priv WHERE User = '' OR (User = 'root' AND JSON_VALUE(Priv, '$.authentication_string') = '')`
    expect(await sql(mariadb, undefined, accounts)).toEqual([])
  })
})

test.each([
  ['PostgreSQL', postgres['15']],
  ['MariaDB', mariadb],
])('%s makes a database of any name', async (_, server) => {
  const name = await createDatabase(server, `${uniqueName()} "quoted" \`ticked\` $; 'ä'`)
  const rows = await sql(server, name, 'CREATE TABLE t (n integer); INSERT INTO t VALUES (1), (2); SELECT n FROM t')
  expect(rows).toEqual([{ n: 1 }, { n: 2 }])
})

test('a server and its folder are gone after the process that started it was killed', async () => {
  const script = `
    const { startPostgres } = await import(${JSON.stringify(join(import.meta.dirname, 'servers/postgres.ts'))})
    console.log(JSON.stringify((await startPostgres('15')).server))`
  const holder = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe' })
  const { value } = await holder.stdout.getReader().read()
  const server: PostgresServer = JSON.parse(new TextDecoder().decode(value))
  expect(await sql(server, undefined, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  holder.kill('SIGKILL')
  await expect.poll(() => existsSync(join(server.dataDirectory, '..')), { timeout: 60_000 }).toBe(false)
  expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
})

test('a server of its own is gone after stop, also when it was killed before', async () => {
  for (const kill of [false, true]) {
    const { server, kept } = await startPostgres('15', { settings: { work_mem: '7MB' } })
    expect(await sql(server, undefined, 'SHOW work_mem')).toEqual([{ work_mem: '7MB' }])
    if (kill) process.kill(server.pid, 'SIGKILL')
    if (kill) expect(await kept.ended).toContain('SIGKILL')
    await kept.stop()
    expect(() => process.kill(server.pid, 0)).toThrow('ESRCH')
    expect(existsSync(join(server.dataDirectory, '..'))).toBe(false)
  }
})
