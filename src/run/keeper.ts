/** A small process beside the wrapped command, in the same process group. */
export type Keeper = {
  /** Whether a signal that we got was sent to the whole group, so that the command has it already. */
  sawToo(signal: NodeJS.Signals): Promise<boolean>
  release(): void
}

// It ends by the first signal that the group gets, which is how we learn of it: JavaScript is not told who sent a
// signal. It reads from us and never gets anything: the end of that input means that we were killed, and then it ends
// the command, gently first.
const script = `
ulimit -c 0
read -r nothing
kill -TERM "$1" || exit
for second in 1 2 3 4 5 6 7 8 9 10; do sleep 1; kill -0 "$1" || exit; done
kill -KILL "$1"`

// How long the keeper's end and our own signal may lie apart.
const graceMilliseconds = 200

export function startKeeper(pid: number): Keeper {
  const seen = new Map<string, number>()
  const waiting = new Set<(signal: string) => void>()
  let shell = start()

  function start() {
    return spawnShell(pid, (signal) => {
      seen.set(signal, performance.now())
      for (const tell of waiting) tell(signal)
      shell = start()
    })
  }

  return {
    sawToo: async (signal) => {
      if (performance.now() - (seen.get(signal) ?? -Infinity) < graceMilliseconds) return true
      return shell === undefined ? isFromTerminal(signal) : seenSoon(waiting, signal)
    },
    release: () => {
      waiting.clear()
      shell?.release()
    },
  }
}

function seenSoon(waiting: Set<(signal: string) => void>, signal: string): Promise<boolean> {
  return new Promise((resolve) => {
    const answer = (seen: boolean) => {
      clearTimeout(timer)
      waiting.delete(tell)
      resolve(seen)
    }
    const tell = (other: string) => void (other === signal && answer(true))
    const timer = setTimeout(() => answer(false), graceMilliseconds).unref()
    waiting.add(tell)
  })
}

type Shell = { release(): void }

function spawnShell(pid: number, ended: (signal: NodeJS.Signals) => void): Shell | undefined {
  let released = false
  try {
    const shell = Bun.spawn(['/bin/sh', '-c', script, 'seatbelt-keeper', String(pid)], {
      env: { PATH: '/usr/bin:/bin' },
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      onExit: (_, __, signal) => {
        if (!released && signal !== null) ended(String(signal) as NodeJS.Signals)
      },
    })
    return {
      release: () => {
        released = true
        shell.kill('SIGKILL')
      },
    }
  } catch {
    return undefined // no shell, no process left: the command runs all the same
  }
}

// Without a keeper: what a keyboard can send was sent by it, to the command too.
function isFromTerminal(signal: NodeJS.Signals): boolean {
  return (signal === 'SIGINT' || signal === 'SIGQUIT') && (process.stdin.isTTY || process.stderr.isTTY)
}
