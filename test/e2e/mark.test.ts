import { describe, expect, test } from 'vitest'
import { uniqueName } from '../servers/databases.ts'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: a database', (engine) => {
  async function shopAndProject() {
    const shop = await openShop(engine, uniqueName('shop'))
    return { shop, project: newProject(shop.env) }
  }

  test('that is marked as production is guarded until the mark is taken away, which takes its name', async () => {
    const { shop, project } = await shopAndProject()
    const marking = await project.run('inspect-database', ['--mark', 'production'])
    expect(marking).toMatchObject({ code: 0 })
    expect(marking.stderr).toContain(`/${shop.name} is marked as production, in the comment on the database`)
    expect(marking.stdout).toContain('the database itself says production  (the comment on the database)')
    const refused = await project.run('safe-test', ['true'])
    expect(refused).toMatchObject({ code: 125, stderr: expect.stringContaining('the database itself says production') })
    expect(project.backups()).toEqual([])

    const unmarking = await project.run('inspect-database', ['--mark', 'none'])
    expect(unmarking).toMatchObject({ code: 20, stdout: '' })
    expect(unmarking.stderr).toMatch(
      new RegExp(`→ If this really is what you mean: .*inspect-database --mark none --allow-production ${shop.name}\n`),
    )
    expect(await project.run('safe-test', ['true'])).toMatchObject({ code: 125 })
    const words = ['--json', '--mark', 'none', '--allow-production', shop.name]
    const unmarked = await project.run('inspect-database', words)
    expect(unmarked).toMatchObject({ code: 0, stderr: expect.stringContaining('is not marked any more') })
    expect(JSON.parse(unmarked.stdout).targets[0].production).toEqual({ verdict: false, evidence: [] })
    expect(await project.run('safe-test', ['true'])).toMatchObject({ code: 0 })
  })

  test('loses the mark on a terminal when its name is typed, and only then', async () => {
    const { shop, project } = await shopAndProject()
    await project.run('inspect-database', ['--mark', 'production'])
    for (const [typed, code] of [
      ['yes', 20],
      [shop.name, 0],
    ] as const) {
      const terminal = project.terminal('inspect-database', ['--mark', 'none'])
      await terminal.waitFor('to go on (anything else cancels)')
      terminal.write(`${typed}\r`)
      expect(await terminal.exit).toEqual({ code, signal: null })
      const { targets } = JSON.parse((await project.run('inspect-database', ['--json'])).stdout)
      expect(targets[0].production.verdict).toBe(code !== 0)
    }
  })

  test('that was never marked can be unmarked without a question', async () => {
    const { project } = await shopAndProject()
    expect(await project.run('inspect-database', ['--mark', 'none'])).toMatchObject({ code: 0 })
  })

  test('keeps its mark through a backup and a restore, and gives it to no other one', async () => {
    const { shop, project } = await shopAndProject()
    await project.run('inspect-database', ['--mark', 'production'])
    const consent = ['--allow-production', shop.name]
    expect(await project.run('backup-database', consent)).toMatchObject({ code: 0 })
    const backup = `backups/${project.backups()[0]}`
    const other = await openShop(engine)
    const elsewhere = ['--yes', '--database-url', other.url, backup]
    expect(await project.run('restore-database', elsewhere)).toMatchObject({ code: 0 })
    const inspected = await project.run('inspect-database', ['--json', '--database-url', other.url])
    expect(JSON.parse(inspected.stdout).targets[0]).toMatchObject({
      production: { verdict: false },
      server: { markers: [] },
    })
    expect(await project.run('restore-database', ['--yes', ...consent, backup])).toMatchObject({ code: 0 })
    const { targets } = JSON.parse((await project.run('inspect-database', ['--json'])).stdout)
    expect(targets[0].server.markers).toEqual([{ value: 'production', source: 'the comment on the database' }])
  })

  test('that is not there has no place for a mark', async () => {
    const { shop, project } = await shopAndProject()
    const url = shop.url.replace(shop.name, `${shop.name}_gone`)
    const ended = await project.run('inspect-database', ['--mark', 'production', '--database-url', url])
    expect(ended).toMatchObject({ code: 11, stdout: '', stderr: expect.stringContaining('There is nothing to mark: ') })
  })
})

test('a SQLite file has no place for a mark, and the other way is said', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const ended = await project.run('inspect-database', ['--mark', 'production'])
  expect(ended).toMatchObject({ code: 20, stdout: '' })
  expect(ended.stderr).toContain(`seatbelt.json instead: { "productionNames": ["${shop.name}"] }`)
})

test('one of several databases is not guessed', async () => {
  const [shop, other] = [await openShop('SQLite'), await openShop('SQLite')]
  const project = newProject(shop.env)
  project.write('.env.testing', `DB_CONNECTION=sqlite\nDB_DATABASE=${other.env['DB_DATABASE']}\n`)
  const ended = await project.run('inspect-database', ['--mark', 'production'])
  expect(ended).toMatchObject({ code: 10, stdout: '' })
  expect(ended.stderr).toContain('inspect-database --mark production --env-file .env ')
})

test('another word is a mistake', async () => {
  const project = newProject((await openShop('SQLite')).env)
  const ended = await project.run('inspect-database', ['--mark', 'staging'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('--mark must be one of production, none') })
})
