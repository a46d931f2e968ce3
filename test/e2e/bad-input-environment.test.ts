import { existsSync, mkdirSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { uniqueName } from '../servers/databases.ts'
import { listen } from './listeners.ts'
import { newProject, type Project } from './project.ts'
import { openShop, serverShop } from './shops.ts'
import { withoutRootsRights } from './unprivileged.ts'

const { postgres, mariadb } = inject('servers')

/** Each command must stop with a text that says this, before it touched or ran anything. */
async function stopsBoth(project: Project, code: number, says: readonly (string | RegExp)[]): Promise<void> {
  const alone = await project.run('backup-database')
  const wrapper = await project.run('safe-migrate', ['touch', 'ran'])
  expect([alone.code, wrapper.code]).toEqual([code, 125])
  for (const { stdout, stderr } of [alone, wrapper]) {
    expect(stdout).toBe('')
    for (const part of says) expect(stderr).toMatch(part)
    expect(stderr).toContain('→')
  }
  expect(existsSync(project.path('ran'))).toBe(false)
  expect(project.kept()).toEqual([])
}

test('no env file', async () => {
  await stopsBoth(newProject(), 10, ['No database is named', 'No env file in', '.env', '--env-file'])
})

test('an env file that is a folder', async () => {
  const project = newProject()
  mkdirSync(project.path('.env'))
  await stopsBoth(project, 10, ['.env is a folder, not a file'])
  expect(await project.run('backup-database', ['--env-file', '.env'])).toMatchObject({ code: 2 })
})

test('an env file that cannot be read', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  project.write('.env', 'DATABASE_URL=sqlite:shop.sqlite', 0o000)
  const found = await project.run('backup-database', [], { under: withoutRootsRights() })
  expect(found).toMatchObject({ code: 10, stderr: expect.stringContaining('.env cannot be read: permission denied') })
  const named = await project.run('backup-database', ['--env-file', '.env'], { under: withoutRootsRights() })
  expect(named).toMatchObject({ code: 2, stderr: expect.stringContaining('permission denied') })
  expect(project.kept()).toEqual([])
})

test('an env file that is not there, but was named', async () => {
  const ended = await newProject().run('backup-database', ['--env-file', '.env.testign'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('.env.testign does not exist') })
})

test('an env file with a BOM, CRLF, quotes, export, # in values and ${VAR}', async () => {
  const shop = await openShop('PostgreSQL')
  const user = uniqueName('user')
  await shop.ask(`CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD 'se#cr$et "x'`)
  const project = newProject(
    [
      '\uFEFF# the database',
      'export DB_CONNECTION = "pgsql" # the driver',
      'DB_HOST="127.0.0.1"',
      `PORT=${postgres['15'].port}`,
      'DB_PORT=${PORT}',
      `DB_DATABASE=\`${shop.name}\``,
      `export DB_USERNAME='${user}'`,
      `DB_PASSWORD='se#cr$et "x'`,
      '',
    ].join('\r\n'),
  )
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [backup = ''] = project.backups()
  expect(project.manifest(backup)).toMatchObject({
    target: `postgres://${user}@127.0.0.1:${postgres['15'].port}/${shop.name}`,
    tables: [{ name: 'public.customers', rows: 3 }],
  })
})

test('a DB_CONNECTION of an unknown engine', async () => {
  const project = newProject({ DB_CONNECTION: 'oracle', DB_HOST: '127.0.0.1', DB_DATABASE: 'shop' })
  await stopsBoth(project, 10, ['DB_CONNECTION in .env names an engine that is not handled here', 'oracle'])
})

test.each([
  ['an empty', { DB_DATABASE: '' }, 'DB_DATABASE in .env is empty: no database is named'],
  ['a missing', {}, /DB_HOST in .env names a server, and no DB_DATABASE or DB_NAME names a database/],
])('%s database name asks no server for anything', async (_, database, says) => {
  for (const engine of ['pgsql', 'mysql']) {
    const server = await listen((socket) => socket.end())
    const place = { DB_CONNECTION: engine, DB_HOST: '127.0.0.1', DB_PORT: String(server.port), DB_USERNAME: 'root' }
    await stopsBoth(newProject({ ...place, ...database }), 10, [says])
    expect(server.calls()).toBe(0)
  }
})

test('a URL without a database', async () => {
  const server = await listen((socket) => socket.end())
  for (const scheme of ['postgres', 'mysql']) {
    const project = newProject({ DATABASE_URL: `${scheme}://root@127.0.0.1:${server.port}/` })
    await stopsBoth(project, 10, ['DATABASE_URL in .env names no database'])
  }
  expect(server.calls()).toBe(0)
})

test.each([
  ['PostgreSQL', postgres['15']],
  ['MariaDB', mariadb],
] as const)('a wrong password of %s', async (engine, server) => {
  const shop = await serverShop(engine, server)
  const url = shop.url.replace(server.password, 'Not-The-Password')
  const project = newProject({ DATABASE_URL: url })
  await stopsBoth(project, 11, [/password/, '.env'])
  const { stderr } = await project.run('backup-database', ['--verbose'])
  expect(stderr).not.toContain('Not-The-Password')
})

test.each(['postgres', 'mysql'])('a %s server that is down', async (scheme) => {
  const project = newProject({ DATABASE_URL: `${scheme}://root:secret@127.0.0.1:1/shop` })
  await stopsBoth(project, 11, ['127.0.0.1:1', /answers/, /start/])
})

test.each([
  ['postgres', 'PostgreSQL'],
  ['mysql', 'MySQL'],
])('a port of %s taken by a web server', async (scheme, name) => {
  const web = await listen((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
  const project = newProject({ DATABASE_URL: `${scheme}://root:secret@127.0.0.1:${web.port}/shop` })
  await stopsBoth(project, 11, [`127.0.0.1:${web.port}`, name])
})

test('a port taken by something that says nothing', async () => {
  const silent = await listen(() => undefined)
  const projects = ['postgres', 'mysql'].map((scheme) =>
    newProject({ DATABASE_URL: `${scheme}://root:secret@127.0.0.1:${silent.port}/shop` }),
  )
  for (const ended of await Promise.all(projects.map((project) => project.run('backup-database')))) {
    expect(ended).toMatchObject({ code: 11, stderr: expect.stringMatching(/did not answer as .* within \d+ seconds/) })
  }
})

test('a file that is no SQLite database', async () => {
  const project = newProject({ DB_CONNECTION: 'sqlite', DB_DATABASE: 'shop.sqlite' })
  project.write('shop.sqlite', 'customers and orders'.repeat(100))
  await stopsBoth(project, 11, ['is not a SQLite database'])
})

test.each([
  ['python3 manage.py migrate', "Django's settings could not be read"],
  ['docker compose exec web ./migrate', 'it runs in a container, with an environment of its own'],
])('no database named for %s: what keeps us from knowing is said first', async (command, why) => {
  const project = newProject()
  const manage = `import os
os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')
from django.core.management import execute_from_command_line
`
  project.write('manage.py', manage)
  project.write('shop/settings.py', 'import a_module_that_is_not_here\n')
  const ended = await project.run('inspect-database', ['--', ...command.split(' ')])
  expect(ended).toMatchObject({
    code: 10,
    stderr: expect.stringMatching(new RegExp(`^No database is named.*\n  ${why}`)),
  })
})
