import { readdirSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { clearLeftovers } from '../../src/backup/folder.ts'
import { filesInUse, markInUse, releaseInUse } from '../../src/backup/in-use.ts'
import { listeningIo } from '../listening-io.ts'
import { emptyFolder } from './made.ts'

const thisHost = hostname().replace(/[^\w]+/g, '_')

test('a mark of ours is heeded until it is taken back', async () => {
  const folder = emptyFolder()
  await markInUse(listeningIo(), folder, 'a.sql')
  await markInUse(listeningIo(), folder, 'b.sql')
  expect((await filesInUse(folder)).toSorted()).toEqual(['a.sql', 'b.sql'])
  expect(await clearLeftovers(folder)).toEqual([])
  await releaseInUse()
  expect(await filesInUse(folder)).toEqual([])
  expect(readdirSync(folder.path)).toEqual([])
})

test('that it could not be written is said, and no more', async () => {
  const listening = listeningIo()
  await markInUse(listening, { path: '/nowhere/backups', shown: 'backups' }, 'a.sql')
  expect(listening.heard.join()).toContain('a.sql could not be marked as in use')
  await releaseInUse()
})

test.each([
  ['of a living process', { pid: process.ppid }, true],
  ['of a dead process', { pid: Bun.spawnSync(['true']).pid }, false],
  ['of another machine', { host: 'elsewhere' }, true],
  ['of another machine, a day old', { host: 'elsewhere', hours: 25 }, false],
])('a mark %s: heeded? %s', async (_, parts, heeded) => {
  const { host = thisHost, pid = 1, hours = 0 } = parts as { host?: string; pid?: number; hours?: number }
  const folder = emptyFolder()
  const path = join(folder.path, `.seatbelt-${host}-${pid}-0123456789ab.in-use.tmp`)
  writeFileSync(path, 'a.sql\n')
  const then = new Date(Date.now() - hours * 3_600_000)
  utimesSync(path, then, then)
  expect(await filesInUse(folder)).toEqual(heeded ? ['a.sql'] : [])
  expect(await clearLeftovers(folder)).toHaveLength(heeded ? 0 : 1)
  expect(readdirSync(folder.path)).toHaveLength(heeded ? 1 : 0)
})
