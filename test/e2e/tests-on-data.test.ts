import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { uniqueName } from '../servers/databases.ts'
import { envText, newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

const asks = 'Tests often empty the database that they are given'
const down = '\x1b[B'

async function shopAndProject(
  label: Shop['engine'] = 'SQLite',
  name?: string,
): Promise<{ shop: Shop; project: Project }> {
  const shop = await openShop(label, name)
  return { shop, project: newProject(shop.env) }
}

describe.each(engineLabels)('%s: tests on a database that holds data', (label) => {
  test('are warned of without a terminal, and run', async () => {
    const { shop, project } = await shopAndProject(label)
    const ended = await project.run('safe-test', ['--quiet', '--report', 'report.json', 'touch', 'ran'])
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(ended.stderr.split('\n').slice(0, 2)).toEqual([
      expect.stringContaining(`${asks}: `),
      expect.stringMatching(/^ {2}If it is, say so in seatbelt\.json: \{ "testDatabases": \["[^"]+"\] \}$/),
    ])
    expect(ended.stderr).toContain(`holds 3 rows in 1 table, and nothing says that it is for tests.`)
    expect(existsSync(project.path('ran'))).toBe(true)
    expect(JSON.parse(readFileSync(project.path('report.json'), 'utf8')).notes).toEqual([expect.stringContaining(asks)])
    project.write('seatbelt.json', ended.stderr.split('\n')[1]?.replace(/^[^{]*/, '') ?? '')
    expect((await project.run('safe-test', ['true'])).stderr).not.toContain(asks)
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('are asked about once, and remembered when told to', async () => {
    const { project } = await shopAndProject(label)
    project.write('seatbelt.json', '{\n    "keep": 7\n}\n')
    const terminal = project.terminal('safe-test', ['touch', 'ran'])
    await terminal.waitFor(asks)
    await terminal.waitFor('remember that it is for tests (seatbelt.json)')
    terminal.write(`${down}${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(existsSync(project.path('ran'))).toBe(true)
    const remembered = readFileSync(project.path('seatbelt.json'), 'utf8')
    expect(remembered).toMatch(/^\{\n {4}"keep": 7,\n {4}"testDatabases": \[\n {8}"[^"]+"\n {4}\]\n\}\n$/)
    expect(remembered).not.toContain('seatbelt-secret')
    const again = project.terminal('safe-test', ['true'])
    expect(await again.exit).toEqual({ code: 0, signal: null })
    expect(again.screen()).not.toContain(asks)
  })
})

describe('the question before tests', () => {
  async function asked(project: Project, words: readonly string[] = ['touch', 'ran']) {
    const terminal = project.terminal('safe-test', words)
    await terminal.waitFor(asks)
    await terminal.waitFor('remember that it is for tests')
    return terminal
  }

  test.each([
    ['Enter', '\r'],
    ['Esc', '\x1b'],
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s cancels: nothing is run, the backup stays', async (_, keys) => {
    const { project } = await shopAndProject()
    const terminal = await asked(project)
    terminal.write(keys)
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
    expect(terminal.screen()).toContain('Cancelled: nothing was run; the backup stays')
    expect(existsSync(project.path('ran'))).toBe(false)
    expect(existsSync(project.path('seatbelt.json'))).toBe(false)
    expect(project.backups()).toHaveLength(1)
  })

  test('a yes for this once is asked again', async () => {
    const { project } = await shopAndProject()
    for (const _ of [1, 2]) {
      const terminal = await asked(project)
      terminal.write(`${down}\r`)
      expect(await terminal.exit).toEqual({ code: 0, signal: null })
    }
    expect(existsSync(project.path('seatbelt.json'))).toBe(false)
  })

  test('the test database beside it can be used instead', async () => {
    const { shop, project } = await shopAndProject()
    const safe = await openShop('SQLite', `${uniqueName('shop')}_test.sqlite`)
    project.write('.env.testing', envText(safe.env))
    const terminal = await asked(project, ['sh', '-c', 'echo "$DB_DATABASE" > ran'])
    expect(terminal.screen()).toContain(`Use ${safe.name} instead, as with --env-file .env.testing --pin`)
    terminal.write(`${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(readFileSync(project.path('ran'), 'utf8').trim()).toBe(safe.env['DB_DATABASE'])
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('is answered by --yes', async () => {
    const { project } = await shopAndProject()
    const terminal = project.terminal('safe-test', ['--yes', 'touch', 'ran'])
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.screen()).toContain(asks)
  })

  test('makes the project file where there is none, in the folder of the project', async () => {
    const { project } = await shopAndProject()
    const terminal = await asked(project)
    terminal.write(`${down}${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(JSON.parse(readFileSync(project.path('seatbelt.json'), 'utf8'))).toEqual({
      testDatabases: [expect.stringMatching(/^sqlite:\/\/\//)],
    })
  })

  test('writes through a symbolic link', async () => {
    const { project } = await shopAndProject()
    project.write('shared/settings.json', '{}')
    symlinkSync('shared/settings.json', project.path('seatbelt.json'))
    const terminal = await asked(project)
    terminal.write(`${down}${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(JSON.parse(readFileSync(project.path('shared/settings.json'), 'utf8')).testDatabases).toHaveLength(1)
  })
})

describe('tests are not asked about', () => {
  test.each<[string, (shop: Shop, project: Project) => unknown, string?]>([
    ['a database that is called so', () => undefined, 'shop_test.sqlite'],
    ['a database without data', (shop) => shop.ask('DELETE FROM customers')],
    [
      'a database of nothing but migrations',
      async (shop) => {
        await shop.ask('DROP TABLE customers')
        await shop.ask("CREATE TABLE schema_migrations (version text); INSERT INTO schema_migrations VALUES ('1')")
      },
    ],
    [
      'a database that only an env file of tests names',
      (shop, project) => {
        project.write('.env', '')
        project.write('.env.testing', envText(shop.env))
      },
    ],
  ])('%s', async (_, prepare, name) => {
    const { shop, project } = await shopAndProject('SQLite', name)
    await prepare(shop, project)
    const terminal = project.terminal('safe-test', ['touch', 'ran'])
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.screen()).not.toContain(asks)
  })

  test('production, which took its name', async () => {
    const { shop, project } = await shopAndProject('SQLite', `${uniqueName('shop')}_prod.sqlite`)
    const terminal = project.terminal('safe-test', ['--allow-production', shop.name, 'true'])
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.screen()).not.toContain(asks)
  })

  test('by safe-migrate', async () => {
    const { project } = await shopAndProject()
    expect((await project.run('safe-migrate', ['true'])).stderr).not.toContain(asks)
  })
})

test.each([
  ['["shop"]', /an entry of testDatabases is not a database URL/],
  ['["postgres://localhost"]', /an entry of testDatabases names no database/],
  ['"postgres://localhost/shop"', /testDatabases must be a list of texts/],
])('testDatabases: %s is a mistake that is said', async (value, problem) => {
  const { project } = await shopAndProject()
  project.write('seatbelt.json', `{ "testDatabases": ${value} }`)
  expect(await project.run('safe-test', ['true'])).toMatchObject({ code: 125, stderr: expect.stringMatching(problem) })
})
