import { rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
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
  expect(await project.run('backup-database', ['--keep', '1'], { env })).toMatchObject({ code: 30 })
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
