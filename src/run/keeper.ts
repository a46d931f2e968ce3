import { readFileSync } from 'node:fs'

/** A small process beside the wrapped command, in the same process group. */
export type Keeper = {
  /** Names the command once it runs. */
  watch(pid: number): void
  /** Whether a signal that we got was sent to the whole group, so that the command has it already. */
  sawToo(signal: NodeJS.Signals): Promise<boolean>
  release(): void
}

// It ends by the first signal that the group gets, which is how we learn of it: JavaScript is not told who sent a
// signal. It reads the command's process id from us; the end of that input means that we were killed, and then it ends
// the command, gently first.
const script = `
ulimit -c 0
read -r pid || exit
read -r nothing
kill -TERM "$pid" || exit
for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 "$pid" || exit; done
kill -KILL "$pid"`

// How long the keeper's end and our own signal may lie apart.
const graceMilliseconds = 200

type Tell = (signal: string) => void

/** To be started before the command, so that from its first moment on a signal to the group is seen as one. */
export function startKeeper(): Keeper {
  const seen = new Map<string, number>()
  const waiting = new Set<Tell>()
  let pid: number | undefined
  const start = () => spawnShell(ended)
  const ended = (signal: string) => {
    seen.set(signal, performance.now())
    for (const tell of waiting) tell(signal)
    shell = start()
    if (pid !== undefined) shell?.name(pid)
  }
  let shell = start()
  return {
    watch: (command) => {
      pid = command
      if (shell?.wasHit()) {
        shell.release() // a signal before the command was there: nobody but us has it
        shell = start()
      }
      shell?.name(command)
    },
    sawToo: async (signal) => {
      if (performance.now() - (seen.get(signal) ?? -Infinity) < graceMilliseconds) return true
      return shell === undefined ? isFromTerminal(signal) : seenSoon(waiting, signal)
    },
    release: () => shell?.release(),
  }
}

function seenSoon(waiting: Set<Tell>, signal: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const tell: Tell = (other) => void (other === signal && resolve(true))
  const timer = setTimeout(() => resolve(false), graceMilliseconds).unref()
  waiting.add(tell)
  return promise.finally(() => {
    clearTimeout(timer)
    waiting.delete(tell)
  })
}

type Shell = {
  name(pid: number): void
  /** A deadly signal is on its way to it, or has arrived. */
  wasHit(): boolean
  release(): void
}

function spawnShell(ended: Tell): Shell | undefined {
  let released = false
  try {
    const shell = Bun.spawn(['/bin/sh', '-c', script, 'seatbelt-keeper'], {
      env: { PATH: '/usr/bin:/bin' },
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      onExit: (_process, _code, signal) => {
        if (!released && signal !== null) ended(String(signal))
      },
    })
    return {
      name: (pid) => void tellPid(shell.stdin, pid),
      wasHit: () => isHit(statusOf(shell.pid)),
      release: () => {
        released = true
        shell.kill('SIGKILL')
      },
    }
  } catch {
    return undefined // no shell, no process left: the command runs all the same
  }
}

// One that was hit takes no more; the next one is told again.
async function tellPid(stdin: Bun.FileSink, pid: number): Promise<void> {
  try {
    stdin.write(`${pid}\n`)
    await stdin.flush()
  } catch {}
}

/** Reads `/proc/<pid>/status`; a process that has ended but was not waited for is hit too. */
export function isHit(status: string): boolean {
  return /^State:\s*[ZX]/m.test(status) || /^(SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(status)
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return '' // macOS
  }
}

// Without a keeper: what a keyboard can send was sent by it, to the command too.
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return (signal === 'SIGINT' || signal === 'SIGQUIT') && (process.stdin.isTTY || process.stderr.isTTY)
}
