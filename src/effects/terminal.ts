import { styleText } from 'node:util'
import { type Agent, agentIn } from './agents.ts'
import type { Environment } from './io.ts'

type Loudness = 'quiet' | 'normal' | 'verbose'

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** What we say to a person, on stderr; only `result` writes on stdout. */
export type Terminal = {
  /** A person can be asked: stdin and stderr are terminals, and no coding agent sits at them. */
  readonly interactive: boolean
  /** The coding agent that runs us: it is never asked. */
  readonly agent?: Agent
  /** stderr is a terminal: lines may be drawn over. */
  readonly drawable: boolean
  readonly columns: number
  say(text: string): void
  /** Only with `--verbose`. */
  detail(text: string): void
  /** Also with `--quiet`. */
  warn(text: string): void
  result(text: string): void
  style(style: Style, text: string): string
}

export type TerminalOptions = { readonly loudness: Loudness; readonly color: boolean }

/** The terminal of this process. */
export function openTerminal(environment: Environment, options: TerminalOptions): Terminal {
  const color = options.color && wantsColor(environment)
  const write = (text: string): void => void process.stderr.write(`${printable(text)}\n`)
  const agent = agentIn(environment)
  return {
    interactive: agent === undefined && process.stdin.isTTY === true && process.stderr.isTTY === true,
    ...(agent === undefined ? {} : { agent }),
    drawable: process.stderr.isTTY === true && options.loudness !== 'quiet',
    columns: process.stderr.columns ?? 80,
    say: (text) => (options.loudness === 'quiet' ? undefined : write(text)),
    detail: (text) => (options.loudness === 'verbose' ? write(text) : undefined),
    warn: write,
    result: (text) => void process.stdout.write(`${text}\n`),
    style: (style, text) => (color ? styleText(style, text, { validateStream: false }) : text),
  }
}

function wantsColor(environment: Environment): boolean {
  if ((environment['NO_COLOR'] ?? '') !== '' || environment['TERM'] === 'dumb') return false
  return process.stderr.isTTY === true || (environment['FORCE_COLOR'] ?? '') !== ''
}

// Names come from files and servers: a control character in one must not drive the terminal. Only our own colours pass.
const control = /\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b-\x1a\x1c-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

/** The text with control characters shown as `\x1b`. */
export function printable(text: string): string {
  return text.replace(control, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

/** A name for one line of text: line breaks and escapes shown, never acted on. */
export function onOneLine(name: string): string {
  return name.replace(/\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t').replace(/\x1b/g, '\\x1b')
}
