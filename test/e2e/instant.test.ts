import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

test('MariaDB: has no copies inside the server, which stops nothing', async () => {
  const shop = await openShop('MariaDB')
  const project = newProject(shop.env)
  const words = ['--instant', '--report', 'report.json', 'true']
  const ended = await project.run('safe-migrate', words)
  const said =
    'No copy inside the server is made: MySQL and MariaDB cannot copy a database inside the server. The dump is there.'
  expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining(said) })
  expect(JSON.parse(readFileSync(project.path('report.json'), 'utf8'))).not.toHaveProperty('instantWayBack')
  expect(project.backups()).toHaveLength(1)
  const refused = await project.run('restore-database', ['--instant', '--yes'])
  expect(refused).toMatchObject({ code: 20, stderr: expect.stringContaining('There are no copies inside this server') })
})
