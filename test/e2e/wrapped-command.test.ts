import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { until } from './clients.ts'
import { bin, newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

const fixture = (name: string) => join(import.meta.dirname, 'fixtures', `${name}.sh`)

/** The operations of the journal, oldest first. */
function journal(project: Project): Record<string, unknown>[] {
  const text = readFileSync(project.path('backups/journal.jsonl'), 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
}

function withShop(shop: Shop): Project {
  return newProject(shop.env)
}

describe.each(engineLabels)('%s:', (engine) => {
  test('the command gets its words, its input and its environment to the byte, and stdout is its alone', async () => {
    const shop = await openShop(engine)
    const project = withShop(shop)
    const words = ['two words', '', 'line\nbreak', '--env-file', '.env.none', '-', '--', '$HOME', '*', 'ü', '\\']
    const input = `typed\n${'\0\xff'.repeat(1000)}no line end`
    const env = { PECULIAR: 'two\nlines', EMPTY: '' }
    const command = [fixture('report-itself'), ...words]
    const ended = await project.run('safe-migrate', ['--yes', '--', ...command], { input, env })
    expect(ended).toMatchObject({ code: 0, stdout: 'to stdout\n' })
    expect(ended.stderr).toContain('to stderr\n')
    const [seenWords, seenInput, seenEnvironment] = ['words', 'input', 'environment'].map((name) =>
      readFileSync(project.path(name), 'utf8'),
    )
    expect(seenWords).toBe(`${words.join('\0')}\0`)
    expect(seenInput).toBe(input)
    const own = await project.run(fixture('report-itself'), [], { input, env })
    expect(own).toMatchObject({ code: 0 })
    expect(seenEnvironment).toBe(readFileSync(project.path('environment'), 'utf8'))
    expect(project.backups()).toHaveLength(1)
  })

  test('a migration that destroys the table and fails: the printed way back brings it back', async () => {
    const shop = await openShop(engine)
    const project = withShop(shop)
    const running = project.start('safe-migrate', [
      'sh',
      '-c',
      'touch started; until [ -e go ]; do sleep 0.02; done; exit 3',
    ])
    await until(project, 'started')
    await shop.ask('DROP TABLE customers')
    project.write('go', '')
    const ended = await running.ended
    expect(ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(/✗ .* ended with 3 after/) })
    const wayBack = /To go back: (.*)/.exec(ended.stderr)?.[1] ?? ''
    const restored = await project.run('/bin/sh', ['-c', `${wayBack} --yes`])
    expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining('Restored') })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('--restore-on-failure brings it back at once, and the exit code stays that of the command', async () => {
    const shop = await openShop(engine)
    const project = withShop(shop)
    const script = 'touch started; until [ -e go ]; do sleep 0.02; done; exit 3'
    const running = project.start('safe-migrate', ['--restore-on-failure', '--report', 'r.json', 'sh', '-c', script])
    await until(project, 'started')
    await shop.ask('DELETE FROM customers')
    project.write('go', '')
    expect(await running.ended).toMatchObject({ code: 3, stdout: '', stderr: expect.stringContaining('Restored') })
    expect(await shop.customers()).toEqual(threeCustomers)
    const report = JSON.parse(readFileSync(project.path('r.json'), 'utf8'))
    expect(report).toMatchObject({
      exitCode: 3,
      outcome: { exitCode: 3 },
      restored: expect.stringContaining('backups/'),
    })
  })

  test('--restore-on-failure says where it cannot restore, and what to do', async () => {
    const shop = await openShop(engine)
    const project = withShop(shop)
    const gone = await project.run('safe-migrate', ['--restore-on-failure', 'sh', '-c', 'rm -f backups/*.s*; exit 3'])
    expect(gone.code).toBe(3)
    expect(gone.stderr).toMatch(
      /Nothing was restored \(--restore-on-failure\): the backup .* not there any more.*restore-database, which lists/,
    )
  })

  test('after a success --restore-on-failure restores nothing', async () => {
    const shop = await openShop(engine)
    const ended = await withShop(shop).run('safe-migrate', ['--restore-on-failure', 'true'])
    expect(ended).toMatchObject({ code: 0, stdout: '', stderr: expect.not.stringContaining('Restored') })
  })
})

test.each([0, 1, 2, 42, 125, 126, 127, 130, 255])('an exit code of %i is kept', async (code) => {
  const project = withShop(await openShop('SQLite'))
  for (const command of ['safe-test', 'safe-migrate']) {
    expect(await project.run(command, ['sh', '-c', `exit ${code}`])).toMatchObject({ code, stdout: '' })
  }
})

test.each([
  ['TERM', 143],
  ['KILL', 137],
  ['SEGV', 139],
  ['INT', 130],
  ['HUP', 129],
])('a command that is ended by SIG%s ends us with %i', async (signal, code) => {
  const project = withShop(await openShop('SQLite'))
  const ended = await project.run('safe-test', ['--report', 'r.json', 'sh', '-c', `ulimit -c 0; kill -${signal} $$`])
  expect(ended).toMatchObject({ code, stderr: expect.stringContaining(`was ended by SIG${signal}`) })
  expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8')).outcome).toMatchObject({ signal: `SIG${signal}` })
})

test('a SIGTERM to us is passed on, and the command may clean up', async () => {
  const project = withShop(await openShop('SQLite'))
  const script = 'trap "echo cleaned; exit 7" TERM; touch started; while :; do sleep 0.02; done'
  const running = project.start('safe-test', ['sh', '-c', script])
  await until(project, 'started')
  running.kill('SIGTERM')
  expect(await running.ended).toMatchObject({ code: 7, stdout: 'cleaned\n' })
})

test('two megabytes of output arrive whole', async () => {
  const project = withShop(await openShop('SQLite'))
  const { stdout } = await project.run('safe-test', ['sh', '-c', 'seq 300000'])
  expect(stdout).toHaveLength(1_988_895)
})

describe('a command that', () => {
  test('is missing ends with 127 before any backup', async () => {
    const project = withShop(await openShop('SQLite'))
    const ended = await project.run('safe-migrate', ['artisan-of-nowhere', 'migrate'])
    expect(ended).toMatchObject({ code: 127, stdout: '' })
    expect(ended.stderr).toMatch(/artisan-of-nowhere is in no folder of PATH/)
    expect(ended.stderr).toContain('Nothing was backed up and nothing was run.')
    expect(project.kept()).toEqual([])
  })

  test.each([
    ['may not be executed', './migrate', 0o644],
    ['has an interpreter that is not there', './migrate', 0o755],
  ])('%s ends with 126 before any backup', async (_, command, mode) => {
    const project = withShop(await openShop('SQLite'))
    project.write('migrate', '#!/nowhere/php\n', mode)
    const ended = await project.run('safe-migrate', [command])
    expect(ended).toMatchObject({ code: 126, stdout: '', stderr: expect.stringContaining('cannot be run') })
    expect(project.kept()).toEqual([])
  })

  test('is a folder ends with 126', async () => {
    const project = withShop(await openShop('SQLite'))
    mkdirSync(project.path('migrate'))
    expect(await project.run('safe-migrate', ['./migrate'])).toMatchObject({ code: 126 })
  })

  test('is not named is a usage error', async () => {
    const project = withShop(await openShop('SQLite'))
    const ended = await project.run('safe-migrate', ['--yes'])
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('the command to run is missing') })
  })
})

test('a database that cannot be reached ends with 125, and the report says which code', async () => {
  const project = newProject({ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/shop' })
  const ended = await project.run('safe-test', ['--report', 'r.json', 'touch', 'ran'])
  expect(ended).toMatchObject({ code: 125, stdout: '' })
  expect(existsSync(project.path('ran'))).toBe(false)
  const report = JSON.parse(readFileSync(project.path('r.json'), 'utf8'))
  expect(report).toMatchObject({ version: 1, exitCode: 125, failure: { code: 11 } })
})

test('the report and the journal tell what happened', async () => {
  const shop = await openShop('MariaDB')
  const project = withShop(shop)
  const words = ['--report', 'r.json', 'sh', '-c', 'exit 4']
  expect(await project.run('safe-test', words)).toMatchObject({ code: 4 })
  const [backup] = project.backups()
  const url = shop.url.replace(/:[^:@]*@/, '@')
  expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({
    version: 1,
    command: 'safe-test',
    exitCode: 4,
    certain: true,
    targets: [{ url, backup, rows: 3, production: [] }],
    outcome: { exitCode: 4 },
    wayBack: [expect.stringContaining(`restore-database backups/${backup}`)],
  })
  expect(await project.run('restore-database', ['--yes', `backups/${backup}`])).toMatchObject({ code: 0 })
  expect(journal(project)).toEqual([
    expect.objectContaining({
      version: 1,
      command: `safe-test sh -c 'exit 4'`,
      targets: [url],
      backups: [backup],
      exitCode: 4,
      by: expect.stringMatching(/^tester@./),
    }),
    expect.objectContaining({ command: 'restore-database', restored: `backups/${backup}`, exitCode: 0 }),
  ])
})

test('a journal that cannot be written fails nothing, and is told', async () => {
  const project = withShop(await openShop('SQLite'))
  mkdirSync(project.path('backups/journal.jsonl'), { recursive: true })
  const ended = await project.run('safe-test', ['sh', '-c', 'exit 4'])
  expect(ended).toMatchObject({ code: 4, stderr: expect.stringContaining('The journal could not be written') })
})

test('a report that cannot be written fails nothing, and is told', async () => {
  const project = withShop(await openShop('SQLite'))
  const ended = await project.run('safe-test', ['--report', 'nowhere/r.json', 'true'])
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('nowhere/r.json could not be written') })
})

test('--json prints one document on stdout', async () => {
  const project = withShop(await openShop('SQLite'))
  const made = await project.run('backup-database', ['--json'])
  const [backup] = project.backups()
  expect(JSON.parse(made.stdout)).toMatchObject({ version: 1, exitCode: 0, targets: [{ backup }] })
  const list = await project.run('restore-database', ['--json'])
  expect(JSON.parse(list.stdout)).toMatchObject({ version: 1, backups: [{ file: backup }] })
  const restored = await project.run('restore-database', ['--json', '--yes', `backups/${backup}`])
  expect(JSON.parse(restored.stdout)).toMatchObject({ version: 1, exitCode: 0, restored: `backups/${backup}` })
  const inspected = await project.run('inspect-database', ['--json', '--', 'npm', 'test'])
  expect(JSON.parse(inspected.stdout)).toMatchObject({ version: 1, certain: true, targets: [{ engine: 'sqlite' }] })
  const failed = await project.run('backup-database', ['--json', '--env-file', 'nowhere'])
  expect(failed.code).toBe(2)
  expect(JSON.parse(failed.stdout)).toMatchObject({ version: 1, exitCode: 2, failure: { code: 2 } })
})

describe('several candidates', () => {
  test('are all backed up before the command runs, and it is said how to settle it', async () => {
    const shops = [await openShop('SQLite'), await openShop('MariaDB'), await openShop('PostgreSQL')] as const
    const project = newProject(shops[0].env)
    for (const [index, name] of ['.env.testing', '.env.test'].entries()) {
      const pairs = Object.entries(shops[index + 1]?.env ?? {})
      project.write(name, pairs.map((pair) => `${pair.join('=')}\n`).join(''))
    }
    const ended = await project.run('safe-test', ['--report', 'r.json', 'true'])
    expect(ended).toMatchObject({ code: 0, stdout: '' })
    expect(project.backups()).toHaveLength(3)
    expect(ended.stderr).toContain('It is not certain which database the command will use')
    expect(ended.stderr).toMatch(/settle.*--env-file \.env\.testing/)
    expect(ended.stderr.match(/To go back: /g)).toHaveLength(3)
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({ certain: false })
    await shops[1].ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const settled = await project.run('safe-test', ['--env-file', '.env.testing', 'true'])
    expect(settled).toMatchObject({ code: 0, stderr: expect.not.stringContaining('not certain') })
    expect(project.backups()).toHaveLength(4)
  })

  test('of which one cannot be reached stop the command', async () => {
    const project = withShop(await openShop('SQLite'))
    project.write('.env.testing', 'DATABASE_URL=postgres://nobody@127.0.0.1:1/shop_test\n')
    expect(await project.run('safe-test', ['touch', 'ran'])).toMatchObject({ code: 125 })
    expect(existsSync(project.path('ran'))).toBe(false)
  })

  test('make a restore end with 10 and list them, unless the backup itself says', async () => {
    const [shop, other] = [await openShop('SQLite'), await openShop('SQLite')]
    const project = withShop(shop)
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    const [backup = ''] = project.backups()
    const text = (env: Shop['env']) =>
      Object.entries(env)
        .map((pair) => `${pair.join('=')}\n`)
        .join('')
    project.write('.env.testing', text(other.env))
    expect(await project.run('restore-database', ['--yes', `backups/${backup}`])).toMatchObject({ code: 0 })
    project.write('foreign.sqlite', readFileSync(project.path(`backups/${backup}`)))
    const ended = await project.run('restore-database', ['--yes', 'foreign.sqlite'])
    expect(ended).toMatchObject({
      code: 10,
      stdout: '',
      stderr: expect.stringContaining('Several databases are named'),
    })
    expect(ended.stderr).toContain(shop.url)
    expect(ended.stderr).toContain(other.url)
    expect(ended.stderr).toMatch(/→ .*restore-database --env-file \.env\.testing/)
  })
})

test('--pin gives the command the database keys of the chosen file, and no other key', async () => {
  const [shop, other] = [await openShop('SQLite'), await openShop('SQLite')]
  const project = withShop(shop)
  const text = Object.entries(other.env).map((pair) => `${pair.join('=')}\n`)
  project.write('.env.testing', `${text.join('')}APP_KEY=secret\n`)
  const words = ['--env-file', '.env.testing', '--pin', fixture('report-itself')]
  expect(await project.run('safe-test', words, { env: { DB_DATABASE: 'from-the-shell' } })).toMatchObject({ code: 0 })
  const environment = readFileSync(project.path('environment'), 'utf8').split('\0')
  expect(environment).toContain(`DB_DATABASE=${other.env['DB_DATABASE']}`)
  expect(environment.join()).not.toContain('APP_KEY')
  expect(environment.join()).not.toContain('from-the-shell')
})

describe('nothing to lose', () => {
  test.each([
    ['a SQLite file that is not there', { DB_CONNECTION: 'sqlite', DB_DATABASE: 'new.sqlite' }],
    ['a database in memory', { DB_CONNECTION: 'sqlite', DB_DATABASE: ':memory:' }],
  ])('is %s: the command runs, and backup-database ends with 11', async (_, env) => {
    const project = newProject(env)
    const ended = await project.run('safe-migrate', ['sh', '-c', 'exit 5'])
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining('Nothing to back up') })
    expect(await project.run('backup-database')).toMatchObject({ code: 11, stdout: '' })
    expect(existsSync(project.path('new.sqlite'))).toBe(false)
  })

  test.each(['PostgreSQL', 'MariaDB'] as const)('is a database of %s that does not exist yet', async (engine) => {
    const shop = await openShop(engine)
    const project = newProject({ DATABASE_URL: `${shop.url}_new` })
    const ended = await project.run('safe-migrate', ['sh', '-c', 'exit 5'])
    expect(ended).toMatchObject({ code: 5, stderr: expect.stringContaining(`${shop.name}_new does not exist yet`) })
    expect(await project.run('backup-database')).toMatchObject({ code: 11, stdout: '' })
  })
})

test('--quiet says nothing when all is well; NO_COLOR and a pipe mean no colours', async () => {
  const project = withShop(await openShop('SQLite', 'shop_test.sqlite'))
  expect(await project.run('safe-test', ['--quiet', 'true'])).toEqual({ code: 0, stdout: '', stderr: '' })
  const plain = await project.run('safe-test', ['true'])
  expect(plain.stderr).not.toContain('\x1b')
  const forced = await project.run('safe-test', ['true'], { env: { FORCE_COLOR: '1' } })
  expect(forced.stderr).toContain('\x1b')
  for (const [words, env] of [
    [['--no-color'], {}],
    [[], { NO_COLOR: '1' }],
  ] as const) {
    const ended = await project.run('safe-test', [...words, 'true'], { env: { FORCE_COLOR: '1', ...env } })
    expect(ended.stderr).not.toContain('\x1b')
  }
})

test('seatbelt.json in a parent folder says where the backups are, and its options count', async () => {
  const shop = await openShop('SQLite')
  const project = newProject()
  project.write('seatbelt.json', '{ "backupDir": "safe", "compress": "zstd" }')
  project.write(
    'app/web/.env',
    Object.entries(shop.env)
      .map((pair) => `${pair.join('=')}\n`)
      .join(''),
  )
  const cwd = project.path('app/web')
  const ended = await project.run('safe-test', ['true'], { cwd })
  expect(ended).toMatchObject({ code: 0 })
  const files = readdirSync(project.path('safe')).filter((name) => name.endsWith('.zst'))
  expect(files).toHaveLength(1)
  const wayBack = /To go back: (.*)/.exec(ended.stderr)?.[1] ?? ''
  await shop.ask('DELETE FROM customers')
  expect(await project.run('/bin/sh', ['-c', `${wayBack} --yes`], { cwd })).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual(threeCustomers)
})

test.each([
  ['{ "keeep": 3 }', 'unknown key "keeep"'],
  ['{ "keep": 0 }', 'keep must be a whole number of at least 1'],
  ['{ "compress": "xz" }', 'compress must be one of none, zstd, gzip'],
  ['{', 'is not valid JSON'],
])('a seatbelt.json of %s is a usage error', async (content, says) => {
  const project = withShop(await openShop('SQLite'))
  project.write('seatbelt.json', content)
  const ended = await project.run('backup-database')
  expect(ended).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining(says) })
  expect(ended.stderr).toContain('seatbelt.json')
  expect(await project.run('safe-test', ['touch', 'ran'])).toMatchObject({ code: 125 })
  expect(existsSync(project.path('ran'))).toBe(false)
})

describe('the executable', () => {
  test('alone under the name of a command in a folder of the PATH is that command', async () => {
    const project = withShop(await openShop('SQLite'))
    mkdirSync(project.path('bin'))
    copyFileSync(realpathSync(join(bin, 'seatbelt')), project.path('bin/safe-migrate'))
    const env = { PATH: `${project.path('bin')}:${process.env['PATH']}` }
    const ended = await project.run('/usr/bin/env', ['safe-migrate', 'sh', '-c', 'exit 6'], { env })
    expect(ended).toMatchObject({ code: 6, stdout: '' })
    expect(project.backups()).toHaveLength(1)
  })

  test('behind a link of the name, or told the name, is that command', async () => {
    const project = withShop(await openShop('SQLite'))
    symlinkSync(realpathSync(join(bin, 'seatbelt')), project.path('safe-test'))
    expect(await project.run(project.path('safe-test'), ['sh', '-c', 'exit 6'])).toMatchObject({ code: 6 })
    expect(await project.run('seatbelt', ['safe-test', 'sh', '-c', 'exit 6'])).toMatchObject({ code: 6 })
    expect(await project.run('seatbelt', ['unknown'])).toMatchObject({ code: 2, stdout: '' })
  })
})
