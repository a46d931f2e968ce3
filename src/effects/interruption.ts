import { closeSync, openSync } from 'node:fs'
import { exitCode, Failure } from '../failure.ts'

/** SIGINT, SIGTERM and SIGHUP to ourselves, as one abort signal. */
export type Interruption = {
  /** Aborted with the `Failure` (130, 143) to end with; who signals once more, later, ends us at once. */
  readonly signal: AbortSignal
  /** Lets go of the signals while the wrapped command runs: it gets them then. */
  suspend(): void
  resume(): void
  close(): void
  /** Ends us by SIGHUP where the terminal of an interactive run is gone: Bun's loop would wait on it for ever. */
  endWhereHungUp(interactive: boolean): void
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

// One Ctrl-C may come twice: npm passes on what the terminal has sent to all.
const samePressMilliseconds = 1000

/** `ignored`: what our caller has us ignore (`nohup`) stays ignored. */
export function openInterruption(ignored: readonly NodeJS.Signals[]): Interruption {
  const controller = new AbortController()
  let firstAt = Number.POSITIVE_INFINITY
  const onSignal = (name: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      firstAt = performance.now()
      controller.abort(interrupted(name))
    } else if (name !== 'SIGHUP' && performance.now() - firstAt > samePressMilliseconds) {
      suspend()
      process.kill(process.pid, name)
    }
  }
  const heard = signals.filter((name) => !ignored.includes(name))
  const resume = () => {
    for (const name of heard) process.on(name, onSignal)
  }
  const suspend = () => {
    for (const name of heard) process.off(name, onSignal)
  }
  resume()
  const endWhereHungUp = (interactive: boolean) => {
    if (interactive && controller.signal.aborted && !terminalIsThere()) process.kill(process.pid, 'SIGHUP')
  }
  return { signal: controller.signal, suspend, resume, close: suspend, endWhereHungUp }
}

function terminalIsThere(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'))
    return true
  } catch {
    return false
  }
}

/** What an interruption ends with. */
export function interrupted(name: NodeJS.Signals): Failure {
  const code = name === 'SIGINT' ? exitCode.interrupted : exitCode.terminated
  return new Failure(code, { what: `Interrupted (${name}): nothing half-done was left behind` })
}
