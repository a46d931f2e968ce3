import { onTestFinished } from 'vitest'

export type Terminal = {
  readonly pid: number
  /** Types: `\r` is Enter, `\x03` Ctrl-C, `\x1a` Ctrl-Z, `\x04` Ctrl-D. */
  readonly write: (text: string) => void
  /**
   * Waits for what comes after the last match, escapes stripped, and returns it up to the end of the new match. Throws,
   * with the screen, after `milliseconds` or when the command has ended without it.
   */
  readonly waitFor: (wanted: string | RegExp, milliseconds?: number) => Promise<string>
  /** Changes the window's size, which sends SIGWINCH to the foreground. */
  readonly resize: (columns: number, rows: number) => void
  /** All that was printed so far, escapes stripped, lines ending with `\n`. */
  readonly screen: () => string
  /** All that was printed so far, to the byte. */
  readonly raw: () => string
  /** Settles when the command has ended and all that it printed has arrived. */
  readonly exit: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | number | null }>
  readonly kill: (signal: NodeJS.Signals) => void
  /** Closes the window. */
  readonly hangUp: () => void
}

export type TerminalOptions = {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly columns?: number
  readonly rows?: number
}

/** Runs a command in a pseudo-terminal of its own, as its controlling terminal. Hangs up when the test ends. */
export function openTerminal(argv: readonly string[], options: TerminalOptions = {}): Terminal {
  const output = record()
  const child = Bun.spawn([...argv], {
    cwd: options.cwd ?? process.cwd(),
    env: { TERM: 'xterm-256color', ...(options.env ?? plainEnvironment()) },
    terminal: { cols: options.columns ?? 100, rows: options.rows ?? 30, data: output.add, exit: output.end },
  })
  const terminal = child.terminal
  if (!terminal) throw new Error('Bun.spawn gave no terminal')
  const exit = child.exited
    // A grandchild may hold the terminal open for long after.
    .then(() => Promise.race([output.ended, Bun.sleep(1_000)]))
    .then(() => ({ code: child.exitCode, signal: child.signalCode }))
  onTestFinished(async () => {
    terminal.close()
    const impatience = setTimeout(() => child.kill('SIGKILL'), 2_000)
    await child.exited
    clearTimeout(impatience)
  })
  return {
    pid: child.pid,
    write: (text) => void terminal.write(text),
    waitFor: expectation(output, exit),
    resize: (columns, rows) => terminal.resize(columns, rows),
    screen: () => plain(output.raw()),
    raw: output.raw,
    exit,
    kill: (signal) => child.kill(signal),
    hangUp: () => terminal.close(),
  }
}

/** What a login shell has: whether CI, or the runner, wants colours is nothing to a person's terminal. */
function plainEnvironment(): Record<string, string | undefined> {
  const { CI, NO_COLOR, FORCE_COLOR, FORCE_TTY, COLUMNS, LINES, ...rest } = process.env
  return rest
}

type Output = ReturnType<typeof record>

function record() {
  const decoder = new TextDecoder()
  const ended = Promise.withResolvers<void>()
  let raw = ''
  let arrival = Promise.withResolvers<void>()
  return {
    add: (_terminal: unknown, bytes: Uint8Array<ArrayBuffer>) => {
      raw += decoder.decode(bytes, { stream: true })
      arrival.resolve()
      arrival = Promise.withResolvers<void>()
    },
    end: () => ended.resolve(),
    ended: ended.promise,
    raw: () => raw,
    next: () => arrival.promise,
  }
}

function plain(raw: string): string {
  // Shells return the carriage at the start of a line too.
  return Bun.stripANSI(raw).replace(/\r*\n\r*/g, '\n')
}

function expectation(output: Output, exit: Promise<unknown>): Terminal['waitFor'] {
  let seen = 0
  return async (wanted, milliseconds = 30_000) => {
    const over = Promise.withResolvers<void>()
    let reason: string | undefined
    const giveUp = (why: string) => {
      reason ??= why
      over.resolve()
    }
    const timeLimit = setTimeout(giveUp, milliseconds, `within ${milliseconds} ms`)
    void exit.then(() => giveUp('before the command ended'))
    try {
      for (;;) {
        const fresh = plain(output.raw()).slice(seen)
        const end = endOfMatch(fresh, wanted)
        if (end !== undefined) {
          seen += end
          return fresh.slice(0, end)
        }
        if (reason) throw new Error(`${wanted} did not appear ${reason}. Since the last match:\n${fresh}`)
        await Promise.race([output.next(), over.promise])
      }
    } finally {
      clearTimeout(timeLimit)
    }
  }
}

function endOfMatch(text: string, wanted: string | RegExp): number | undefined {
  if (typeof wanted === 'string') return text.includes(wanted) ? text.indexOf(wanted) + wanted.length : undefined
  const match = wanted.exec(text)
  return match ? match.index + match[0].length : undefined
}
