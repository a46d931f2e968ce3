import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { openInterruption } from '../../src/effects/interruption.ts'
import { feedInto, runTool } from '../../src/effects/spawn.ts'
import { takeSignals } from '../../src/run/signals.ts'
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

// As a terminal sends Ctrl-C to all: to us, and to the client that ends by it.
test('a small tool that Ctrl-C ended is no failure of that tool', async () => {
  onTestFinished(takeSignals(['SIGINT'], () => undefined)) // vitest's own hearing
  const { signal, close } = openInterruption([])
  onTestFinished(close)
  const interrupted = runTool({ ...listeningIo(), signal }, '/bin/sh', { arguments: ['-c', 'kill -INT $PPID; exit 1'] })
  await expect(interrupted).rejects.toMatchObject({ code: 130 })
})

/** Without a turn of the loop, in which we would be told. */
function waitUntilGone(pid: number): void {
  while (!/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))) Bun.sleepSync(1)
}
