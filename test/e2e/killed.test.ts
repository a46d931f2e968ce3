import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, watch } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

/** Whatever has a backup's name is whole; where its manifest is there, it says so. */
function requireNoHalfBackup(project: Project, whole: (bytes: Buffer) => boolean): void {
  for (const name of project.backups()) {
    const bytes = readFileSync(project.path(`backups/${name}`))
    expect(whole(bytes)).toBe(true)
    if (!existsSync(project.path(`backups/${name}.json`))) continue
    const { sha256, storedBytes } = project.manifest(name)
    expect({ sha256, storedBytes }).toEqual({
      sha256: createHash('sha256').update(bytes).digest('hex'),
      storedBytes: bytes.length,
    })
  }
}

function wholeDump(shop: Shop): (bytes: Buffer) => boolean {
  if (shop.engine === 'SQLite') return (bytes) => bytes.readUInt32BE(28) * bytes.readUInt16BE(16) === bytes.length
  return (bytes) => /^-- (?:PostgreSQL database dump complete|Dump completed)/m.test(bytes.toString())
}

/** What a killed run left is gone after the next one, and nothing else is there than backups with their manifests. */
async function requireClean(project: Project, shop: Shop): Promise<void> {
  const next = await project.run('backup-database')
  expect(next).toMatchObject({ code: 0 })
  const backups = project.backups()
  expect(project.kept()).toEqual(backups.flatMap((name) => [name, `${name}.json`]).toSorted())
  expect(await shop.customers()).toEqual(threeCustomers)
  // A former database whose restore was killed before its last step is kept, and named: it may hold what nothing else does.
  expect((await shop.beside()).filter((name) => !name.includes('_seatbelt_old_'))).toEqual([])
  // Files with passwords stand there for the clients.
  expect(readdirSync(project.path('tmp')).filter((name) => name.startsWith('seatbelt-'))).toEqual([])
}

describe.each(engineLabels)('%s: a backup that is killed', (engine) => {
  test('at any time leaves no half file under a backup name, and the next run clears up', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const begin = performance.now()
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    const whole = performance.now() - begin
    const moments = 24
    for (let moment = 0; moment < moments; moment++) {
      const running = project.start('backup-database')
      const timer = setTimeout(() => running.kill('SIGKILL'), (whole * moment) / moments)
      await running.ended
      clearTimeout(timer)
      requireNoHalfBackup(project, wholeDump(shop))
    }
    await requireClean(project, shop)
  })

  test('at each step that it takes in the folder leaves none either', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    mkdirSync(project.path('backups'))
    for (let step = 1; step <= 8; step++) {
      const running = project.start('backup-database')
      let seen = 0
      const watcher = watch(project.path('backups'), () => {
        if (++seen >= step) running.kill('SIGKILL')
      })
      onTestFinished(() => watcher.close())
      await running.ended
      watcher.close()
      requireNoHalfBackup(project, wholeDump(shop))
    }
    await requireClean(project, shop)
  })

  test('on its way back leaves the database whole', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    const backup = `backups/${project.backups()[0]}`
    const begin = performance.now()
    expect(await project.run('restore-database', ['--yes', backup])).toMatchObject({ code: 0 })
    const whole = performance.now() - begin
    const moments = 12
    for (let moment = 1; moment <= moments; moment++) {
      await shop.ask(`DELETE FROM customers WHERE id = 3`)
      const running = project.start('restore-database', ['--yes', backup])
      const timer = setTimeout(() => running.kill('SIGKILL'), (whole * moment) / moments)
      await running.ended
      clearTimeout(timer)
      // All of the old or all of the new.
      const customers = await shop.customers()
      expect([threeCustomers, threeCustomers.slice(0, 2)]).toContainEqual(customers)
    }
    await shop.settled()
    expect(await project.run('restore-database', ['--yes', backup])).toMatchObject({ code: 0 })
    await requireClean(project, shop)
  })
})
