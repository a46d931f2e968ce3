import { existsSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { behaviours, mariaDump } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop } from './shops.ts'

let changes = 0

/** Backs up what never was there before. */
async function backUp(project: Project, shop: Shop, ...words: readonly string[]): Promise<string> {
  const before = new Set(project.backups())
  await shop.ask(`UPDATE customers SET name = 'Change ${++changes}' WHERE id = 3`)
  const ended = await project.run('backup-database', words)
  expect(ended).toMatchObject({ code: 0 })
  return project.backups().find((name) => !before.has(name)) ?? ''
}

async function backUpTimes(
  project: Project,
  shop: Shop,
  times: number,
  ...words: readonly string[]
): Promise<readonly string[]> {
  const names: string[] = []
  for (let time = 0; time < times; time++) names.push(await backUp(project, shop, ...words))
  return names
}

test('the 31st backup pushes out the first', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const names = await backUpTimes(project, shop, 31)
  expect(new Set(names).size).toBe(31)
  expect(project.backups().toSorted()).toEqual(names.slice(1).toSorted())
  // Its manifest went with it.
  expect(project.kept()).toHaveLength(60)
})

describe.each(engineLabels)('%s:', (engine) => {
  test('--keep, SEATBELT_KEEP and seatbelt.json say how many stay', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const first = await backUpTimes(project, shop, 5)
    project.write('seatbelt.json', '{ "keep": 4 }')
    const sixth = await backUp(project, shop)
    expect(project.backups().toSorted()).toEqual([...first.slice(2), sixth].toSorted())
    expect(await project.run('backup-database', [], { env: { SEATBELT_KEEP: '3' } })).toMatchObject({ code: 0 })
    expect(project.backups()).toHaveLength(3)
    const last = await backUp(project, shop, '--keep', '1')
    expect(project.backups()).toEqual([last])
  })

  test('what a running command depends on stays, whatever other runs keep, and goes with the next one', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const script = 'touch started; until [ -e go ]; do sleep 0.02; done; exit 3'
    const words = ['--keep', '1', '--restore-on-failure', 'sh', '-c', script]
    const running = project.start('safe-migrate', words)
    while (!existsSync(project.path('started'))) await sleep(20)
    const [own = ''] = project.backups()
    await shop.ask('DELETE FROM customers WHERE id = 1')
    const others = await backUpTimes(project, shop, 2, '--keep', '1')
    expect(project.backups().toSorted()).toEqual([own, others[1]].toSorted())
    const { stdout } = await project.run('backup-database', ['--rotate', '--dry-run', '--keep', '1'])
    expect(stdout).toContain('a command that runs depends on it')
    project.write('go', '')
    expect(await running.ended).toMatchObject({ code: 3, stderr: expect.stringContaining('Restored') })
    expect(await shop.customers()).toHaveLength(3)
    expect(project.kept().filter((name) => name.startsWith('.'))).toEqual([])
    const last = await backUp(project, shop, '--keep', '1')
    expect(project.backups()).toEqual([last])
  })

  test('a backup whose manifest is missing is foreign: it stays, and counts for nothing', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const [oldest = '', ...others] = await backUpTimes(project, shop, 3)
    rmSync(project.path(`backups/${oldest}.json`))
    const newest = await backUp(project, shop, '--keep', '2')
    expect(project.backups().toSorted()).toEqual([oldest, others[1], newest].toSorted())
  })

  test('foreign files stay', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const foreign = ['database_app_2001-01-01_00-00-00.sql', 'notes.txt', 'dump.sql', 'old.sqlite', 'x.sql.json']
    for (const name of foreign) project.write(`backups/${name}`, 'mine')
    await backUpTimes(project, shop, 3, '--keep', '1')
    expect(project.kept()).toEqual(expect.arrayContaining(foreign))
    expect(project.kept()).toHaveLength(foreign.length + 2)
  })

  test('databases whose names begin alike do not push out each other', async () => {
    const app = await openShop(engine)
    const test = await openShop(engine, engine === 'SQLite' ? 'app_test.sqlite' : `${app.name}_test`)
    const project = newProject(app.env)
    const ofApp = await backUp(project, app, '--keep', '1')
    project.write(
      '.env',
      Object.entries(test.env)
        .map((pair) => `${pair.join('=')}\n`)
        .join(''),
    )
    const ofTest = await backUpTimes(project, test, 3, '--keep', '1')
    expect(project.backups().toSorted()).toEqual([ofApp, ofTest.at(-1)].toSorted())
  })
})

test('files of one name in two folders are two databases', async () => {
  const one = await openShop('SQLite', 'app.sqlite')
  const other = await openShop('SQLite', 'app.sqlite')
  expect(dirname(one.url)).not.toBe(dirname(other.url))
  const project = newProject(one.env)
  await backUp(project, one, '--keep', '1')
  const { code } = await project.run('backup-database', ['--keep', '1', '--database-url', other.url])
  expect(code).toBe(0)
  expect(project.backups()).toHaveLength(2)
})

test('a failed backup rotates nothing', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  const names = await backUpTimes(project, shop, 3)
  const env = mariaDump(project, behaviours.endsEarlyWithSuccess)
  expect(await project.run('backup-database', ['--keep', '1', '--always-dump'], { env })).toMatchObject({ code: 30 })
  expect(project.backups().toSorted()).toEqual(names.toSorted())
})

test('a restore never rotates out the backup that it restores', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const backup = await backUp(project, shop)
  const restore = ['--yes', '--keep', '1', join('backups', backup)]
  expect(await project.run('restore-database', restore)).toMatchObject({ code: 0 })
  expect(project.backups()).toContain(backup)
})

describe('--rotate', () => {
  /** Five backups of one shop, oldest first, as if one had been made each day, and one of another shop. */
  async function fiveDays(): Promise<{ project: Project; names: readonly string[]; other: string }> {
    const shop = await openShop('SQLite')
    const otherShop = await openShop('SQLite')
    const project = newProject(shop.env)
    const names = await backUpTimes(project, shop, 5)
    for (const [index, name] of names.entries()) {
      const createdAt = new Date(Date.now() - (5 - index) * 86_400_000).toISOString()
      project.write(`backups/${name}.json`, JSON.stringify({ ...project.manifest(name), createdAt }))
    }
    const { stdout } = await project.run('backup-database', ['--database-url', otherShop.url])
    rmSync(project.path('.env')) // no database is asked
    return { project, names, other: stdout.trim().replace('backups/', '') }
  }

  test('--dry-run shows what would go, of each database, and removes nothing', async () => {
    const { project, names, other } = await fiveDays()
    const before = project.kept()
    const ended = await project.run('backup-database', ['--rotate', '--dry-run', '--keep', '2'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    for (const name of names.slice(0, 3))
      expect(ended.stdout).toMatch(new RegExp(`^ +backups/${name} .* remove +beyond the last 2$`, 'm'))
    for (const name of [...names.slice(3), other])
      expect(ended.stdout).toMatch(new RegExp(`^ +backups/${name} .* keep +newest 2$`, 'm'))
    expect(ended.stdout.match(/^sqlite:/gm)).toHaveLength(2)
    expect(ended.stdout).toMatch(/Would remove 3 backups \(.*\); nothing was removed\.\n$/)
    expect(project.kept()).toEqual(before)
  })

  test('removes just that, and makes no backup', async () => {
    const { project, names, other } = await fiveDays()
    const ended = await project.run('backup-database', ['--rotate', '--keep', '2'])
    expect(ended).toMatchObject({ code: 0, stderr: '' })
    expect(ended.stdout).toMatch(/Removed 3 backups/)
    expect(project.backups()).toEqual([...names.slice(3), other].toSorted())
    expect(project.kept()).toHaveLength(6)
    expect(await project.run('backup-database', ['--rotate', '--keep', '2'])).toMatchObject({
      stdout: expect.stringMatching(/Nothing is to be removed\.\n$/),
    })
  })

  test('keeps one of each day by flag, variable and file, and says so as JSON', async () => {
    const { project, names } = await fiveDays()
    project.write('seatbelt.json', '{ "keep": 1, "keepMonthly": 2 }')
    const env = { SEATBELT_KEEP_DAILY: '3' }
    const { stdout } = await project.run('backup-database', ['--rotate', '--dry-run', '--json'], { env })
    const { version, dryRun, databases } = JSON.parse(stdout)
    expect({ version, dryRun }).toEqual({ version: 1, dryRun: true })
    const own = databases.find((one: { backups: readonly unknown[] }) => one.backups.length === 5)
    const daily = own.backups.map(({ why }: { why: readonly string[] }) =>
      why.some((text) => text.startsWith('daily ')),
    )
    expect(daily).toEqual([true, true, true, false, false])
    expect(await project.run('backup-database', ['--rotate', '--keep-daily', '9'])).toMatchObject({ code: 0 })
    expect(project.backups()).toEqual(expect.arrayContaining([...names]))
    expect(await project.run('backup-database', ['--rotate', '--keep-daily', '0'], { env })).toMatchObject({ code: 0 })
    expect(project.backups()).toContain(names[4])
    expect(project.backups().length).toBeLessThan(5)
  })

  test('has nothing to say of an empty folder, and makes none', async () => {
    const project = newProject()
    const ended = await project.run('backup-database', ['--rotate'])
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('No backups in backups/ yet'), stderr: '' })
    expect(existsSync(project.path('backups'))).toBe(false)
  })

  test('is what --dry-run needs', async () => {
    const { code, stderr } = await newProject().run('backup-database', ['--dry-run'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('--dry-run goes with --rotate') })
  })
})
