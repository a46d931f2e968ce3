import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { uniqueName } from '../servers/databases.ts'
import { mariaDump, pgDump13, slow, until } from './clients.ts'
import { envText, newProject, type Project } from './project.ts'
import { type Shop, serverShop, threeCustomers } from './shops.ts'

const { postgres, mariadb } = inject('servers')

type Kind = 'PostgreSQL' | 'MariaDB'

async function shopOf(kind: Kind, name?: string): Promise<Shop> {
  return serverShop(kind, kind === 'PostgreSQL' ? postgres['13'] : mariadb, name)
}

/** The variables that lead to a dump which waits half-way, and to a psql beside it. */
function slowClient(kind: Kind, project: Project): Record<string, string> {
  if (kind === 'MariaDB') return mariaDump(project, slow(project))
  project.write('clients/psql', `#!/bin/sh\nexec ${Bun.which('psql')} "$@"\n`, 0o755)
  return pgDump13(project, slow(project))
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: what changes while the backup is made', (kind) => {
  async function changedMeanwhile(
    words: readonly string[],
    change: (project: Project, shop: Shop) => Promise<void> | void,
  ) {
    const shop = await shopOf(kind)
    const project = newProject(shop.env)
    const running = project.start('safe-migrate', words, { env: slowClient(kind, project) })
    await until(project, 'waiting')
    await change(project, shop)
    project.write('go', '')
    return { shop, project, ended: await running.ended }
  }

  test('another database in the env file: stopped, and the backup stays', async () => {
    const other = await shopOf(kind, `${uniqueName('shop')}_prod`)
    const { shop, project, ended } = await changedMeanwhile(
      ['--report', 'report.json', 'touch', 'ran'],
      (changing) => void changing.write('.env', envText(other.env)),
    )
    expect(ended).toMatchObject({ code: 125 })
    expect(ended.stderr).toContain('what says which database is meant changed while the backup was made')
    expect(ended.stderr).toMatch(new RegExp(`before: .*/${shop.name} .*\n.*now: .*/${other.name} `))
    expect(existsSync(project.path('ran'))).toBe(false)
    expect(project.backups()).toHaveLength(1)
    const report = JSON.parse(readFileSync(project.path('report.json'), 'utf8'))
    expect(report).toMatchObject({ failure: { code: 20 }, targets: [{ backup: project.backups()[0] }] })
  })

  test.each<[string, (project: Project, shop: Shop) => void, string]>([
    [
      'an env file that comes',
      (project, shop) => void project.write('.env.local', `${envText(shop.env)}APP_ENV=production\n`),
      'APP_ENV=production',
    ],
    [
      'a pattern of seatbelt.json',
      (project, shop) => void project.write('seatbelt.json', JSON.stringify({ productionNames: [shop.name] })),
      'is one of productionNames',
    ],
    [
      'a second key',
      (project) =>
        void project.write(
          '.env',
          `${readFileSync(project.path('.env'), 'utf8')}DB_URL=postgres://nobody@127.0.0.1:1/other\n`,
        ),
      'now: postgres://nobody@127.0.0.1:1/other',
    ],
    ['no env file any more', (project) => void project.write('.env', ''), 'No database is named'],
  ])('%s: stopped', async (_, change, reason) => {
    const { project, ended } = await changedMeanwhile(['touch', 'ran'], change)
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining(reason) })
    expect(existsSync(project.path('ran'))).toBe(false)
  })

  test.each<[string, (project: Project, shop: Shop) => void]>([
    ['a comment in the env file', (project, shop) => void project.write('.env', `# mine\n${envText(shop.env)}`)],
    ['another setting', (project) => void project.write('seatbelt.json', '{ "keep": 7 }')],
  ])('%s: the command runs', async (_, change) => {
    const { project, ended } = await changedMeanwhile(['touch', 'ran'], change)
    expect(ended).toMatchObject({ code: 0 })
    expect(existsSync(project.path('ran'))).toBe(true)
  })

  test('more evidence for a name that was consented to: the command runs', async () => {
    const shop = await shopOf(kind, `${uniqueName('shop')}_prod`)
    const project = newProject(shop.env)
    const words = ['--allow-production', shop.name, 'true']
    const running = project.start('safe-migrate', words, { env: slowClient(kind, project) })
    await until(project, 'waiting')
    project.write('.env', `${envText(shop.env)}APP_ENV=production\n`)
    project.write('go', '')
    expect(await running.ended).toMatchObject({ code: 0 })
  })

  test('before a restore is swapped in: stopped, and the database is as it was', async () => {
    const shop = await shopOf(kind)
    const project = newProject(shop.env)
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    await shop.ask('DELETE FROM customers WHERE id > 1')
    const words = ['--yes', `backups/${project.backups()[0]}`]
    const running = project.start('restore-database', words, { env: slowClient(kind, project) })
    await until(project, 'waiting')
    project.write('.env', `${envText(shop.env)}APP_ENV=production\n`)
    project.write('go', '')
    const ended = await running.ended
    expect(ended).toMatchObject({ code: 20, stdout: '', stderr: expect.stringContaining('APP_ENV=production') })
    expect(await shop.customers()).toEqual(['Ada'])
    expect(await shop.beside()).toEqual([])
    expect(project.backups()).toHaveLength(2)
    expect(await project.run('restore-database', [...words, '--allow-production', shop.name])).toMatchObject({
      code: 0,
    })
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})

describe('a configuration that was asked for', () => {
  /** A Knex that knows how to be asked, and notes each time that it was. */
  function knexProject(): Project {
    const project = newProject()
    project.write('node_modules/knex/package.json', '{ "name": "knex" }')
    project.write('node_modules/knex/lib/migrations/util/import-file.js', 'module.exports = (file) => require(file)')
    project.write('node_modules/rechoir/index.js', 'module.exports = { prepare() {} }')
    project.write('node_modules/interpret/index.js', 'module.exports = {}')
    project.write('node_modules/.bin/knex', '#!/bin/sh\ntouch ran\n', 0o755)
    project.write('asked.log', '')
    return project
  }

  // Under `bun --bun`, a folder of the PATH has a node that is Bun.
  function withNode({ PATH = '' }: Record<string, string>): Record<string, string> {
    const folders = PATH.split(':').filter((folder) => !folder.includes('bun-node'))
    return { PATH: folders.join(':') }
  }

  function knexfile(url: string): string {
    const note = "require('node:fs').appendFileSync('asked.log', 'x')"
    return `${note}\nmodule.exports = { client: 'pg', connection: ${JSON.stringify(url)} }\n`
  }

  async function migrated(change: (project: Project) => void) {
    const shop = await shopOf('PostgreSQL')
    const project = knexProject()
    project.write('knexfile.js', knexfile(shop.url))
    const words = ['node_modules/.bin/knex', 'migrate:latest']
    const running = project.start('safe-migrate', words, { env: withNode(slowClient('PostgreSQL', project)) })
    await until(project, 'waiting')
    change(project)
    project.write('go', '')
    const ended = await running.ended
    return { project, ended, asked: readFileSync(project.path('asked.log'), 'utf8').length }
  }

  test('is not asked for again where no file changed', async () => {
    const { project, ended, asked } = await migrated((changing) => void changing.write('notes.txt', 'hello'))
    expect(ended).toMatchObject({ code: 0 })
    expect(existsSync(project.path('ran'))).toBe(true)
    expect(asked).toBe(1)
  })

  test('is asked for again where one did, and the command runs when it says the same', async () => {
    const { ended, asked } = await migrated((changing) => void changing.write('config/settings.json', '{}'))
    expect(ended).toMatchObject({ code: 0 })
    expect(asked).toBe(2)
  })

  test('stops the command when it says something else', async () => {
    const other = await shopOf('PostgreSQL')
    const { project, ended } = await migrated((changing) => void changing.write('knexfile.js', knexfile(other.url)))
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining(`/${other.name}  (`) })
    expect(existsSync(project.path('ran'))).toBe(false)
  })
})
