import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

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
