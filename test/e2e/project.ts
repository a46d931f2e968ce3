import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Manifest } from '../../src/backup/manifest.ts'
import { openTerminal, type Terminal } from '../terminal.ts'

/** The compiled commands. */
export const bin = join(import.meta.dirname, '../../bin')

export type Ended = {
  /** The exit code, or the signal's name. */
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
}

type Started = {
  readonly pid: number
  readonly ended: Promise<Ended>
  /** All that was said so far on stderr. */
  readonly said: () => string
  readonly kill: (signal: NodeJS.Signals) => void
}

type RunOptions = {
  readonly cwd?: string
  readonly input?: string
  /** Over the plain environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Words before the command: `setpriv …`. */
  readonly under?: readonly string[]
}

/** A folder of its own with env files, in which our commands are run as a user runs them. */
export type Project = {
  readonly folder: string
  readonly run: (command: string, words?: readonly string[], options?: RunOptions) => Promise<Ended>
  readonly start: (command: string, words?: readonly string[], options?: RunOptions) => Started
  /** The same in a pseudo-terminal. */
  readonly terminal: (command: string, words?: readonly string[], options?: RunOptions) => Terminal
  /** Writes a file below the folder; returns its path. */
  readonly write: (name: string, content: string | Uint8Array, mode?: number) => string
  readonly path: (name: string) => string
  /** The files that have a backup's name, oldest first. */
  readonly backups: () => readonly string[]
  /** All names in the backup folder but our own `.gitignore` and the journal. */
  readonly kept: () => readonly string[]
  readonly manifest: (backup: string) => Manifest
}

/** `env` is the text of `.env`, or its keys. */
export function newProject(env?: string | Readonly<Record<string, string>>): Project {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'seatbelt-project-')))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const path = (name: string) => join(folder, name)
  const write = (name: string, content: string | Uint8Array, mode = 0o644) => {
    mkdirSync(dirname(path(name)), { recursive: true })
    writeFileSync(path(name), content)
    chmodSync(path(name), mode)
    return path(name)
  }
  mkdirSync(path('home'))
  mkdirSync(path('tmp'))
  if (env !== undefined) write('.env', typeof env === 'string' ? env : envText(env))
  const start: Project['start'] = (command, words = [], options = {}) =>
    startIn(folder, [...(options.under ?? []), pathOf(command), ...words], options)
  const all = () => (existsSync(path('backups')) ? readdirSync(path('backups')).sort() : [])
  return {
    folder,
    path,
    write,
    start,
    run: (command, words, options) => start(command, words, options).ended,
    terminal: (command, words = [], options = {}) =>
      openTerminal([...(options.under ?? []), pathOf(command), ...words], {
        cwd: options.cwd ?? folder,
        env: environmentIn(folder, options),
        columns: 200,
      }),
    backups: () =>
      all()
        .filter((name) => backupEnding.test(name))
        .toSorted(byTime),
    kept: () => all().filter((name) => name !== '.gitignore' && name !== 'journal.jsonl'),
    manifest: (backup) => JSON.parse(readFileSync(path(`backups/${backup}.json`), 'utf8')),
  }
}

const backupEnding = /\.(?:sql|sqlite)(?:\.zst|\.gz)?$/

// Of one second: `…-15.sql`, then `…-15-2.sql`.
function byTime(one: string, other: string): number {
  const [first = '', second = ''] = [one, other].map((name) => name.replace(backupEnding, ''))
  return first < second ? -1 : 1
}

function pathOf(command: string): string {
  return command.includes('/') ? command : join(bin, command)
}

/** Keys and values as dotenv reads them back, whatever characters they hold but both kinds of quotes and line ends. */
export function envText(env: Readonly<Record<string, string>>): string {
  return Object.entries(env)
    .map(([key, value]) => `${key}=${quotedValue(value)}\n`)
    .join('')
}

function quotedValue(value: string): string {
  return value.includes("'") ? (value.includes('`') ? `"${value}"` : `\`${value}\``) : `'${value}'`
}

function environmentIn(folder: string, { env }: RunOptions): Record<string, string> {
  const plain = { PATH: process.env['PATH'], HOME: join(folder, 'home'), TMPDIR: join(folder, 'tmp'), USER: 'tester' }
  const pairs = Object.entries({ TERM: 'xterm-256color', ...plain, ...env })
  return Object.fromEntries(pairs.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

function startIn(folder: string, argv: readonly string[], options: RunOptions): Started {
  const child = Bun.spawn([...argv], {
    cwd: options.cwd ?? folder,
    env: environmentIn(folder, options),
    stdin: options.input === undefined ? 'ignore' : Buffer.from(options.input),
    stdout: 'pipe',
    stderr: 'pipe',
    // A group of its own, as a CI job has.
    detached: true,
  })
  const stderr = collect(child.stderr)
  const ended = Promise.all([child.exited, new Response(child.stdout).text(), stderr.end]).then(([, stdout]) => ({
    code: child.signalCode ?? child.exitCode ?? -1,
    stdout,
    stderr: stderr.text(),
  }))
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await child.exited
  })
  return { pid: child.pid, ended, said: stderr.text, kill: (signal) => child.kill(signal) }
}

function collect(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
  let text = ''
  const read = async () => {
    for await (const part of stream.pipeThrough(new TextDecoderStream())) text += part
  }
  return { end: read(), text: () => text }
}
