import { Database } from 'bun:sqlite'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { runScript } from '../engines/mysql/world.ts'
import { everything, sinceFourteen } from '../engines/postgres/everything.ts'
import { createDatabase, sql, urlOf } from '../servers/databases.ts'
import { until } from './clients.ts'
import { listen } from './listeners.ts'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, threeCustomers } from './shops.ts'

const { postgres, mariadb } = inject('servers')

const waiting = (code: number) => ['sh', '-c', `touch started; until [ -e go ]; do sleep 0.02; done; exit ${code}`]

type Call = { readonly command?: string; readonly options?: readonly string[]; readonly code?: number }

/** Runs one of our wrappers; while the wrapped command is there, `act` does what the command would do. */
async function meanwhile(project: Project, act: () => Promise<unknown>, call: Call = {}) {
  const { command = 'safe-migrate', options = [], code = 0 } = call
  const running = project.start(command, ['--report', 'report.json', ...options, ...waiting(code)])
  await until(project, 'started')
  await act()
  project.write('go', '')
  const ended = await running.ended
  rmSync(project.path('started'))
  rmSync(project.path('go'))
  return { ...ended, report: JSON.parse(readFileSync(project.path('report.json'), 'utf8')) }
}

function journal(project: Project): Record<string, unknown>[] {
  const lines = readFileSync(project.path('backups/journal.jsonl'), 'utf8').trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

/** What is said after the command's own line. Other tests write to databases of their own on the same server. */
function saidAfterwards(stderr: string): readonly string[] {
  const lines = stderr
    .trimEnd()
    .split('\n')
    .filter((line) => !/ written to while this ran,|^ {2}Was it the command\?/.test(line))
  return lines.slice(lines.findIndex((line) => /^[✓✗!] sh -c/.test(line)))
}

describe.each(engineLabels)('%s:', (engine) => {
  test('rows that are gone after a success are said, with the way back right below, and it works', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const ended = await meanwhile(project, () => shop.ask('DELETE FROM customers'))
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(saidAfterwards(ended.stderr)).toEqual([
      expect.stringMatching(/^! sh -c .* succeeded after/),
      '  customers  3 → 0 rows (all gone)',
      '3 rows of customers are gone, although the command reported success',
      expect.stringMatching(/^ {2}To go back: \S*restore-database backups\/\S+$/),
    ])
    const table = engine === 'PostgreSQL' ? 'public.customers' : 'customers'
    const changes = [{ kind: 'emptied', table, loss: true, before: 3, after: 0 }]
    expect(ended.report).toMatchObject({ exitCode: 0, outcome: { exitCode: 0 }, targets: [{ changes }] })
    expect(journal(project)).toMatchObject([{ exitCode: 0, losses: 1 }])
    const wayBack = /To go back: (.*)/.exec(ended.stderr)?.[1] ?? ''
    expect(await project.run('/bin/sh', ['-c', `${wayBack} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('it is red on a terminal, and said with --quiet too', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const terminal = project.terminal('safe-migrate', ['--quiet', ...waiting(0)])
    await until(project, 'started')
    await shop.ask('DROP TABLE customers')
    project.write('go', '')
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(terminal.raw()).toContain('\x1b[31mcustomers  3 rows → the table is gone\x1b[39m')
    expect(terminal.raw()).toContain(
      '\x1b[31m3 rows of customers are gone, although the command reported success\x1b[39m',
    )
    expect(terminal.screen()).toContain('To go back: ')
  })

  test('tables and columns that came, went or changed are told, the losses first', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    await shop.ask('CREATE TABLE orders (id integer PRIMARY KEY, note varchar(9), amount integer)')
    await shop.ask("INSERT INTO orders VALUES (1, 'a', 5), (2, 'b', 7)")
    await shop.ask('CREATE TABLE blank (id integer)')
    const ended = await meanwhile(project, async () => {
      await shop.ask('ALTER TABLE orders DROP COLUMN note')
      await shop.ask('ALTER TABLE orders ADD COLUMN size integer')
      await shop.ask('DROP TABLE blank')
      await shop.ask('CREATE TABLE later (id integer)')
      await shop.ask("INSERT INTO customers VALUES (4, 'Edsger')")
    })
    expect(saidAfterwards(ended.stderr).slice(1, -1)).toEqual([
      '  orders     column note gone',
      '  blank      0 rows → the table is gone',
      '  later      new table, 0 rows',
      '  orders     new column size',
      '  customers  3 → 4 rows (1 more)',
    ])
    expect(ended).toMatchObject({ code: 0 })
  })

  test('--fail-on-loss ends with 3 where the command said 0, and the report has both', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const options = ['--fail-on-loss']
    const lost = await meanwhile(project, () => shop.ask('DELETE FROM customers WHERE id = 2'), { options })
    expect(lost).toMatchObject({ code: 3, report: { exitCode: 3, outcome: { exitCode: 0 } } })
    expect(lost.stderr).toContain('customers  3 → 2 rows (1 gone)')
    const failed = await meanwhile(project, () => shop.ask('DELETE FROM customers'), { options, code: 4 })
    expect(failed).toMatchObject({ code: 4, report: { exitCode: 4, outcome: { exitCode: 4 } } })
    expect(failed.stderr).toContain('customers  2 → 0 rows (all gone)')
    const more = await meanwhile(project, () => shop.ask("INSERT INTO customers VALUES (9, 'x')"), { options })
    expect(more).toMatchObject({ code: 0, report: { exitCode: 0 } })
  })

  test('safe-test says it too, and nothing where nothing changed', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const same = await meanwhile(project, async () => undefined, { command: 'safe-test' })
    expect(saidAfterwards(same.stderr)).toHaveLength(2)
    expect(same.report).toMatchObject({ targets: [{ changes: [] }] })
    const updated = await meanwhile(project, () => shop.ask("UPDATE customers SET name = 'x'"))
    expect(saidAfterwards(updated.stderr)[1]).toBe('  No table, column or number of rows changed.')
    const emptied = await meanwhile(project, () => shop.ask('DELETE FROM customers'), { command: 'safe-test' })
    expect(emptied.stderr).toContain('3 rows of customers are gone, although the command reported success')
  })

  test('nobody looks where no time is given for it', async () => {
    const shop = await openShop(engine)
    const project = newProject({ ...shop.env })
    project.write('seatbelt.json', '{ "checkSeconds": 0 }')
    const ended = await meanwhile(project, () => shop.ask('DELETE FROM customers'))
    expect(ended.stderr).not.toContain('gone')
    expect(ended.report.targets[0]).not.toHaveProperty('changes')
  })
})

/** A way to the server that can be blocked: from then on callers get no answer, or are sent away. */
async function road(port: number) {
  let state: 'open' | 'silent' | 'closed' = 'open'
  let kept = 0
  const { port: own } = await listen((socket) => {
    if (state === 'closed') return void socket.destroy()
    if (state === 'silent') return void kept++
    const onward = connect(port, '127.0.0.1')
    onward.on('error', () => socket.destroy())
    socket.pipe(onward).pipe(socket)
    socket.on('close', () => onward.destroy())
  })
  const block = (how: 'silent' | 'closed') => {
    state = how
  }
  return { port: own, block, waiting: () => kept }
}

const servers = { PostgreSQL: postgres['15'], MariaDB: mariadb } as const

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: the command has run, and its exit code stands', (engine) => {
  async function behindRoad() {
    const shop = await openShop(engine)
    const { port } = servers[engine]
    const way = await road(port)
    return { shop, way, project: newProject({ DATABASE_URL: shop.url.replace(`:${port}/`, `:${way.port}/`) }) }
  }

  test('when the database itself is gone, which is said in red, and the way back makes it anew', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const ended = await meanwhile(project, () => sql(servers[engine], undefined, `DROP DATABASE ${shop.name}`))
    expect(saidAfterwards(ended.stderr).slice(1, 3)).toEqual([
      '  the database itself is gone (it had 3 rows)',
      'The database itself is gone, although the command reported success',
    ])
    expect(ended).toMatchObject({
      code: 0,
      report: { targets: [{ changes: [{ kind: 'database-gone', loss: true }] }] },
    })
    const wayBack = /To go back: (.*)/.exec(ended.stderr)?.[1] ?? ''
    expect(await project.run('/bin/sh', ['-c', `${wayBack} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('when the server is gone', async () => {
    const { way, project } = await behindRoad()
    const ended = await meanwhile(project, async () => way.block('closed'), { code: 5 })
    expect(ended).toMatchObject({ code: 5, report: { exitCode: 5, targets: [{ unchecked: expect.any(String) }] } })
    expect(ended.stderr).toMatch(/^What the command did to \S+ was not checked: .+$/m)
  })

  test('when the server does not answer any more', async () => {
    const { way, project } = await behindRoad()
    project.write('seatbelt.json', '{ "checkSeconds": 1 }')
    const ended = await meanwhile(project, async () => way.block('silent'))
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/was not checked: no answer within 3 s$/m) })
  })

  test('and with --fail-on-loss it is 3 where nobody could look', async () => {
    const { way, project } = await behindRoad()
    const ended = await meanwhile(project, async () => way.block('closed'), { options: ['--fail-on-loss', '--quiet'] })
    expect(ended).toMatchObject({ code: 3, report: { exitCode: 3, outcome: { exitCode: 0 } } })
    expect(ended.stderr).toMatch(/^ {2}To go back: /m)
    expect(ended.stderr).toContain('Ends with 3 (--fail-on-loss): whether anything is gone could not be found out.')
  })

  test('when the user is tired of waiting: Ctrl-C ends the look at once, and nothing is asked', async () => {
    const { way, project } = await behindRoad()
    project.write('seatbelt.json', '{ "checkSeconds": 100000 }')
    const terminal = project.terminal('safe-migrate', waiting(5))
    await until(project, 'started')
    way.block('silent')
    project.write('go', '')
    while (way.waiting() === 0) await Bun.sleep(5)
    terminal.write('\x03')
    await terminal.waitFor('was not checked: interrupted')
    expect(await terminal.exit).toEqual({ code: 5, signal: null })
    expect(terminal.screen()).toContain('To go back: ')
    expect(terminal.screen()).not.toContain('Restore the database')
  })
})

test('PostgreSQL: --fail-on-loss ends with 3 for a table that seems to have fewer rows, and cannot be counted', async () => {
  const shop = await openShop('PostgreSQL')
  await shop.ask('CREATE TABLE items WITH (autovacuum_enabled = off) AS SELECT generate_series(1, 2000) n')
  const project = newProject(shop.env)
  const lock = 'BEGIN; LOCK TABLE items IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)'
  const locked = `SELECT FROM pg_locks WHERE relation = 'items'::regclass AND mode = 'AccessExclusiveLock' AND granted`
  const ended = await meanwhile(
    project,
    async () => {
      await shop.ask('DELETE FROM items WHERE n > 9')
      const holder = Bun.spawn(['psql', '-qX', shop.url, '-c', lock], { stdout: 'ignore', stderr: 'ignore' })
      onTestFinished(() => holder.kill())
      while ((await shop.ask(locked)).length === 0) await Bun.sleep(20)
    },
    { options: ['--fail-on-loss', '--quiet'] },
  )
  expect(ended).toMatchObject({ code: 3, report: { targets: [{ notCounted: ['public.items'] }] } })
  expect(ended.stderr).toContain('Not counted in time (large, or locked): public.items')
})

test('SQLite: a file that is gone is said in red, one that is locked is not waited for', async () => {
  const shop = await openShop('SQLite')
  const path = shop.env['DB_DATABASE'] ?? ''
  const project = newProject(shop.env)
  project.write('seatbelt.json', '{ "checkSeconds": 1 }')
  const holder = new Database(path)
  const locked = await meanwhile(project, async () => holder.run('BEGIN EXCLUSIVE'))
  expect(locked).toMatchObject({ code: 0, stderr: expect.stringMatching(/ was not checked: .*(?:locked|no answer)/) })
  holder.close()
  const gone = await meanwhile(project, async () => rmSync(path))
  expect(gone.stderr).toContain('The database itself is gone, although the command reported success')
})

describe('one of everything is the same as before, but for the one table that is new', () => {
  async function expectOneChange(url: string, add: () => Promise<unknown>) {
    const { report } = await meanwhile(newProject({ DATABASE_URL: url }), add)
    const changes = [
      expect.objectContaining({ kind: 'table-new', table: expect.stringMatching(/^(?:public\.)?added$/) }),
    ]
    expect(report.targets[0].changes).toEqual(changes)
  }

  test.each(['13', '15'] as const)('PostgreSQL %s', async (version) => {
    const server = postgres[version]
    const database = await createDatabase(server)
    await sql(server, database, version === '13' ? everything : `${everything}${sinceFourteen}`)
    await expectOneChange(urlOf(server, database), () => sql(server, database, 'CREATE TABLE added (id int)'))
  })

  test('MariaDB', async () => {
    const database = await createDatabase(mariadb)
    await runScript(database, 'everything.sql')
    await expectOneChange(urlOf(mariadb, database), () => sql(mariadb, database, 'CREATE TABLE added (id int)'))
  })

  test('SQLite', async () => {
    const shop = await openShop('SQLite')
    await shop.ask(`CREATE TABLE keyed (k text PRIMARY KEY, v) WITHOUT ROWID; INSERT INTO keyed VALUES ('a', 1.5);
      CREATE TABLE "odd; ""name" ("new\nline" int, twice int GENERATED ALWAYS AS ("new\nline" * 2) STORED);
      INSERT INTO "odd; ""name" VALUES (1); CREATE TABLE counted (id integer PRIMARY KEY AUTOINCREMENT);
      INSERT INTO counted VALUES (7); CREATE VIRTUAL TABLE words USING fts5(body); INSERT INTO words VALUES ('fox');
      CREATE VIEW names AS SELECT name FROM customers`)
    await expectOneChange(shop.url, () => shop.ask('CREATE TABLE added (id int)'))
  })
})

test('a server that proves that nothing was changed is believed, and a restore is not even offered', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const ended = await meanwhile(project, async () => undefined, { code: 4, options: ['--restore-on-failure'] })
  expect(ended).toMatchObject({ code: 4, report: { targets: [{ changes: [], unchanged: true }] } })
  expect(ended.stderr).toContain('  Nothing was changed in the database.\n')
  expect(ended.stderr).not.toContain('Restored')
  const terminal = project.terminal('safe-migrate', ['sh', '-c', 'exit 4'])
  expect(await terminal.exit).toEqual({ code: 4, signal: null })
  expect(terminal.screen()).not.toContain('Restore the database')
})

test('a command that takes the backups away is told so, and no way back is said', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const ended = await project.run('safe-migrate', ['--quiet', '--report', 'report.json', 'rm', '-r', 'backups'])
  expect(ended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/^The backup \S+ was there before the command/),
  })
  expect(ended.stderr).not.toContain('To go back')
  const report = JSON.parse(readFileSync(project.path('report.json'), 'utf8'))
  expect(report).toMatchObject({ wayBack: [], targets: [{ backupLost: true }] })
})

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: another database of the server', (engine) => {
  async function twoShops() {
    const shop = await openShop(engine)
    return { shop, other: await openShop(engine), project: newProject(shop.env) }
  }

  test('that was written to is named, and the backed-up one is not', async () => {
    const { shop, other, project } = await twoShops()
    await other.ask('DELETE FROM customers WHERE id = 1')
    const ended = await meanwhile(project, async () => {
      await shop.ask("INSERT INTO customers VALUES (4, 'Edsger')")
      await other.ask('DELETE FROM customers WHERE id = 2')
    })
    expect(ended.stderr).toMatch(/^`\S+` was written to while this ran, and is not backed up$/m)
    expect(ended.stderr).not.toContain(`\`${shop.name}\``)
    const url = expect.stringContaining(`/${other.name}`)
    const record = { url, database: other.name, what: 'written' }
    expect(ended).toMatchObject({ code: 0, report: { elsewhere: expect.arrayContaining([record]) } })
  })

  test('that is gone is named', async () => {
    const { other, project } = await twoShops()
    const drop = () => sql(servers[engine], undefined, `DROP DATABASE ${other.name}`)
    const ended = await meanwhile(project, drop, { command: 'safe-test' })
    expect(ended.report.elsewhere).toContainEqual(expect.objectContaining({ database: other.name, what: 'dropped' }))
  })

  test('that was only read, or written to before, is not', async () => {
    const { other, project } = await twoShops()
    await other.ask("INSERT INTO customers VALUES (4, 'Edsger')")
    const ended = await meanwhile(project, () => other.customers())
    expect(JSON.stringify(ended.report)).not.toContain(other.name)
  })
})

test('SQLite: a file that holds something else now comes back by what the way back says', async () => {
  const shop = await openShop('SQLite')
  const path = shop.env['DB_DATABASE'] ?? ''
  const project = newProject(shop.env)
  await meanwhile(project, async () => writeFileSync(path, 'garbage'.repeat(1000)))
  const [backup] = project.backups()
  const refused = await project.run('restore-database', ['--yes', `backups/${backup}`])
  const [, aside = ''] = /or restore a backup: (mv .*) && restore-database$/m.exec(refused.stderr) ?? []
  expect(await project.run('/bin/sh', ['-c', aside])).toMatchObject({ code: 0 })
  expect(await project.run('restore-database', ['--yes', `backups/${backup}`])).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual(threeCustomers)
})
