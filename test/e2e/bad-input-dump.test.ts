import { readFileSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { sql } from '../servers/databases.ts'
import { startMaria } from '../servers/mariadb.ts'
import { startPostgres } from '../servers/postgres.ts'
import { type Behaviour, behaviours, mariaDump, pgDump13, slow, until } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, serverShop, threeCustomers } from './shops.ts'
import { withoutRootsRights } from './unprivileged.ts'

const { postgres, mariadb } = inject('servers')

/** A shop with one good backup, and the backup's name and bytes. */
async function backedUp(shop: Shop): Promise<{ project: Project; older: string; bytes: Buffer }> {
  const project = newProject(shop.env)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [older = ''] = project.backups()
  return { project, older, bytes: readFileSync(project.path(`backups/${older}`)) }
}

/** Nothing is there but the older backup, to the byte, and the database is as it was. */
async function onlyTheOlderBackup(project: Project, shop: Shop, { older, bytes }: { older: string; bytes: Buffer }) {
  expect(project.kept()).toEqual([older, `${older}.json`])
  expect(readFileSync(project.path(`backups/${older}`)).equals(bytes)).toBe(true)
  expect(await shop.customers()).toEqual(threeCustomers)
}

type Kind = 'PostgreSQL' | 'MariaDB'

const inFront: Readonly<Record<Kind, (project: Project, behaviour: Behaviour) => Record<string, string>>> = {
  PostgreSQL: pgDump13,
  MariaDB: mariaDump,
}

function shopOf(kind: Kind): Promise<Shop> {
  return serverShop(kind, kind === 'PostgreSQL' ? postgres['13'] : mariadb)
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('a client of %s that', (kind) => {
  test.each([
    ['ends with 0 and no closing line', behaviours.endsEarlyWithSuccess, /completion line/],
    ['ends with 1 after its closing line', behaviours.failsAfterTheTrailer, /the connection was lost/],
    ['is killed', behaviours.isKilled, /SIGKILL|137/],
  ])('%s keeps nothing, and the command is not run', async (_, behaviour, says) => {
    const shop = await shopOf(kind)
    const { project, ...before } = await backedUp(shop)
    const env = { ...inFront[kind](project, behaviour), SEATBELT_ALWAYS_DUMP: 'true' }
    const alone = await project.run('backup-database', ['--keep', '1'], { env })
    expect(alone).toMatchObject({ code: 30, stdout: '', stderr: expect.stringMatching(says) })
    expect(alone.stderr).toContain('→')
    const wrapper = await project.run('safe-migrate', ['--keep', '1', 'touch', 'ran'], { env })
    expect(wrapper).toMatchObject({ code: 125, stderr: expect.stringMatching(says) })
    expect(() => readFileSync(project.path('ran'))).toThrow('ENOENT')
    await onlyTheOlderBackup(project, shop, before)
  })
})

test('a client that is missing', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  const ended = await project.run('backup-database', [], { env: { PATH: project.path('home') } })
  expect(ended).toMatchObject({ code: 11, stdout: '' })
  expect(ended.stderr).toContain('mariadb-dump is not installed')
  expect(ended.stderr).toContain('apt-get install mariadb-client')
  expect(project.kept()).toEqual([])
})

test('a client older than the server', async () => {
  const shop = await serverShop('PostgreSQL', postgres['18'])
  const project = newProject(shop.env)
  const alone = await project.run('backup-database')
  expect(alone).toMatchObject({ code: 11, stdout: '' })
  expect(alone.stderr).toMatch(/pg_dump 18 is missing: the server is PostgreSQL 18/)
  expect(alone.stderr).toMatch(/an older one cannot dump a newer server/)
  expect(alone.stderr).toMatch(/→ .*18/)
  expect(await project.run('safe-migrate', ['touch', 'ran'])).toMatchObject({ code: 125 })
  expect(() => readFileSync(project.path('ran'))).toThrow('ENOENT')
  expect(project.kept()).toEqual([])
})

describe.each(engineLabels)('%s:', (engine) => {
  test('a disk that is full', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    // A tmpfs that nobody else sees and that goes with its last process.
    const script = `
      mkdir backups && mount -t tmpfs -o size=1m tmpfs backups || exit 99
      "$@" >&2 || exit 98
      ls backups >before
      head -c 2M /dev/zero >backups/filler 2>/dev/null
      "$@"; code=$?
      ls -A backups >after
      exit $code`
    project.write('fill.sh', script)
    const namespace = ['unshare', ...(process.getuid?.() === 0 ? ['-m'] : ['-rm'])]
    const under = [...namespace, 'sh', project.path('fill.sh')]
    const ended = await project.run('backup-database', ['--always-dump'], { under })
    expect(ended).toMatchObject({ code: 30, stdout: '' })
    expect(ended.stderr).toMatch(/disk is full/)
    expect(ended.stderr).toMatch(/→ .*space/i)
    const [before, after] = ['before', 'after'].map((name) => readFileSync(project.path(name), 'utf8').split('\n'))
    const ours = (name: string) => !['', '.gitignore', 'filler', 'journal.jsonl'].includes(name)
    expect(after?.filter(ours)).toEqual(before?.filter(ours))
    expect(before?.filter(ours)).toHaveLength(2)
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('a limit on the size of files', async () => {
    const shop = await openShop(engine)
    const { project, ...before } = await backedUp(shop)
    const ended = await project.run('backup-database', ['--always-dump'], { under: ['prlimit', '--fsize=1000'] })
    expect(ended).toMatchObject({ code: 30, stdout: '', stderr: expect.stringContaining('→') })
    await onlyTheOlderBackup(project, shop, before)
  })

  test('a backup folder that may not be written to', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    project.write('backups/kept', '')
    await Bun.$`chmod 500 ${project.path('backups')}`
    const ended = await project.run('safe-migrate', ['touch', 'ran'], { under: withoutRootsRights() })
    expect(ended).toMatchObject({ code: 125, stderr: expect.stringContaining('backups cannot be written to') })
    expect(ended.stderr).toContain('→ Make it writable for you, or name another folder with --backup-dir.')
    const alone = await project.run('backup-database', [], { under: withoutRootsRights() })
    expect(alone).toMatchObject({ code: 30 })
    expect(project.kept()).toEqual(['kept'])
    expect(() => readFileSync(project.path('ran'))).toThrow('ENOENT')
  })

  test('a backup folder that is a file', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    project.write('backups', 'a file')
    const ended = await project.run('backup-database')
    expect(ended).toMatchObject({ code: 30, stdout: '', stderr: expect.stringContaining('backups is a file') })
    expect(ended.stderr).toContain('→ Move that file away, or name another folder with --backup-dir.')
    expect(readFileSync(project.path('backups'), 'utf8')).toBe('a file')
  })
})

/** More rows than the pipes hold, so that the server is needed until the end. */
async function fill(shop: Shop): Promise<void> {
  const rows = 200_000 // more than the kernel's buffers take: a small dump would be whole before its server is killed
  const filler = `repeat('x', 100)`
  await shop.ask(
    shop.engine === 'PostgreSQL'
      ? `INSERT INTO customers SELECT n, ${filler} FROM generate_series(4, ${rows}) n`
      : `INSERT INTO customers SELECT seq, ${filler} FROM seq_4_to_${rows}`,
  )
}

test.each(['PostgreSQL', 'MariaDB'] as const)('a server of %s that is killed half-way', async (kind) => {
  const { server, kept } = kind === 'PostgreSQL' ? await startPostgres('13') : await startMaria()
  try {
    const shop = await serverShop(kind, server)
    const project = newProject(shop.env)
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    await fill(shop)
    const before = project.kept()
    const running = project.start('safe-migrate', ['touch', 'ran'], { env: inFront[kind](project, slow(project)) })
    await until(project, 'waiting')
    const children = kind === 'PostgreSQL' ? await sql(server, undefined, 'SELECT pid FROM pg_stat_activity') : []
    for (const pid of [server.pid, ...children.map(({ pid }) => Number(pid))]) kill(pid)
    await kept.ended
    project.write('go', '')
    const ended = await running.ended
    expect(ended).toMatchObject({ code: 125, stdout: '', stderr: expect.stringContaining('→') })
    expect(() => readFileSync(project.path('ran'))).toThrow('ENOENT')
    expect(project.kept()).toEqual(before)
  } finally {
    await kept.stop()
  }
})

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // Ended by itself when its server went.
  }
}
