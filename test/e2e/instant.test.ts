import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop, threeCustomers } from './shops.ts'

test('MariaDB: has no instant copies, which stops nothing', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  const words = ['--instant', '--report', 'report.json', 'true']
  const ended = await project.run('safe-migrate', words)
  const said =
    'No instant copy is made: MySQL and MariaDB cannot copy a database inside the server. The backup is there.'
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(said) })
  expect(JSON.parse(readFileSync(project.path('report.json'), 'utf8'))).not.toHaveProperty('instantWayBack')
  expect(project.backups()).toHaveLength(1)
  const refused = await project.run('restore-database', ['--instant', '--yes'])
  expect(refused).toMatchObject({ code: 20, stderr: expect.stringContaining('There are no instant copies') })
})

test('PostgreSQL: a copy comes back at once, and what was put aside after it', async () => {
  const shop = await openShop('PostgreSQL')
  const project = newProject(shop.env)
  const ended = await project.run('safe-migrate', ['--instant', '--report', 'report.json', 'true'])
  expect(ended).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/✓ Instant copy → \S+_seatbelt_instant_\d+_\d+/),
  })
  const [wayBack] = JSON.parse(readFileSync(project.path('report.json'), 'utf8')).instantWayBack
  await shop.ask('DELETE FROM customers')
  const restored = await project.run('/bin/sh', ['-c', `${wayBack} --yes`])
  expect(restored).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual(threeCustomers)
  const aside = /What was there before: (.*)/.exec(restored.stderr)?.[1]
  expect(await project.run('/bin/sh', ['-c', `${aside} --yes`])).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual([])
})
