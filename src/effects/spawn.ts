import type { Environment, Io } from './io.ts'
import { lettingGo } from './let-go.ts'
import { collectWhenLarge } from './memory.ts'
import { turnOfTheLoop } from './turn-of-the-loop.ts'

export type ToolOutput = { readonly exitCode: number | undefined; readonly stdout: string; readonly stderr: string }

/**
 * Runs a small tool to its end and collects what it prints; never throws for its exit code. Time in seconds. Throws the
 * signal's reason where we were interrupted, which may be why it failed.
 */
export async function runTool(
  io: Io,
  command: string,
  options: { readonly arguments: readonly string[]; readonly environment?: Environment; readonly seconds?: number },
): Promise<ToolOutput> {
  const { execa } = await import('execa')
  io.toolStarts?.(io.cwd)
  const result = await execa(command, options.arguments, {
    cwd: io.cwd,
    env: definedOnly(options.environment ?? io.environment),
    extendEnv: false,
    reject: false,
    stdin: 'ignore',
    timeout: (options.seconds ?? 10) * 1000,
    cancelSignal: io.signal,
    // Its cleanup takes every signal and gives back the default, not what was there: a file size limit would then kill us.
    cleanup: false,
  })
  if (result.failed) await turnOfTheLoop()
  io.signal.throwIfAborted()
  return { exitCode: result.exitCode, stdout: result.stdout, stderr: result.stderr || (result.shortMessage ?? '') }
}

/** How a streaming tool ended. */
export type ToolEnd = { readonly exitCode: number | null; readonly signal: string | null; readonly stderr: string }

export type StreamingTool = {
  readonly pid: number
  /** Each chunk is good only until the next one is asked for. */
  readonly stdout: AsyncIterable<Uint8Array>
  /** Resolves once the tool ended and its stderr was read; after a bad end `io.signal` says whether we were interrupted. */
  readonly ended: Promise<ToolEnd>
  kill(): void
}

export type StreamingOptions = {
  readonly arguments: readonly string[]
  readonly environment: Environment
}

/** Starts a tool whose standard output is read as it comes (Bun's own spawn: execa's streams cost a third of the dump's time). */
export function streamFrom(io: Io, command: string, options: StreamingOptions): StreamingTool {
  const child = Bun.spawn([command, ...options.arguments], {
    cwd: io.cwd,
    env: definedOnly(options.environment),
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  return {
    pid: child.pid,
    stdout: gathered(child.stdout),
    ended: endOf(child, io.signal),
    kill: () => child.kill(),
  }
}

const gatheredBytes = 256 * 1024

// A tool writes 8 kB at a time, and each chunk costs a step in everything that it passes: a fifth of the dump's time.
async function* gathered(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(gatheredBytes)
  let filled = 0
  for await (const chunk of lettingGo(chunks)) {
    if (filled > 0 && filled + chunk.length > gatheredBytes) {
      collectWhenLarge()
      yield buffer.subarray(0, filled)
      filled = 0
    }
    if (chunk.length > gatheredBytes) yield chunk
    else {
      buffer.set(chunk, filled)
      filled += chunk.length
    }
  }
  if (filled > 0) yield buffer.subarray(0, filled)
}

export type FedTool = {
  readonly pid: number
  /** Waits until the tool took the bytes; false when it no longer reads. */
  write(bytes: Uint8Array | string): Promise<boolean>
  /** Closes the tool's standard input and waits for its end. */
  end(): Promise<ToolEnd>
  kill(): void
}

/** Starts a tool that is fed on its standard input; its output is thrown away, its stderr kept. */
export function feedInto(io: Io, command: string, options: StreamingOptions): FedTool {
  return fed(io, Bun.spawn([command, ...options.arguments], { ...fedOptions(io, options), stdout: 'ignore' }))
}

export type TalkingTool = FedTool & {
  /** What the tool writes, as it comes; it waits where nobody reads. */
  readonly stdout: AsyncIterable<Uint8Array>
}

/** Starts a tool that is fed on its standard input and answers on its output. */
export function talkTo(io: Io, command: string, options: StreamingOptions): TalkingTool {
  const child = Bun.spawn([command, ...options.arguments], { ...fedOptions(io, options), stdout: 'pipe' })
  return { ...fed(io, child), stdout: child.stdout }
}

function fedOptions(io: Io, { environment }: StreamingOptions) {
  return { cwd: io.cwd, env: definedOnly(environment), stdin: 'pipe', stderr: 'pipe' } as const
}

function fed(io: Io, child: Child & { readonly pid: number; readonly stdin: Bun.FileSink }): FedTool {
  const ended = endOf(child, io.signal)
  return {
    pid: child.pid,
    write: async (bytes) => {
      if (child.exitCode !== null || child.signalCode !== null) return false
      return writeTo(child.stdin, bytes)
    },
    end: async () => {
      try {
        await child.stdin.end()
      } catch {} // as for writing
      return ended
    },
    kill: () => child.kill(),
  }
}

async function writeTo(stdin: Bun.FileSink, bytes: Uint8Array | string): Promise<boolean> {
  try {
    await stdin.write(bytes)
    await stdin.flush()
    return true
  } catch {
    return false // EPIPE: the tool ended; its exit code and stderr say why
  }
}

// A tool can write megabytes of notices: the beginning tells what happened.
const stderrLimit = 64 * 1024

type Child = { readonly exited: Promise<number>; readonly stderr: ReadableStream<Uint8Array>; kill(): void } & {
  readonly exitCode: number | null
  readonly signalCode: string | number | null
}

async function endOf(child: Child, signal: AbortSignal): Promise<ToolEnd> {
  const stop = () => child.kill()
  signal.addEventListener('abort', stop, { once: true })
  if (signal.aborted) stop()
  const [stderr] = await Promise.all([beginningOf(child.stderr), child.exited])
  if (child.exitCode !== 0) await turnOfTheLoop()
  signal.removeEventListener('abort', stop)
  return { exitCode: child.exitCode, signal: child.signalCode === null ? null : String(child.signalCode), stderr }
}

async function beginningOf(stream: ReadableStream<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of stream) if (text.length < stderrLimit) text += decoder.decode(chunk, { stream: true })
  return text.slice(0, stderrLimit)
}

function definedOnly(environment: Environment): Record<string, string> {
  const pairs = Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== undefined)
  return Object.fromEntries(pairs)
}
