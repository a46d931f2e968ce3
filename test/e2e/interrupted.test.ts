import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { describe, expect, inject, test, vi } from 'vitest'
import { mariaDump, pgDump13, slow, until } from './clients.ts'
import { listen, wayTo } from './listeners.ts'
import { newProject, type Project } from './project.ts'
import { openShop, type Shop, serverShop, threeCustomers } from './shops.ts'

const { postgres, mariadb } = inject('servers')

type Slow = { readonly shop: Shop; readonly project: Project; readonly env: Record<string, string> }

/** A shop whose dump stops half-way until it is told to go on. */
async function slowDump(kind: 'PostgreSQL' | 'MariaDB'): Promise<Slow> {
  const shop = await serverShop(kind, kind === 'PostgreSQL' ? postgres['13'] : mariadb)
  const project = newProject(shop.env)
  const env = kind === 'PostgreSQL' ? pgDump13(project, slow(project)) : mariaDump(project, slow(project))
  return { shop, project, env }
}

/** The programs that run below the folder of a project. */
function clientsOf(project: Project): readonly string[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const lines = pids.map((pid) => commandLine(pid))
  return lines.filter((line) => line.includes(project.path('clients')))
}

function commandLine(pid: string): string {
  const { stdout } = Bun.spawnSync(['cat', `/proc/${pid}/cmdline`], { stdout: 'pipe', stderr: 'ignore' })
  return stdout.toString().replaceAll('\0', ' ')
}

/** One of its threads waits in the kernel for the other end of a FIFO. */
function isOpeningFifo(pid: number): boolean {
  const tasks = readdirSync(`/proc/${pid}/task`)
  return tasks.some((task) => readFileSync(`/proc/${pid}/task/${task}/wchan`, 'utf8') === 'wait_for_partner')
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: a dump that is interrupted', (kind) => {
  test('by Ctrl-C ends with 130, the wrapper with 125, and leaves nothing half-done', async () => {
    for (const [command, words, code] of [
      ['backup-database', [], 130],
      ['safe-migrate', ['touch', 'ran'], 125],
    ] as const) {
      const { shop, project, env } = await slowDump(kind)
      const terminal = project.terminal(command, words, { env })
      await until(project, 'waiting')
      terminal.write('\x03')
      await terminal.waitFor('Interrupted (SIGINT): nothing half-done was left behind')
      expect(await terminal.exit).toEqual({ code, signal: null })
      expect(project.kept()).toEqual([])
      expect(existsSync(project.path('ran'))).toBe(false)
      expect(await shop.customers()).toEqual(threeCustomers)
      project.write('go', '')
    }
  })

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 143],
    ['SIGINT', 130],
  ] as const)('by %s ends with %i and leaves nothing half-done', async (signal, code) => {
    const { shop, project, env } = await slowDump(kind)
    const running = project.start('backup-database', [], { env })
    await until(project, 'waiting')
    running.kill(signal)
    expect(await running.ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(signal) })
    expect(project.kept()).toEqual([])
    expect(await shop.customers()).toEqual(threeCustomers)
    project.write('go', '')
    await expect.poll(() => clientsOf(project), { timeout: 20_000 }).toEqual([])
  })

  test('by nothing is told in a line on a terminal, and by no line in a pipe', async () => {
    const { shop, project, env } = await slowDump(kind)
    const terminal = project.terminal('backup-database', [], { env })
    await terminal.waitFor(/backing up|⠋|⠙|⠹|⠸|⠼|⠴|⠦|⠧|⠇|⠏/)
    project.write('go', '')
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const piped = await project.run('backup-database', [], { env })
    expect(piped.stderr).toMatch(/^✓ Backed up [^\n\r]*\n$/)
  })
})

const waitingForTheLock = {
  PostgreSQL: `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND query LIKE '%pg_try_advisory_lock%'`,
  MariaDB: "SELECT 1 FROM information_schema.processlist WHERE db = database() AND state = 'User lock'",
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: a run that waits for another one', (kind) => {
  test.each([
    ['SIGTERM', 143, 'answers'],
    ['SIGINT', 130, 'answers'],
    ['SIGINT', 130, 'is frozen'],
  ] as const)('is ended by %s with %i where the server %s', async (signal, code, server) => {
    const { shop, project, env } = await slowDump(kind)
    project.start('backup-database', [], { env })
    await until(project, 'waiting')
    const way = await wayTo({ port: Number(new URL(shop.url).port) })
    const second = newProject({ DATABASE_URL: Object.assign(new URL(shop.url), { port: way.port }).href })
    const running = second.start('backup-database', [], { env })
    await vi.waitUntil(async () => (await shop.ask(waitingForTheLock[kind])).length === 1, { timeout: 30_000 })
    if (server === 'is frozen') way.freeze()
    running.kill(signal)
    expect(await running.ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining(signal) })
    expect(second.kept()).toEqual([])
    if (server === 'answers')
      await expect.poll(() => shop.ask(waitingForTheLock[kind]), { timeout: 20_000 }).toEqual([])
    project.write('go', '')
  })
})

describe('two runs at once on one database', () => {
  test('take turns: each has a backup', async () => {
    for (const engine of ['PostgreSQL', 'MariaDB', 'SQLite'] as const) {
      const shop = await openShop(engine)
      const project = newProject(shop.env)
      const runs = await Promise.all(['a', 'b', 'c'].map(() => project.run('backup-database')))
      expect(runs.map(({ code }) => code)).toEqual([0, 0, 0])
      const named = new Set(runs.map(({ stdout }) => basename(stdout.trim())))
      expect(project.backups().toSorted()).toEqual([...named].toSorted())
      expect(project.kept()).toEqual([...named].flatMap((name) => [name, `${name}.json`]).toSorted())
    }
  })

  test('of which one does not end: the other ends with 50 and says why', async () => {
    const both = await Promise.all([slowDump('PostgreSQL'), slowDump('MariaDB')])
    for (const { project, env } of both) {
      project.start('backup-database', [], { env })
      await until(project, 'waiting')
    }
    const seconds = await Promise.all(
      both.map(({ project, env }) => project.run('safe-test', ['--report', 'r.json', 'touch', 'ran'], { env })),
    )
    for (const second of seconds)
      expect(second).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('→') })
    for (const { project } of both) {
      expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({ failure: { code: 50 } })
      expect(existsSync(project.path('ran'))).toBe(false)
      expect(project.backups()).toEqual([])
      project.write('go', '')
    }
  })

  test('a restore and a backup: the database and the backup are whole', async () => {
    for (const engine of ['PostgreSQL', 'MariaDB', 'SQLite'] as const) {
      const shop = await openShop(engine)
      const project = newProject(shop.env)
      const { stdout } = await project.run('backup-database')
      const [restored, made] = await Promise.all([
        project.run('restore-database', ['--yes', stdout.trim()]),
        project.run('backup-database'),
      ])
      expect(restored).toMatchObject({ code: 0 })
      expect([0, 11, 30, 50]).toContain(made.code)
      expect(await shop.customers()).toEqual(threeCustomers)
      for (const name of project.backups()) expect(project.manifest(name).tables).toMatchObject([{ rows: 3 }])
    }
  })
})

describe('a file that nobody writes to, or reads', () => {
  test.each([
    ['backup-database', ['--env-file', 'fifo'], 'SIGINT'],
    ['backup-database', ['--env-file', 'fifo'], 'SIGTERM'],
    ['safe-test', ['--yes', '--report', 'fifo', 'true'], 'SIGTERM'],
  ] as const)('holds up %s %j no longer than to the second %s', async (command, words, signal) => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    Bun.spawnSync(['mkfifo', project.path('fifo')])
    const running = project.start(command, words)
    await vi.waitUntil(() => isOpeningFifo(running.pid), { timeout: 30_000 })
    const timer = setInterval(() => running.kill(signal), 100)
    expect(await running.ended.finally(() => clearInterval(timer))).toMatchObject({ code: signal })
  })

  test('holds up nobody whose one Ctrl-C comes twice, as npm sends it', async () => {
    const { project, env } = await slowDump('PostgreSQL')
    const running = project.start('backup-database', [], { env })
    await until(project, 'waiting')
    for (let times = 0; times < 5; times++) {
      running.kill('SIGINT')
      await Bun.sleep(2) // the kernel tells two at once as one
    }
    expect(await running.ended).toMatchObject({ code: 130, stderr: expect.stringContaining('nothing half-done') })
    expect(project.kept()).toEqual([])
  })
})

test('inspect-database that waits for a silent server is ended by SIGINT with 130', async () => {
  const silent = await listen(() => undefined)
  for (const scheme of ['postgres', 'mysql']) {
    const project = newProject({ DATABASE_URL: `${scheme}://a@127.0.0.1:${silent.port}/shop` })
    const before = silent.calls()
    const running = project.start('inspect-database')
    await vi.waitUntil(() => silent.calls() > before, { timeout: 30_000 })
    running.kill('SIGINT')
    expect(await running.ended).toMatchObject({ code: 130, stdout: '', stderr: expect.stringContaining('SIGINT') })
  }
})

describe.each([
  ['exit 7', 7],
  ['kill -9 $$', 137],
])('after the wrapped command ended (%s)', (script, code) => {
  test('an interruption of our question leaves its code ours', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const words = ['--report', 'r.json', 'sh', '-c', script]
    const terminal = project.terminal('safe-migrate', words, { env: { SEATBELT_CHECK_SECONDS: '0' } })
    await terminal.waitFor('Restore the database')
    terminal.kill('SIGTERM')
    expect(await terminal.exit).toEqual({ code, signal: null })
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({ exitCode: code })
  })
})

describe('while the wrapped command runs', () => {
  test('Ctrl-C goes to it, and its own exit code is ours', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const script = 'trap "echo cleaned up; exit 5" INT; echo running; while :; do sleep 0.02; done'
    const terminal = project.terminal('safe-test', ['--yes', 'sh', '-c', script])
    await terminal.waitFor('running')
    terminal.write('\x03')
    await terminal.waitFor('cleaned up')
    await terminal.waitFor('ended with 5')
    expect(await terminal.exit).toEqual({ code: 5, signal: null })
  })

  test('Ctrl-C that ends it ends us with 130, after the way back was told', async () => {
    const shop = await openShop('SQLite')
    const terminal = newProject(shop.env).terminal('safe-test', ['--yes', 'sh', '-c', 'echo running; exec sleep 1000'])
    await terminal.waitFor('running')
    terminal.write('\x03')
    await terminal.waitFor('To go back:')
    expect(await terminal.exit).toEqual({ code: 130, signal: null })
    expect(terminal.screen()).not.toContain('was not checked')
  })

  test('it has the terminal three times, in its size, and its prompts', async () => {
    const shop = await openShop('SQLite')
    const script = '[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && stty size; read -r line; echo "got $line"'
    const terminal = newProject(shop.env).terminal('safe-test', ['--yes', 'sh', '-c', script])
    await terminal.waitFor('30 200')
    terminal.write('an answer\r')
    await terminal.waitFor('got an answer')
    terminal.resize(90, 20)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
  })
})
