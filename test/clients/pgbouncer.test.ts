import { join } from 'node:path'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { newProject } from '../e2e/project.ts'
import { type Shop, serverShop, threeCustomers } from '../e2e/shops.ts'
import { sql, urlOf } from '../servers/databases.ts'
import { freePort, keep, newFolderPath, untilItAnswers } from '../servers/keeper.ts'
import { type PostgresServer, postgresRows } from '../servers/postgres.ts'
import { pgbouncerProgram } from './later-clients.ts'

const server = inject('servers').postgres['15']

/** A pooler in front of the server, which hands out sessions for as long as `mode` says; the server as it is seen through it. */
async function pooled(mode: 'session' | 'transaction', ignored: string): Promise<PostgresServer> {
  const folder = newFolderPath()
  const port = await freePort()
  const { host, superuser, password } = server
  const settings = {
    listen_addr: host,
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'scram-sha-256',
    auth_file: join(folder, 'users'),
    pool_mode: mode,
    ignore_startup_parameters: ignored,
    ...(process.getuid?.() === 0 ? { user: 'nobody' } : {}),
  }
  const lines = Object.entries(settings).map(([key, value]) => `${key} = ${value}\n`)
  const kept = await keep({
    folder,
    environment: {},
    files: {
      users: `"${superuser}" "${password}"\n`,
      'pgbouncer.ini': `[databases]\n* = host=${host} port=${server.port}\n[pgbouncer]\n${lines.join('')}`,
    },
    copies: {},
    prepare: [],
    serve: [pgbouncerProgram(), join(folder, 'pgbouncer.ini')],
    stopSignal: 'SIGTERM',
  })
  onTestFinished(kept.stop)
  const seen = { ...server, port }
  await untilItAnswers(kept, () => postgresRows(seen, 'postgres', 'SELECT 1'))
  return seen
}

/** Whether a session of ours is still there, and holds a lock that nobody would ever give back. */
async function locksLeft(shop: Shop): Promise<number> {
  const sql = `SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database
    WHERE l.locktype = 'advisory' AND d.datname = current_database()`
  return (await shop.ask(sql)).length
}

// As it comes, and as many set it for the drivers of Java and Go.
const ignoring = ['extra_float_digits', 'extra_float_digits,options']

describe('through a pooler', () => {
  test.each(ignoring)(
    'that hands out sessions for one transaction nothing is done, and it is said what would do (%s)',
    async (ignored) => {
      const shop = await serverShop('PostgreSQL', server)
      const through = await pooled('transaction', ignored)
      const project = newProject({ DATABASE_URL: urlOf(through, shop.name) })
      const before = await locksLeft(shop)
      const refused = await project.run('safe-migrate', ['touch', 'migrated'])
      expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('this is a connection pooler') })
      expect(refused.stderr).toMatch(/→ .*SEATBELT_DATABASE_URL/)
      expect(await Bun.file(project.path('migrated')).exists()).toBe(false)
      expect(project.kept()).toEqual([])
      expect(await locksLeft(shop)).toBe(before)
      const env = { SEATBELT_DATABASE_URL: shop.url }
      expect(await project.run('safe-migrate', ['touch', 'migrated'], { env })).toMatchObject({ code: 0 })
    },
  )

  test('that hands out whole sessions, and no settings with them, it is said what would do', async () => {
    const shop = await serverShop('PostgreSQL', server)
    const through = await pooled('session', 'extra_float_digits')
    const project = newProject({ DATABASE_URL: urlOf(through, shop.name) })
    const refused = await project.run('backup-database')
    expect(refused).toMatchObject({ code: 30, stderr: expect.stringContaining('unsupported startup parameter') })
    expect(refused.stderr).toMatch(/→ .*SEATBELT_DATABASE_URL/)
    expect(project.kept()).toEqual([])
  })

  test('that hands out whole sessions a backup is made, and the restore says that it keeps databases in use', async () => {
    const shop = await serverShop('PostgreSQL', server)
    const through = await pooled('session', 'extra_float_digits,options')
    const project = newProject({ DATABASE_URL: urlOf(through, shop.name) })
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    await sql(server, shop.name, 'DELETE FROM customers')
    const words = ['--yes', '--always-dump', `backups/${project.backups()[0]}`]
    const refused = await project.run('restore-database', words)
    expect(refused).toMatchObject({ code: 40, stderr: expect.stringContaining('is being accessed by other users') })
    expect(refused.stderr).toMatch(/→ .*SEATBELT_DATABASE_URL/)
    expect(await shop.customers()).toEqual([])
    expect(await project.run('restore-database', [...words, '--database-url', shop.url])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})
