import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { $ } from 'bun'
import { afterAll, beforeAll, onTestFinished } from 'vitest'

const folder = import.meta.dirname

/** A program of the fixtures folder. */
export const fixture = (name: string) => join(folder, 'fixtures', name)

export const countSignals = fileURLToPath(new URL('./fixtures/count-signals.mjs', import.meta.url))

/** A compiled executable that does nothing but run what it wraps, in a folder that is removed at the end. */
export function compileWrapper(): { readonly path: string; readonly folder: string } {
  const compiled = { path: '', folder: '' }
  beforeAll(async () => {
    compiled.folder = await realpath(await mkdtemp(join(tmpdir(), 'wrapper-')))
    compiled.path = join(compiled.folder, 'wrapper')
    await $`bun build --compile --bytecode --format=esm --minify --no-compile-autoload-dotenv --no-compile-autoload-bunfig ${join(folder, 'entry.ts')} --outfile ${compiled.path}`.quiet()
  })
  afterAll(() => rm(compiled.folder, { recursive: true, force: true }))
  return compiled
}

export type Run = {
  readonly pid: number
  readonly code: Promise<number | string>
  /** Waits until what the process printed on stdout contains the text. */
  readonly printed: (text: string | RegExp) => Promise<string>
  /** Waits until a fixture is ready and the wrapper watches it; the fixture's process id. */
  readonly ready: () => Promise<number>
  readonly output: () => string
  readonly errors: () => string
  readonly kill: (signal: NodeJS.Signals) => void
  readonly killGroup: (signal: NodeJS.Signals) => void
}

export type RunOptions = {
  readonly cwd?: string
  readonly input?: string
  readonly environment?: Record<string, string>
}

/** Starts a program without a terminal, in a session of its own, as a CI job is. */
export function run(argv: readonly string[], { cwd, input, environment }: RunOptions = {}): Run {
  const child = Bun.spawn([...argv], {
    cwd: cwd ?? process.cwd(),
    env: environment ?? process.env,
    stdin: input === undefined ? 'ignore' : Buffer.from(input),
    stdout: 'pipe',
    stderr: 'pipe',
    detached: true,
  })
  onTestFinished(() => killGroupOf(child.pid))
  const output = collect(child.stdout)
  const errors = collect(child.stderr)
  const code = Promise.all([child.exited, output.end, errors.end]).then(() => child.signalCode ?? child.exitCode ?? -1)
  return {
    pid: child.pid,
    code,
    printed: output.printed,
    ready: async () => {
      await errors.printed('[runs]')
      return Number(/ready (\d+)/.exec(await output.printed(/ready \d+\n/))?.[1])
    },
    output: output.text,
    errors: errors.text,
    kill: (signal) => process.kill(child.pid, signal),
    killGroup: (signal) => process.kill(-child.pid, signal),
  }
}

// What a failed test leaves running.
function killGroupOf(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {}
}

function collect(stream: ReadableStream<Uint8Array>) {
  const decoder = new TextDecoder('latin1') // a byte is a character: what is not UTF-8 stays visible
  let text = ''
  let news = Promise.withResolvers<void>()
  const read = async () => {
    for await (const bytes of stream) {
      text += decoder.decode(bytes)
      news.resolve()
      news = Promise.withResolvers<void>()
    }
    ended = true
    news.resolve()
  }
  let ended = false
  const end = read()
  const printed = async (wanted: string | RegExp) => {
    while (typeof wanted === 'string' ? !text.includes(wanted) : !wanted.test(text)) {
      if (ended) throw new Error(`ended without ${wanted}: ${text}`)
      await news.promise
    }
    return text
  }
  return { text: () => text, end, printed }
}

/** Waits until there is no such process any more (one that ended and was not waited for is gone). */
export async function gone(pid: number): Promise<void> {
  while ((await groupOf(pid)) !== undefined) await Bun.sleep(20)
}

/** The command lines of the living processes of a group. */
export async function commandsInGroup(group: number): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number)
  const groups = await Promise.all(pids.map(groupOf))
  return Promise.all(pids.filter((_, index) => groups[index] === group).map((pid) => textOf(`/proc/${pid}/cmdline`)))
}

async function groupOf(pid: number): Promise<number | undefined> {
  const [, state, group] = /\) (\w) \d+ (\d+)/.exec(await textOf(`/proc/${pid}/stat`)) ?? []
  return state === undefined || state === 'Z' || state === 'X' ? undefined : Number(group)
}

async function textOf(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '')
}
