import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { feedInto } from '../../src/effects/spawn.ts'
import { listeningIo } from '../listening-io.ts'

test.each([
  ['a piece', new Uint8Array(1024)],
  ['more than a pipe holds', new Uint8Array(1024 * 1024)],
])('a tool that is gone when it is fed %s says so by its end alone', async (_, bytes) => {
  const tool = feedInto(listeningIo(), '/bin/sleep', { arguments: ['1000'], environment: {} })
  process.kill(tool.pid, 'SIGKILL')
  waitUntilGone(tool.pid)
  expect(await tool.write(bytes)).toBe(false)
  expect(await tool.end()).toMatchObject({ exitCode: null, signal: 'SIGKILL' })
})

/** Without a turn of the loop, in which we would be told. */
function waitUntilGone(pid: number): void {
  while (!/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) Bun.sleepSync(1)
}
