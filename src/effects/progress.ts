import type { Io } from './io.ts'

/** A line that is drawn over while something takes long; nothing at all in a pipe. */
export type Progress = {
  update(text: string): void
  stop(): void
}

const silent: Progress = { update: () => undefined, stop: () => undefined }

// What is over sooner than this needs no line, and its drawing would cost more than it says.
const patienceMilliseconds = 300

export function startProgress(io: Io): Progress {
  return io.terminal.drawable ? spinning() : silent
}

function spinning(): Progress {
  let text = ''
  let spinner: { text: string; stop(): unknown } | undefined
  const timer = setTimeout(async () => {
    const { default: ora } = await import('ora')
    // discardStdin would take the keys that the user types for the wrapped command.
    if (timer !== undefined) spinner = ora({ text, stream: process.stderr, discardStdin: false }).start()
  }, patienceMilliseconds)
  let stopped = false
  return {
    update: (next) => {
      text = next
      if (spinner !== undefined && !stopped) spinner.text = next
    },
    stop: () => {
      stopped = true
      clearTimeout(timer)
      spinner?.stop()
    },
  }
}
