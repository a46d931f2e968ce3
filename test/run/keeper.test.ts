import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startKeeper } from '../../src/run/keeper.ts'
import { gone } from './wrapper.ts'

const keepers = () =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => textOf(`/proc/${pid}/cmdline`).includes('seatbelt-keeper'))
    .filter((pid) => textOf(`/proc/${pid}/stat`).includes(`) S ${process.pid} `))

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

test('a keeper that is let go ends, and leaves alone what it watched', async () => {
  const watched = Bun.spawn(['sleep', '60'])
  const keeper = startKeeper()
  keeper.watch(watched.pid)
  let found: number[] = []
  while (found.length === 0) {
    await Bun.sleep(10)
    found = keepers()
  }
  keeper.release()
  await Promise.all(found.map(gone))
  expect(watched.exitCode ?? watched.signalCode).toBe(null)
  watched.kill()
  await watched.exited
})
