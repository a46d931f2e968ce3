import { readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { loadEngine } from '../../src/engines/registry.ts'
import { exitCode, Failure } from '../../src/failure.ts'
import { targetOfUrl } from '../../src/target/resolve.ts'
import { newProject } from '../e2e/project.ts'
import { type EngineLabel, openShop, type Shop } from '../e2e/shops.ts'
import { sql, uniqueName } from '../servers/databases.ts'
import { ioFor } from './postgres/world.ts'

const { postgres, mariadb } = inject('servers')

async function noPostgresRights({ name, url, ask }: Shop): Promise<string> {
  const user = uniqueName('owner')
  await sql(postgres['15'], undefined, `CREATE ROLE ${user} LOGIN PASSWORD 'secret' NOSUPERUSER NOCREATEDB`)
  await ask(`ALTER TABLE customers OWNER TO ${user}`)
  await sql(postgres['15'], undefined, `ALTER DATABASE ${name} OWNER TO ${user}`)
  return as(user, url)
}

async function noMariadbRights({ name, url }: Shop): Promise<string> {
  const user = uniqueName('app')
  await sql(mariadb, undefined, `CREATE USER '${user}'@'%' IDENTIFIED BY 'secret'`)
  await sql(mariadb, undefined, `GRANT ALL ON ${name}.* TO '${user}'@'%'`)
  return as(user, url)
}

function as(user: string, url: string): string {
  return url.replace(/\/\/[^@]*@/, `//${user}:secret@`)
}

test.each<[string, EngineLabel, (shop: Shop) => Promise<string> | string]>([
  ['PostgreSQL, by swap', 'PostgreSQL', ({ url }) => url],
  ['PostgreSQL, in one transaction', 'PostgreSQL', noPostgresRights],
  ['MariaDB, by swap', 'MariaDB', ({ url }) => url],
  ['MariaDB, in place', 'MariaDB', noMariadbRights],
  ['SQLite', 'SQLite', ({ url }) => url],
])('%s: what is thrown before the swap leaves the database as it was', async (_, label, urlFor) => {
  const shop = await openShop(label)
  const project = newProject(shop.env)
  await project.run('backup-database')
  const backup = project.backups()[0] ?? ''
  const bytes = readFileSync(project.path(`backups/${backup}`))
  const content = async function* () {
    yield bytes
  }
  await shop.ask('DELETE FROM customers WHERE id > 1')
  const target = targetOfUrl(await urlFor(shop), '/', 'test')
  if ('problem' in target) throw new Error(target.problem)
  const { tables, properties } = project.manifest(backup)
  const stopped = new Failure(exitCode.refused, { what: 'changed meanwhile' })
  const steps: string[] = []
  const restore = (await loadEngine(target.engine)).restore(ioFor(), {
    target,
    content,
    wayBack: content,
    tables,
    properties,
    step: (name) => void steps.push(name),
    beforeSwap: () => Promise.reject(stopped),
  })
  await expect(restore).rejects.toBe(stopped)
  expect(steps).not.toContain('swapping')
  expect(await shop.customers()).toEqual(['Ada'])
  expect(await shop.beside()).toEqual([])
})
