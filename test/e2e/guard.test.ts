import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { uniqueName } from '../servers/databases.ts'
import { bin, envText, newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

type Guarded = { readonly shop: Shop; readonly project: Project }

async function production(engine: Shop['engine'] = 'SQLite'): Promise<Guarded> {
  const name = `${uniqueName('shop')}_production`
  const shop = await openShop(engine, engine === 'SQLite' ? `${name}.sqlite` : name)
  return { shop, project: newProject(shop.env) }
}

/** Nothing was backed up, run or changed. */
async function nothingHappened({ shop, project }: Guarded): Promise<void> {
  expect(project.backups()).toEqual([])
  expect(existsSync(project.path('ran'))).toBe(false)
  expect(await shop.customers()).toEqual(threeCustomers)
}

describe.each(engineLabels)('%s: a name that says production', (engine) => {
  test('is refused at once without a terminal, with the reason and the next command', async () => {
    const guarded = await production(engine)
    const { shop, project } = guarded
    for (const input of [undefined, '', `${shop.name}\n`, 'y\n'.repeat(100)]) {
      const options = input === undefined ? {} : { input }
      const wrapper = await project.run('safe-migrate', ['touch', 'ran'], options)
      expect(wrapper).toMatchObject({ code: 125, stdout: '' })
      expect(wrapper.stderr).toContain('looks like production, and there is no terminal to ask on')
      expect(wrapper.stderr).toMatch(/the database is called .*_production.*\(\.env\)/)
      expect(wrapper.stderr).toMatch(new RegExp(`→ .*safe-migrate --allow-production ${shop.name} touch ran`))
      const alone = await project.run('backup-database', ['--yes'], options)
      expect(alone).toMatchObject({ code: 20, stdout: '' })
    }
    await nothingHappened(guarded)
  })

  test('goes on where its name was given, and nowhere else', async () => {
    const guarded = await production(engine)
    const { shop, project } = guarded
    for (const wrong of ['shop', `${shop.name} `, shop.name.toUpperCase(), '*', 'yes']) {
      const words = ['--allow-production', wrong, 'touch', 'ran']
      expect(await project.run('safe-migrate', words)).toMatchObject({ code: 125 })
    }
    await nothingHappened(guarded)
    const words = ['--allow-production', shop.name, 'touch', 'ran']
    expect(await project.run('safe-migrate', words)).toMatchObject({ code: 0 })
    expect(existsSync(project.path('ran'))).toBe(true)
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const env = { SEATBELT_ALLOW_PRODUCTION: shop.name }
    expect(await project.run('backup-database', [], { env })).toMatchObject({ code: 0 })
    expect(project.backups()).toHaveLength(2)
  })
})

describe('a client whose statements reach a production database from another one', () => {
  const quoted = (words: readonly string[]) => words.map((word) => `'${word}'`).join(' ')

  test.each([
    ['on the line', (url: string, text: string) => ['psql', '-qX', url, '-c', text], undefined],
    ['in a file', (url: string) => ['psql', '-qX', url, '-f', 'reset.sql'], undefined],
    ['in a file of a shell', (url: string) => ['sh', '-c', `psql -qX "${url}" < reset.sql`], undefined],
    ['in a file on standard input', (url: string) => ['psql', '-qX', url], 'reset.sql'],
  ])('PostgreSQL, %s: is refused', async (_, words, input) => {
    const guarded = await production('PostgreSQL')
    const { shop, project } = guarded
    const drop = `DROP DATABASE ${shop.name}`
    project.write('reset.sql', `${drop};\n`)
    // Not the env file: the statements alone name it.
    project.write('.env', '')
    const url = shop.url.replace(/[^/]*$/, 'postgres')
    const command = `${quoted([`${bin}/safe-migrate`, ...words(url, drop)])} < ${input ?? '/dev/null'}`
    const ended = await project.run('/bin/sh', ['-c', command])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('looks like production') })
    await nothingHappened(guarded)
  })

  test('MariaDB, in a file on standard input: is refused', async () => {
    const guarded = await production('MariaDB')
    const { shop, project } = guarded
    project.write('reset.sql', `USE \`${shop.name}\`;\nDELETE FROM customers;\n`)
    project.write('.env', '')
    const { hostname, port, username, password } = new URL(shop.url)
    const client = ['mariadb', '-h', hostname, '-P', port, '-u', username, `-p${password}`, 'mysql']
    const command = `${quoted([`${bin}/safe-migrate`, ...client])} < reset.sql`
    const ended = await project.run('/bin/sh', ['-c', command])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('looks like production') })
    await nothingHappened(guarded)
  })
})

const marked = {
  PostgreSQL: (name: string) => `COMMENT ON DATABASE ${name} IS 'db-seatbelt: production'`,
  MariaDB: (name: string) => `ALTER DATABASE ${name} COMMENT 'db-seatbelt: production'`,
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: a database that is marked as production', (engine) => {
  async function markedShop(name = uniqueName('shop')): Promise<Guarded> {
    const shop = await openShop(engine, name)
    await shop.ask(marked[engine](shop.name))
    return { shop, project: newProject(shop.env) }
  }

  test('is refused once the server is reached, before anything is dumped', async () => {
    const guarded = await markedShop()
    const { shop, project } = guarded
    const refused = await project.run('safe-test', ['--report', 'report.json', 'touch', 'ran'])
    expect(refused).toMatchObject({ code: 125 })
    expect(refused.stderr).toContain('the database itself says production  (the comment on the database)')
    const report = JSON.parse(readFileSync(project.path('report.json'), 'utf8'))
    expect(report).toMatchObject({
      failure: { code: 20 },
      targets: [{ production: [expect.stringContaining('itself')] }],
    })
    expect(await project.run('backup-database', ['--yes'])).toMatchObject({ code: 20, stdout: '' })
    await nothingHappened(guarded)
    expect(await project.run('safe-test', ['--allow-production', shop.name, 'true'])).toMatchObject({ code: 0 })
  })

  test('is a target of production for inspect-database', async () => {
    const { project } = await markedShop()
    const { targets } = JSON.parse((await project.run('inspect-database', ['--json'])).stdout)
    expect(targets[0].production).toMatchObject({ verdict: true, evidence: [{ rule: 'marker', value: 'production' }] })
    expect(targets[0].server).toMatchObject({ address: expect.stringMatching(/:\d+$/), startedAt: expect.any(String) })
    const shown = await project.run('inspect-database')
    expect(shown.stdout).toMatch(/server {6}1\d[^\n]*, 1 table, [^\n]*, at [^\n]+:\d+, up since 20\d\d-/)
  })

  test('is asked for once, whatever says so', async () => {
    const { shop, project } = await markedShop(`${uniqueName('shop')}_prod`)
    const terminal = project.terminal('safe-migrate', ['touch', 'ran'])
    await terminal.waitFor('to go on (anything else cancels)')
    terminal.write(`${shop.name}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.screen().match(/This looks like production/g)).toHaveLength(1)
  })

  test('is not overwritten by a restore without consent', async () => {
    const { shop, project } = await markedShop()
    await project.run('backup-database', ['--allow-production', shop.name])
    await shop.ask('DELETE FROM customers WHERE id > 1')
    const backup = `backups/${project.backups()[0]}`
    expect(await project.run('restore-database', ['--yes', backup])).toMatchObject({ code: 20, stdout: '' })
    expect(await shop.customers()).toEqual(['Ada'])
    expect(project.backups()).toHaveLength(1)
  })
})

describe('on a terminal, a name that says production', () => {
  test('goes on when the name is typed', async () => {
    const { shop, project } = await production()
    const terminal = project.terminal('safe-migrate', ['touch', 'ran'])
    await terminal.waitFor('This looks like production')
    await terminal.waitFor('to go on (anything else cancels)')
    terminal.write(`${shop.name}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(existsSync(project.path('ran'))).toBe(true)
    expect(project.backups()).toHaveLength(1)
  })

  test.each([
    ['another name', 'shop\r'],
    ['yes', 'yes\r'],
    ['Enter', '\r'],
    ['Ctrl-C', '\x03'],
    ['Esc', '\x1b'],
    ['Ctrl-D', '\x04'],
  ])('%s cancels', async (_, keys) => {
    const guarded = await production()
    for (const [command, words, code] of [
      ['safe-migrate', ['touch', 'ran'], 125],
      ['backup-database', [], 20],
    ] as const) {
      const terminal = guarded.project.terminal(command, words)
      await terminal.waitFor('to go on (anything else cancels)')
      terminal.write(keys)
      expect(await terminal.exit).toEqual({ code, signal: null })
      expect(terminal.screen()).toContain('Cancelled: nothing was run and nothing was changed')
    }
    await nothingHappened(guarded)
  })

  test('is not asked for again where --allow-production named it', async () => {
    const { shop, project } = await production()
    const terminal = project.terminal('safe-migrate', ['--allow-production', shop.name, 'true'])
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.screen()).not.toContain('to go on')
  })

  test.each([
    ['stdin', '</dev/null'],
    ['stderr', '2>said'],
  ])('is refused at once when %s is no terminal', async (_, redirection) => {
    const guarded = await production()
    const script = `"$0" touch ran ${redirection}`
    const terminal = guarded.project.terminal('/bin/sh', [
      '-c',
      script,
      `${import.meta.dirname}/../../bin/safe-migrate`,
    ])
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
    await nothingHappened(guarded)
  })
})

describe('on a terminal, production beside a test database', () => {
  const down = '\x1b[B'

  async function besideTests() {
    const guarded = await production()
    const safe = await openShop('SQLite')
    guarded.project.write('.env.testing', envText(safe.env))
    return { ...guarded, safe }
  }

  async function asked(guarded: Guarded, command = 'safe-test', words = ['sh', '-c', 'echo "$DB_DATABASE" > ran']) {
    const terminal = guarded.project.terminal(command, words)
    await terminal.waitFor('This looks like production')
    await terminal.waitFor('and type its name')
    return terminal
  }

  test.each([
    ['Enter', '\r'],
    ['Esc', '\x1b'],
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ])('%s cancels', async (_, keys) => {
    const guarded = await besideTests()
    const terminal = await asked(guarded)
    terminal.write(keys)
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
    expect(terminal.screen()).toContain('Cancelled: nothing was run and nothing was changed')
    await nothingHappened(guarded)
  })

  test('a window that is closed cancels', async () => {
    const guarded = await besideTests()
    const terminal = await asked(guarded)
    terminal.hangUp()
    expect(await Promise.race([terminal.exit, Bun.sleep(20_000)])).toBeDefined()
    await nothingHappened(guarded)
  })

  test('the test database can be used instead: it is backed up, and the command gets it', async () => {
    const { safe, project, shop } = await besideTests()
    const terminal = await asked({ project, shop })
    expect(terminal.screen()).toContain(`Use ${safe.name} instead, as with --env-file .env.testing --pin`)
    terminal.write(`${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(readFileSync(project.path('ran'), 'utf8').trim()).toBe(safe.env['DB_DATABASE'])
    expect(project.backups()).toHaveLength(1)
    expect(project.manifest(project.backups()[0] ?? '').target).toBe(safe.url)
  })

  test('it can be backed up instead', async () => {
    const guarded = await besideTests()
    const terminal = await asked(guarded, 'backup-database', [])
    terminal.write(`${down}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(guarded.project.backups()).toHaveLength(1)
    expect(guarded.project.manifest(guarded.project.backups()[0] ?? '').target).toBe(guarded.safe.url)
  })

  test('production can be gone on with by its name', async () => {
    const guarded = await besideTests()
    const terminal = await asked(guarded)
    terminal.write(`${down}${down}\r`)
    await terminal.waitFor('to go on (anything else cancels)')
    terminal.write(`${guarded.shop.name}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(guarded.project.backups()).toHaveLength(2)
  })

  test('another name cancels', async () => {
    const guarded = await besideTests()
    const terminal = await asked(guarded)
    terminal.write(`${down}${down}\r`)
    await terminal.waitFor('to go on (anything else cancels)')
    terminal.write(`${guarded.safe.name}\r`)
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
    await nothingHappened(guarded)
  })

  test('fits one screen', async () => {
    const guarded = await besideTests()
    const terminal = await asked(guarded)
    expect(terminal.screen().split('\n').length).toBeLessThan(16)
    terminal.write('\r')
    await terminal.exit
  })
})

describe('a coding agent at a terminal', () => {
  const env = { CLAUDECODE: '1' }

  test('is refused at once, with the variable that gave it away, and told who may decide', async () => {
    const guarded = await production()
    const { shop, project } = guarded
    const terminal = project.terminal('safe-migrate', ['touch', 'ran'], { env })
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
    expect(terminal.screen()).toContain('and a coding agent is not asked (Claude Code: CLAUDECODE is set)')
    expect(terminal.screen()).toContain('→ Only if the person that you work for says so: ')
    await nothingHappened(guarded)
    const consent = project.terminal('safe-migrate', ['--allow-production', shop.name, 'touch', 'ran'], { env })
    expect(await consent.exit).toEqual({ code: 0, signal: null })
  })

  test('is asked nothing else either: a restore is refused, backups are listed, none is offered after a failure', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const failed = project.terminal('safe-migrate', ['false'], { env })
    expect(await failed.exit).toEqual({ code: 1, signal: null })
    expect(failed.screen()).not.toContain('Restore the database')
    const backup = `backups/${project.backups()[0]}`
    const restore = project.terminal('restore-database', [backup], { env })
    expect(await restore.exit).toEqual({ code: 20, signal: null })
    expect(restore.screen()).toContain('a restore overwrites data, and a coding agent is not asked')
    const list = project.terminal('restore-database', [], { env })
    expect(await list.exit).toEqual({ code: 0, signal: null })
    expect(list.screen()).toContain(project.backups()[0])
  })

  test("a person in an editor's terminal is asked", async () => {
    const { project } = await production()
    const editor = { TERM_PROGRAM: 'vscode', CURSOR_TRACE_ID: 'c0ffee', CLAUDECODE: '0' }
    const terminal = project.terminal('safe-migrate', ['touch', 'ran'], { env: editor })
    await terminal.waitFor('to go on (anything else cancels)')
    terminal.write('\r')
    expect(await terminal.exit).toEqual({ code: 125, signal: null })
  })
})

test('the test run of the incident: .env names production, .env.testing does not, and nothing says which is used', async () => {
  const guarded = await production()
  const safe = await openShop('SQLite')
  const { project } = guarded
  project.write('.env.testing', `DB_CONNECTION=sqlite\nDB_DATABASE=${safe.env['DB_DATABASE']}\n`)
  const refused = await project.run('safe-test', ['touch', 'ran'])
  expect(refused).toMatchObject({ code: 125 })
  expect(refused.stderr).toMatch(
    new RegExp(`To use ${safe.name} instead: .*safe-test --env-file .env.testing --pin touch ran`),
  )
  await nothingHappened(guarded)
  expect(await project.run('safe-test', ['--env-file', '.env.testing', '--pin', 'touch', 'ran'])).toMatchObject({
    code: 0,
  })
})

test.each([
  ['APP_ENV in the env file', 'APP_ENV=production\n', {}, {}],
  ['NODE_ENV in the environment', '', { NODE_ENV: 'production' }, {}],
  ['a pattern of seatbelt.json', '', {}, { productionNames: ['shop_*'] }],
  ['an identifier of a customer', '', {}, { customerIdentifiers: ['*shop*'] }],
])('%s is evidence', async (_, line, env, file) => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  project.write('seatbelt.json', JSON.stringify(file))
  const pairs = Object.entries(shop.env).map((pair) => `${pair.join('=')}\n`)
  project.write('.env', `${pairs.join('')}${line}`)
  const ended = await project.run('safe-test', ['touch', 'ran'], { env })
  expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('looks like production') })
  await nothingHappened({ shop, project })
})

test('a host that says production is evidence before it is ever called', async () => {
  const project = newProject({ DATABASE_URL: 'postgres://app@db.prod.acme.invalid/shop' })
  expect(await project.run('backup-database')).toMatchObject({
    code: 20,
    stderr: expect.stringContaining('db.prod.acme'),
  })
})

test('a host on the internet is evidence on the branch main, and not on another', async () => {
  const project = newProject({ DATABASE_URL: 'postgres://app@db.acme.com:1/shop' })
  project.write('.git/HEAD', 'ref: refs/heads/main\n')
  const words = ['--database-url', 'postgres://app@127.0.0.1:1/shop', 'touch', 'ran']
  expect(await project.run('safe-migrate', words)).toMatchObject({ stderr: expect.not.stringContaining('production') })
  const refused = await project.run('safe-migrate', ['touch', 'ran'])
  expect(refused).toMatchObject({ code: 125 })
  expect(refused.stderr).toContain('the git branch is main, and db.acme.com is not this machine  (.git/HEAD)')
})

test('a restore into production asks for the name too, and --yes is no answer', async () => {
  const { shop, project } = await production()
  expect(await project.run('backup-database', ['--allow-production', shop.name])).toMatchObject({ code: 0 })
  await shop.ask('DELETE FROM customers WHERE id > 1')
  const backup = `backups/${project.backups()[0]}`
  expect(await project.run('restore-database', ['--yes', backup])).toMatchObject({ code: 20, stdout: '' })
  expect(await shop.customers()).toEqual(['Ada'])
  const words = ['--yes', '--allow-production', shop.name, backup]
  expect(await project.run('restore-database', words)).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual(threeCustomers)
})

test.each([
  ['SIGTERM', 125],
  ['SIGHUP', 125],
] as const)('a question that is met by %s ends at once', async (signal, code) => {
  const guarded = await production()
  const terminal = guarded.project.terminal('safe-migrate', ['touch', 'ran'])
  await terminal.waitFor('to go on (anything else cancels)')
  terminal.kill(signal)
  expect(await terminal.exit).toEqual({ code, signal: null })
  await nothingHappened(guarded)
})

test('a question whose window is closed is no yes, and nothing of it stays', async () => {
  const guarded = await production()
  const terminal = guarded.project.terminal('safe-migrate', ['touch', 'ran'])
  await terminal.waitFor('to go on (anything else cancels)')
  terminal.hangUp()
  expect(await Promise.race([terminal.exit, Bun.sleep(20_000)])).toBeDefined()
  await nothingHappened(guarded)
})
