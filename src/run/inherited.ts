import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { isIgnored, limits, setSoftLimit } from './libc.ts'

/** What our caller gave us that Bun or our own work changes: taken down first of all, given to the wrapped command. */
export type Inherited = {
  readonly ignoredSignals: readonly NodeJS.Signals[]
  /** Open descriptors above 2: process substitutions, a jobserver, `3<file`. */
  readonly descriptors: readonly number[]
  /** The status flags (`O_NONBLOCK` …) of descriptors 0, 1 and 2. */
  readonly statusFlags: readonly (number | undefined)[]
  /** The soft limit of the size of core files, in bytes. */
  readonly coreLimit: bigint | undefined
}

/** Signals that can be sent to us with `kill`, and that the wrapped command then gets. */
export const passedOn = ['SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2', 'SIGALRM'] as const

let noted: Inherited | undefined

/**
 * What we inherited, as it was at the first call: to be called before the program opens a file, connects, writes, or
 * handles a signal. Bun marks inherited descriptors close-on-exec as it starts, so later they look like our own.
 */
export function inherited(): Inherited {
  noted ??= {
    ignoredSignals: passedOn.filter(isIgnored),
    descriptors: inheritedDescriptors(),
    statusFlags: [0, 1, 2].map(statusFlagsOf),
    // A core file of ours, or of a client that we start, would hold passwords and rows.
    coreLimit: process.platform === 'linux' ? setSoftLimit(limits.coreFile, 0n) : undefined,
  }
  return noted
}

function inheritedDescriptors(): number[] {
  try {
    const open = readdirSync('/proc/self/fd').map(Number)
    return open.filter((descriptor) => descriptor > 2 && isInherited(descriptor))
  } catch {
    return [] // macOS
  }
}

// Bun's own descriptors at its start are an epoll and an event descriptor; the listing's own is gone by now.
function isInherited(descriptor: number): boolean {
  try {
    return !readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('anon_inode:')
  } catch {
    return false
  }
}

function statusFlagsOf(descriptor: number): number | undefined {
  return (
    Number.parseInt(/^flags:\s*([0-7]+)/m.exec(textOf(`/proc/self/fdinfo/${descriptor}`))?.[1] ?? '', 8) || undefined
  )
}

/** The command's words as bytes: JavaScript's strings cannot hold what is not UTF-8, so they are the last of our own. */
export function bytesOfWords(command: readonly string[], ours = wordsOf('/proc/self/cmdline')): readonly Buffer[] {
  const last = ours?.slice(-command.length) ?? []
  const same = last.length === command.length && last.every((word, index) => word.toString() === command[index])
  return same ? last : command.map((word) => Buffer.from(word))
}

/** The caller's environment as it came, in its order, undecoded, with these keys set over it. */
export function bytesOfEnvironment(
  pinned: Readonly<Record<string, string>>,
  ours = wordsOf('/proc/self/environ') ?? decodedEnvironment(),
): readonly Buffer[] {
  const kept = ours.filter((entry) => !(nameOf(entry) in pinned))
  return [...kept, ...Object.entries(pinned).map(([name, value]) => Buffer.from(`${name}=${value}`))]
}

function nameOf(entry: Buffer): string {
  const text = entry.toString()
  return text.slice(0, Math.max(text.indexOf('='), 0))
}

function decodedEnvironment(): Buffer[] {
  return Object.entries(process.env).map(([name, value]) => Buffer.from(`${name}=${value}`))
}

function wordsOf(file: string): Buffer[] | undefined {
  try {
    return splitWords(readFileSync(file))
  } catch {
    return undefined // macOS, or an executable that its user may not read
  }
}

function splitWords(bytes: Buffer): Buffer[] {
  const words: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf(0, start)
    words.push(bytes.subarray(start, end < 0 ? bytes.length : end))
    start = end < 0 ? bytes.length : end + 1
  }
  return words
}

/**
 * The soft limit of open files before Bun raised it to the hard one. Our parent's, where its hard limit is ours:
 * whoever changes the limit for one command (`ulimit -n`) changes both in a shell of its own.
 */
export function openFilesBefore(): bigint | undefined {
  const parent = openFilesOf(textOf(`/proc/${process.ppid}/limits`))
  const ours = openFilesOf(textOf('/proc/self/limits'))
  if (parent === undefined || ours === undefined || parent.hard !== ours.hard || parent.soft > ours.soft)
    return undefined
  return BigInt(parent.soft)
}

/** Reads the line of `/proc/<pid>/limits`; undefined when there is none, or no limit. */
export function openFilesOf(limits: string): { readonly soft: number; readonly hard: number } | undefined {
  const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(limits) ?? []
  return soft === undefined || hard === undefined ? undefined : { soft: Number(soft), hard: Number(hard) }
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
