import { describe, expect, test } from 'vitest'
import { newProject, type Project } from '../e2e/project.ts'
import { openShop, type Shop } from '../e2e/shops.ts'

/** Backs up, at that moment of UTC, what was changed before: every one is another. Returns the file's name. */
async function backUpAt(project: Project, shop: Shop, moment: string, keep = 30): Promise<string> {
  await shop.ask(`INSERT INTO customers SELECT max(id) + 1, 'Margaret' FROM customers`)
  const env = { TZ: 'Europe/Berlin' }
  // Seconds since 1970 are read alike in every time zone; the clock that timers use goes on.
  const seconds = String(Date.parse(`${moment.replace(' ', 'T')}Z`) / 1000)
  const under = ['env', 'FAKETIME_FMT=%s', 'FAKETIME_DONT_FAKE_MONOTONIC=1', 'faketime', '-f', seconds]
  const ended = await project.run('backup-database', ['--keep', String(keep)], { under, env })
  expect(ended).toMatchObject({ code: 0 })
  return ended.stdout.trim().slice('backups/'.length)
}

async function listed(project: Project): Promise<readonly string[]> {
  const { stdout } = await project.run('restore-database', ['--json'])
  return JSON.parse(stdout).backups.map(({ file }: { file: string }) => file)
}

const customersIn = async (shop: Shop) => (await shop.customers()).length

describe('a clock', () => {
  test('that goes backwards never costs the backup that was just made', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const made: string[] = []
    for (const moment of ['2026-11-20 12:00:00', '2026-11-20 11:00:00', '2026-11-19 10:00:00', '2026-01-01 00:00:00']) {
      made.push(await backUpAt(project, shop, moment, 2))
      expect(project.backups()).toContain(made.at(-1))
    }
    // The newest by its date stays too: nobody can tell which of the clocks was right.
    expect(await listed(project)).toContain(made[0])
    const before = await customersIn(shop)
    await shop.ask('DELETE FROM customers')
    expect(await project.run('restore-database', ['--yes', `backups/${made.at(-1)}`])).toMatchObject({ code: 0 })
    expect(await customersIn(shop)).toBe(before)
  })

  test('of another machine that is a day ahead does not push out what this one makes', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    for (let day = 10; day < 16; day++) {
      await backUpAt(project, shop, `2026-11-${day + 1} 09:00:00`, 3)
      const own = await backUpAt(project, shop, `2026-11-${day} 09:00:00`, 3)
      expect(project.backups()).toContain(own)
    }
    expect(project.backups().length).toBeLessThanOrEqual(4)
  })

  test('that is set back for winter gives two backups of one local time two names, in their order', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const summer = await backUpAt(project, shop, '2026-10-25 00:30:00')
    const winter = await backUpAt(project, shop, '2026-10-25 01:30:00')
    expect([summer, winter].map((name) => /_(2026.*)\.sqlite$/.exec(name)?.[1])).toEqual([
      '2026-10-25_02-30-00',
      '2026-10-25_02-30-00-2',
    ])
    expect(await listed(project)).toEqual([winter, summer])
  })

  test('that is set forward for summer leaves no gap in the order', async () => {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const winter = await backUpAt(project, shop, '2026-03-29 00:59:59')
    const summer = await backUpAt(project, shop, '2026-03-29 01:00:01')
    expect([winter, summer].map((name) => /_(2026.*)\.sqlite$/.exec(name)?.[1])).toEqual([
      '2026-03-29_01-59-59',
      '2026-03-29_03-00-01',
    ])
    expect(await listed(project)).toEqual([summer, winter])
  })
})
