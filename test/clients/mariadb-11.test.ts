import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { serverShop, threeCustomers } from '../e2e/shops.ts'
import { createDatabase, sql, urlOf } from '../servers/databases.ts'
import { mariadbPrograms, mysqlPrograms } from './later-clients.ts'
import { type LaterServer, startLaterMaria, startLaterMysql } from './later-servers.ts'
import { contentOf, dumpText, type OwnClients, projectIn, restore, runScript } from './own-clients.ts'

let eleven: LaterServer
let mysql: LaterServer

beforeAll(async () => {
  ;[eleven, mysql] = await Promise.all([startLaterMaria(), startLaterMysql()])
})

afterAll(async () => {
  await Promise.all([eleven, mysql].map((started) => started?.kept.stop()))
})

const programOf = (name: string) => Bun.which(name) ?? ''
const ten: OwnClients = {
  server: inject('servers').mariadb,
  load: programOf('mariadb'),
  dump: programOf('mariadb-dump'),
}
const serverOf = (which: 'ten' | 'eleven' | 'mysql') => ({ ten, eleven, mysql })[which]

/** Folders of the PATH with nobody's clients but these. */
const only = {
  'MariaDB 10.11': '/usr/bin:/bin',
  'MariaDB 11.8': mariadbPrograms().bin,
  "Oracle's MySQL 9": mysqlPrograms().bin,
} as const
type Make = keyof typeof only
const makes = Object.keys(only) as readonly Make[]

const fixtures = join(import.meta.dirname, '../engines/mysql/fixtures')

describe.each(['everything.sql', 'types.sql'])('of %s', (name) => {
  test.each(['MariaDB 10.11', 'MariaDB 11.8'] as const)(
    'on a server of 11.8 all is proven, and is there again, with clients of %s',
    async (clients) => {
      const database = await createDatabase(eleven.server)
      await runScript(eleven, database, readFileSync(join(fixtures, name), 'utf8'))
      const before = await contentOf(eleven, database)
      const project = projectIn(only[clients], urlOf(eleven.server, database))
      expect(await project.ours('backup-database', '--prove')).toContain('Proven')
      const [backup = ''] = project.backups()
      expect(project.manifest(backup).client).toContain(clients.replace('MariaDB', 'mariadb-dump'))
      await sql(eleven.server, undefined, `DROP DATABASE ${database}; CREATE DATABASE ${database}`)
      await sql(eleven.server, database, 'CREATE TABLE came_later (n int)')
      await project.ours(...restore, `backups/${backup}`)
      expect(await contentOf(eleven, database)).toBe(before)
    },
  )
})

const fits: readonly (readonly ['ten' | 'eleven' | 'mysql', Make])[] = [
  ['ten', 'MariaDB 10.11'],
  ['ten', 'MariaDB 11.8'],
  ['eleven', 'MariaDB 10.11'],
  ['eleven', 'MariaDB 11.8'],
  ['mysql', "Oracle's MySQL 9"],
]

describe.each(['ten', 'eleven', 'mysql'] as const)('a server (%s)', (which) => {
  test.each(makes)('beside clients of %s alone', async (make) => {
    const shop = await serverShop('MariaDB', serverOf(which).server)
    const project = projectIn(only[make], shop.url)
    const made = await project.run('backup-database')
    if (!fits.some(([server, client]) => server === which && client === make)) {
      expect(made).toMatchObject({ code: 11, stderr: expect.stringContaining('needs its own client') })
      expect(made.stderr).toContain(`is ${make}`)
      expect(made.stderr).toMatch(which === 'mysql' ? /→ .*mysql-client/ : /→ .*mariadb-client/)
      expect(project.kept()).toEqual([])
      return
    }
    expect(made).toMatchObject({ code: 0 })
    await shop.ask('DROP TABLE customers')
    await project.ours(...restore, `backups/${project.backups()[0]}`)
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('finds its own clients among those of others', async () => {
    const shop = await serverShop('MariaDB', serverOf(which).server)
    const folders = which === 'mysql' ? makes : makes.toReversed()
    const project = projectIn(folders.map((make) => only[make]).join(':'), shop.url)
    await project.ours('backup-database', '--prove')
    const { client } = project.manifest(project.backups()[0] ?? '')
    expect(client).toMatch(which === 'mysql' ? /^mysqldump 9/ : /^mariadb-dump 11/)
  })
})

const sandbox = '/*M!999999\\- enable the sandbox mode */'

describe.each(['MariaDB 10.11', 'MariaDB 11.8'] as const)('a dump by the client of %s itself', (maker) => {
  const dumped = async () => {
    const { server, dump } = maker === 'MariaDB 10.11' ? ten : eleven
    const shop = await serverShop('MariaDB', server)
    await shop.ask('ALTER TABLE customers CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci')
    const text = (await dumpText({ server, load: '', dump }, shop.name)).toString()
    expect(text.startsWith(sandbox)).toBe(true)
    return text
  }

  test.each(fits)('goes into a server (%s) by the client of %s', async (which, make) => {
    const { server } = serverOf(which)
    const shop = await serverShop('MariaDB', server)
    await shop.ask('DELETE FROM customers')
    const project = projectIn(only[make], shop.url)
    project.write('foreign.sql', await dumped())
    const said = await project.ours(...restore, 'foreign.sql')
    expect(said.includes('shuts the client in a sandbox was left out')).toBe(which === 'mysql')
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})

describe("a dump by Oracle's client itself", () => {
  const dumped = async () => {
    const shop = await serverShop('MariaDB', mysql.server)
    return (await dumpText(mysql, shop.name)).toString()
  }
  const emptied = async ({ server }: OwnClients) => {
    const shop = await serverShop('MariaDB', server)
    await shop.ask('DELETE FROM customers')
    return { shop, project: projectIn(only['MariaDB 11.8'], shop.url) }
  }

  test('goes into MariaDB 11.8', async () => {
    const { shop, project } = await emptied(eleven)
    project.write('foreign.sql', await dumped())
    await project.ours(...restore, 'foreign.sql')
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('goes into MariaDB 10.11 without the collation that it does not know', async () => {
    const { shop, project } = await emptied(ten)
    const text = await dumped()
    project.write('unknown.sql', text)
    expect(await project.run('restore-database', ['--yes', 'unknown.sql'])).toMatchObject({
      code: 40,
      stderr: expect.stringContaining("Unknown collation: 'utf8mb4_0900_ai_ci'"),
    })
    expect(await shop.customers()).toEqual([])
    project.write('known.sql', text.replaceAll('utf8mb4_0900_ai_ci', 'utf8mb4_unicode_ci'))
    await project.ours(...restore, 'known.sql')
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})
