import type { Environment, Io } from '../src/effects/io.ts'

export type ListeningIo = Io & {
  /** What was said, warned and printed, in order. */
  readonly heard: string[]
}

/** An `Io` whose terminal nobody looks at: it remembers what it was told. */
export function listeningIo(options: { cwd?: string; environment?: Environment; now?: () => Date } = {}): ListeningIo {
  const heard: string[] = []
  const hear = (text: string): void => void heard.push(text)
  return {
    environment: options.environment ?? {},
    cwd: options.cwd ?? '/',
    now: options.now ?? (() => new Date()),
    signal: new AbortController().signal,
    heard,
    terminal: {
      interactive: false,
      drawable: false,
      columns: 80,
      say: hear,
      detail: hear,
      warn: hear,
      result: hear,
      style: (_style, text) => text,
    },
  }
}
