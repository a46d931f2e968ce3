import { $ } from 'zx'
import { watchPeak } from '../test/faults/peak.ts'

export type Call = {
  readonly command: readonly string[]
  readonly cwd: string
  readonly environment: Readonly<Record<string, string>>
  /** Called after each run, outside the measured time. */
  readonly tidy?: () => Promise<void>
}

/** Medians over the runs; `peakBytes` is the most memory that the process itself ever held, 0 where it is not known. */
export type Measured = { readonly milliseconds: number; readonly peakBytes: number }

type Run = { readonly milliseconds: number; readonly peakBytes: number }

/** Runs the calls in turns (A B A B …), so that what disturbs the machine disturbs all of them. Throws when one fails. */
export async function sideBySide(calls: readonly Call[], rounds: number): Promise<readonly Measured[]> {
  for (const call of calls) await runOnce(call) // warms the caches
  const runs = calls.map((): Run[] => [])
  for (let round = 0; round < rounds; round++) {
    for (const [index, call] of calls.entries()) runs[index]?.push(await runOnce(call))
  }
  return runs.map((own) => ({
    milliseconds: median(own.map(({ milliseconds }) => milliseconds)),
    peakBytes: Math.max(...own.map(({ peakBytes }) => peakBytes)),
  }))
}

async function runOnce(call: Call): Promise<Run> {
  const { command, cwd, environment: env } = call
  const start = performance.now()
  const child = Bun.spawn([...command], { cwd, env, stdin: 'ignore', stdout: 'ignore', stderr: 'pipe' })
  const peak = watchPeak(child.pid)
  const exitCode = await child.exited
  const milliseconds = performance.now() - start
  const peakBytes = peak()
  if (exitCode !== 0) throw new Error(`${command.join(' ')} ended with ${exitCode}: ${await child.stderr.text()}`)
  await call.tidy?.()
  await $({ stdio: 'ignore' })`sync` // what one run left to be written must not slow the next
  return { milliseconds, peakBytes }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  return (low + high) / 2
}
