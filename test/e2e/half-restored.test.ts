import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop, threeCustomers } from './shops.ts'

test('a MariaDB database whose restore in place was cut off gets no backup, and can be restored', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const backup = `backups/${project.backups()[0]}`
  const mark = JSON.stringify({ live: shop.name, marker: { state: 'in-place', at: '2026-11-20T12:00:00.000Z' } })
  await shop.ask('DELETE FROM customers WHERE id > 1')
  await shop.ask('CREATE TABLE seatbelt_restore (id INT PRIMARY KEY, content LONGTEXT NOT NULL) ENGINE = InnoDB')
  await shop.ask(`INSERT INTO seatbelt_restore VALUES (1, '${mark}')`)
  const refused = await project.run('backup-database')
  expect(refused).toMatchObject({ code: 30, stderr: expect.stringContaining('is not whole') })
  expect(project.backups()).toHaveLength(1)
  const restored = await project.run('restore-database', ['--yes', backup])
  expect(restored).toMatchObject({ code: 0, stderr: expect.stringContaining('no safety backup is taken of it') })
  expect(await shop.customers()).toEqual(threeCustomers)
})
