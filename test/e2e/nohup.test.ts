import { expect, test } from 'vitest'
import { newProject } from './project.ts'
import { openShop } from './shops.ts'

const nohup = ['/bin/sh', '-c', `trap '' HUP; exec "$0" "$@"`]

test('a hang-up that our caller ignores, as nohup does, ends no backup', async () => {
  const shop = await openShop('PostgreSQL')
  const project = newProject(shop.env)
  const running = project.start('backup-database', [], { under: nohup })
  const timer = setInterval(() => running.kill('SIGHUP'), 2)
  const ended = await running.ended.finally(() => clearInterval(timer))
  expect(ended).toMatchObject({ code: 0 })
  expect(project.backups()).toHaveLength(1)
})
