import { readFileSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { sql, uniqueName } from '../servers/databases.ts'
import { envText, newProject, type Project } from './project.ts'
import { openShop, type Shop, serverShop, threeCustomers } from './shops.ts'

const { postgres } = inject('servers')

type Copy = { readonly name: string; readonly backup?: string }

/** The instant copies as `restore-database` lists them. */
async function copiesIn(project: Project): Promise<readonly Copy[]> {
  const { stdout } = await project.run('restore-database', ['--json'])
  return JSON.parse(stdout).copies.map(({ copy }: { copy: Copy }) => copy)
}

describe.each(['13', '15'] as const)('PostgreSQL %s:', (version) => {
  const shopOn = () => serverShop('PostgreSQL', postgres[version])
  const sessionOn = async (shop: Shop) => {
    const session = Bun.spawn(['psql', '-qX', shop.url, '-c', 'SELECT pg_sleep(600)'], {
      stdout: 'ignore',
      stderr: 'ignore',
    })
    for (;;) {
      const query = `SELECT pid FROM pg_stat_activity WHERE datname = '${shop.name}' AND query LIKE '%pg_sleep%'`
      const [backend] = await sql(postgres[version], undefined, query)
      if (backend !== undefined) return [session, { pid: String(backend['pid']) }] as const
      await Bun.sleep(20)
    }
  }
  const customersIn = async (aside: string) => {
    await sql(postgres[version], undefined, `ALTER DATABASE "${aside}" ALLOW_CONNECTIONS true`) // it is closed to everybody
    return (await sql(postgres[version], aside, 'SELECT name FROM customers ORDER BY id')).map(({ name }) => name)
  }
  const emptied = (shop: Shop) => ['sh', '-c', `psql -qX '${shop.url}' -c 'DELETE FROM customers'`]

  test('an instant copy is made with the backup, and the way back by it is said and works', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    const words = ['--instant', '--report', 'report.json', ...emptied(shop)]
    const ended = await project.run('safe-migrate', words)
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/^✓ Instant copy → \S+_seatbelt_\S+ \(/m) })
    const [, wayBack = ''] = /^ {2}Or at once: {2}(.*)$/m.exec(ended.stderr) ?? []
    const report = JSON.parse(readFileSync(project.path('report.json'), 'utf8'))
    const [copy] = await copiesIn(project)
    expect(report).toMatchObject({ instantWayBack: [wayBack], targets: [{ copy: copy?.name }] })
    expect(await shop.customers()).toEqual([])

    const asked = await project.run('/bin/sh', ['-c', wayBack])
    expect(asked).toMatchObject({ code: 20, stderr: expect.stringContaining('a restore overwrites data') })
    const restored = await project.run('/bin/sh', ['-c', `${wayBack} --yes`])
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Restored .* from the copy of /) })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('what was there before the swap is put aside, and can be swapped back', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    expect(await project.run('backup-database', ['--instant'])).toMatchObject({ code: 0 })
    await shop.ask("INSERT INTO customers VALUES (4, 'Edsger')")
    const restored = await project.run('restore-database', ['--instant', '--yes'])
    const [, back = ''] = /What was there before: (.*)$/m.exec(restored.stderr) ?? []
    expect(await shop.customers()).toEqual(threeCustomers)
    expect(await project.run('/bin/sh', ['-c', `${back} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual([...threeCustomers, 'Edsger'])
  })

  test('one copy is kept, also of a backup that was kept because nothing changed', async () => {
    const shop = await shopOn()
    const project = newProject({ ...shop.env })
    await project.run('backup-database', ['--instant'])
    const [first] = await copiesIn(project)
    await project.run('backup-database', ['--instant'])
    expect(await copiesIn(project)).toEqual([first])
    await shop.ask("INSERT INTO customers VALUES (4, 'Edsger')")
    await project.run('backup-database', ['--instant'])
    const copies = await copiesIn(project)
    expect(copies.map(({ backup }) => backup)).toEqual([project.backups()[1]])
    expect(await shop.beside()).toEqual(copies.map(({ name }) => name))
  })

  test('what a restore put aside stays, and is named with the command that drops it', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    let said = ''
    for (const name of ['Edsger', 'Barbara', 'Donald']) {
      said = (await project.run('safe-migrate', ['--instant', 'true'])).stderr
      await shop.ask(`INSERT INTO customers VALUES (4, '${name}')`)
      expect(await project.run('restore-database', ['--instant', '--yes'])).toMatchObject({ code: 0 })
    }
    const aside = (await copiesIn(project)).filter(({ backup }) => backup === undefined)
    const rows = await Promise.all(aside.map(async ({ name }) => (await customersIn(name))[3]))
    expect(rows).toEqual(['Donald', 'Barbara', 'Edsger'])
    const [, , oldest = { name: '' }] = aside
    expect(said).toContain(`${oldest.name} was put aside by a restore (`)
    expect(said).toContain(`and is in no backup; when it is not needed: DROP DATABASE "${oldest.name}"`)
    await sql(postgres[version], undefined, `DROP DATABASE "${oldest.name}"`)
    expect(await copiesIn(project)).not.toContainEqual(oldest)
  })

  test('a copy that is older than the newest backup takes its name, not a yes alone', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    await project.run('backup-database', ['--instant'])
    const [copy = { name: '' }] = await copiesIn(project)
    await shop.ask("INSERT INTO customers VALUES (4, 'Edsger')")
    const [held, { pid }] = await sessionOn(shop)
    const without = await project.run('backup-database', ['--instant'])
    expect(without.stderr).toMatch(
      new RegExp(`The backup is there\\. ${copy.name} remains: it is of \\S+ \\S+, and not of this`),
    )
    await sql(postgres[version], undefined, `SELECT pg_terminate_backend(${pid})`)
    await held.exited
    const refused = await project.run('restore-database', ['--instant', '--yes'])
    expect(refused).toMatchObject({ code: 20, stdout: '' })
    expect(refused.stderr).toContain(`Attention: the backup backups/${project.backups()[1]} is newer than this copy`)
    expect(await shop.customers()).toEqual([...threeCustomers, 'Edsger'])

    const terminal = project.terminal('restore-database', ['--instant', '--yes'])
    await terminal.waitFor('Restore it?')
    terminal.write('\r')
    expect(await terminal.exit).toEqual({ code: 20, signal: null })

    const [, command = ''] = /→ If this really is what you mean, to swap that copy in: (.*)/.exec(refused.stderr) ?? []
    expect(await project.run('/bin/sh', ['-c', command])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
    const [, restore = ''] = /→ To restore that backup: (.*)/.exec(refused.stderr) ?? []
    expect(await project.run('/bin/sh', ['-c', `${restore} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual([...threeCustomers, 'Edsger'])
  })

  test('a database that is gone comes back by its copy', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    await project.run('backup-database', ['--instant'])
    await sql(postgres[version], undefined, `DROP DATABASE ${shop.name}`)
    expect(await project.run('restore-database', ['--instant', '--yes'])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('who is connected is said before the swap', async () => {
    const shop = await shopOn()
    const project = newProject(shop.env)
    await project.run('backup-database', ['--instant'])
    const [session] = await sessionOn(shop)
    const restored = await project.run('restore-database', ['--instant', '--yes'])
    expect(restored).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Attention: 1 session will be ended: psql'),
    })
    await session.exited
  })
})

describe('the way back by a copy, pasted in the same folder, leads to the same database', () => {
  const named = (shop: Shop) => ['--database-url', shop.url]

  test.each<[string, string, RegExp, (shop: Shop) => readonly string[]]>([
    ['another one is in .env', '.env', /^SEATBELT_DATABASE_URL=\S+ \S+restore-database --instant \S+$/, named],
    [
      'another one is in .env.testing',
      '.env.testing',
      /^\S+restore-database --instant --env-file \.env \S+$/,
      () => [],
    ],
  ])('%s', async (_, file, line, words) => {
    const [shop, other] = [await openShop('PostgreSQL'), await openShop('PostgreSQL')]
    const project = newProject(shop.env)
    project.write(file, envText(other.env))
    const ended = await project.run('safe-migrate', ['--instant', ...words(shop), 'true'])
    await shop.ask('DELETE FROM customers')
    const withPassword = (text: string) => text.replace(shop.url.replace(/:[^:/@]*@/, '@'), shop.url)
    const [, wayBack = ''] = /^ {2}Or at once: {2}(.*)$/m.exec(ended.stderr) ?? []
    expect(wayBack).toMatch(line)
    const restored = await project.run('/bin/sh', ['-c', `${withPassword(wayBack)} --yes`])
    expect(restored).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
    const [, back = ''] = /What was there before: (.*)$/m.exec(restored.stderr) ?? []
    expect(await project.run('/bin/sh', ['-c', `${withPassword(back)} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual([])
    expect(await other.customers()).toEqual(threeCustomers)
  })
})

test('what looks like production gets no instant copy, and the run goes on with the backup', async () => {
  const shop = await openShop('PostgreSQL', uniqueName('shop_prod'))
  const project = newProject(shop.env)
  const ended = await project.run('safe-migrate', ['--instant', '--allow-production', shop.name, 'true'])
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('No instant copy is made: they are for dev') })
  expect(project.backups()).toHaveLength(1)
  expect(await shop.beside()).toEqual([])
})

test('MariaDB has no instant copies, which stops nothing', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  const ended = await project.run('safe-migrate', ['--instant', '--report', 'report.json', 'true'])
  const said =
    'No instant copy is made: MySQL and MariaDB cannot copy a database inside the server. The backup is there.'
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(said) })
  expect(JSON.parse(readFileSync(project.path('report.json'), 'utf8'))).not.toHaveProperty('instantWayBack')
  expect(project.backups()).toHaveLength(1)
  const refused = await project.run('restore-database', ['--instant', '--yes'])
  expect(refused).toMatchObject({ code: 20, stderr: expect.stringContaining('There are no instant copies') })
})
