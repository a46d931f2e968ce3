import { readFile } from 'node:fs/promises'
import { $ } from 'zx'

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

// getrusage counts the memory of whoever started the process in, and that of its children: the kernel's own mark does not.
function watchPeak(pid: number): () => number {
  let peak = 0
  const look = async () => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
    peak = Math.max(peak, Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024)
  }
  const timer = setInterval(look, 20)
  return () => {
    clearInterval(timer)
    return peak
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const [low = 0, high = 0] = [sorted[Math.ceil(sorted.length / 2) - 1], sorted[middle]]
  return (low + high) / 2
}
