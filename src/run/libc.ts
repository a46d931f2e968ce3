import { dlopen, FFIType, ptr } from 'bun:ffi'
import { constants } from 'node:os'

// Bun.spawn decodes the arguments as text, closes inherited descriptors and resets ignored signals (measured in 1.4.5):
// a command that must not notice us is started by the C library itself.
const { ptr: pointer, i32 } = FFIType
const symbols = {
  posix_spawn: { args: [pointer, pointer, pointer, pointer, pointer, pointer], returns: i32 },
  posix_spawnattr_init: { args: [pointer], returns: i32 },
  posix_spawnattr_setflags: { args: [pointer, FFIType.i16], returns: i32 },
  posix_spawnattr_setsigdefault: { args: [pointer, pointer], returns: i32 },
  sigemptyset: { args: [pointer], returns: i32 },
  sigaddset: { args: [pointer, i32], returns: i32 },
  sigaction: { args: [i32, pointer, pointer], returns: i32 },
  waitpid: { args: [i32, pointer, i32], returns: i32 },
  fcntl: { args: [i32, i32, i32], returns: i32 },
  getrlimit: { args: [i32, pointer], returns: i32 },
  setrlimit: { args: [i32, pointer], returns: i32 },
} as const

const libraryName = process.platform === 'darwin' ? 'libSystem.B.dylib' : 'libc.so.6'

let opened: ReturnType<typeof openLibrary> | undefined

function openLibrary() {
  return dlopen(libraryName, symbols).symbols
}

function libc() {
  opened ??= openLibrary()
  return opened
}

export type Started = { readonly pid: number } | { readonly errno: number }

/** Starts a program with these very bytes; signals that we ignore stay ignored in it, except the `reset` ones. */
export function startProgram(
  path: string,
  words: readonly Uint8Array[],
  environment: readonly Uint8Array[],
  reset: readonly NodeJS.Signals[],
): Started {
  const pid = new Int32Array(1)
  const attributes = resetting(reset)
  const errno = libc().posix_spawn(pid, cString(path), null, attributes, vector(words), vector(environment))
  return errno === 0 ? { pid: pid[0] ?? 0 } : { errno }
}

const setSignalDefaults = 4 // POSIX_SPAWN_SETSIGDEF, in glibc, musl and macOS

function resetting(signals: readonly NodeJS.Signals[]): Uint8Array {
  const attributes = new Uint8Array(512) // posix_spawnattr_t: 336 bytes in glibc and musl, 8 in macOS
  const set = new Uint8Array(128)
  libc().sigemptyset(set)
  for (const signal of signals) libc().sigaddset(set, constants.signals[signal])
  libc().posix_spawnattr_init(attributes)
  libc().posix_spawnattr_setflags(attributes, setSignalDefaults)
  libc().posix_spawnattr_setsigdefault(attributes, set)
  return attributes
}

function cString(text: string): Uint8Array {
  return Buffer.from(`${text}\0`)
}

// A char** and the strings that it points to in one block, so that nothing of it can be collected during the call.
function vector(words: readonly Uint8Array[]): Uint8Array {
  const pointersLength = 8 * (words.length + 1)
  const block = Buffer.alloc(words.reduce((length, word) => length + word.length + 1, pointersLength))
  const base = ptr(block)
  let offset = pointersLength
  for (const [index, word] of words.entries()) {
    block.writeBigUInt64LE(BigInt(base + offset), 8 * index)
    block.set(word, offset)
    offset += word.length + 1
  }
  return block
}

export type ChildState =
  | { readonly state: 'running' | 'lost' }
  | { readonly state: 'stopped'; readonly signal: number }
  | ChildEnd

export type ChildEnd =
  | { readonly state: 'killed'; readonly signal: number }
  | { readonly state: 'exited'; readonly code: number }

const noHang = 1
const untraced = 2

/** What became of our child, without waiting; its end and each of its stops are told once. */
export function childState(pid: number): ChildState {
  const status = new Int32Array(1)
  const answer = libc().waitpid(pid, status, noHang | untraced)
  if (answer === 0) return { state: 'running' }
  return answer === pid ? readStatus(status[0] ?? 0) : { state: 'lost' }
}

/** The meaning of a `wait` status (the same numbers in Linux and macOS). */
export function readStatus(status: number): ChildState {
  const signal = status & 0x7f
  if (signal === 0) return { state: 'exited', code: (status >> 8) & 0xff }
  if (signal === 0x7f) return { state: 'stopped', signal: (status >> 8) & 0xff }
  return { state: 'killed', signal }
}

const ignore = 1n // SIG_IGN

export function isIgnored(signal: NodeJS.Signals): boolean {
  const action = Buffer.alloc(256)
  libc().sigaction(constants.signals[signal], null, action)
  return action.readBigUInt64LE(0) === ignore
}

export function ignoreSignal(signal: NodeJS.Signals): void {
  const action = Buffer.alloc(256)
  action.writeBigUInt64LE(ignore, 0)
  libc().sigaction(constants.signals[signal], action, null)
}

const setDescriptorFlags = 2 // F_SETFD
const setStatusFlags = 4 // F_SETFL

/** Lets the programs that we start inherit the descriptor. Linux only: `fcntl` takes its arguments otherwise on macOS. */
export function keepAcrossExec(descriptor: number): void {
  libc().fcntl(descriptor, setDescriptorFlags, 0)
}

export function restoreStatusFlags(descriptor: number, flags: number): void {
  libc().fcntl(descriptor, setStatusFlags, flags)
}

/** Limits of a process by their numbers in Linux: RLIMIT_CORE, RLIMIT_NOFILE. */
export const limits = { coreFile: 4, openFiles: 7 } as const

type Limit = (typeof limits)[keyof typeof limits]

/** Sets the soft limit and returns what it was; undefined where it cannot be read. Linux only. */
export function setSoftLimit(limit: Limit, soft: bigint): bigint | undefined {
  const now = new BigUint64Array(2)
  if (libc().getrlimit(limit, now) !== 0) return undefined
  libc().setrlimit(limit, new BigUint64Array([soft, now[1] ?? 0n]))
  return now[0]
}

/** Runs `start` under this soft limit, and ours again after it. Linux only. */
export function withSoftLimit<Result>(limit: Limit, soft: bigint | undefined, start: () => Result): Result {
  const ours = soft === undefined ? undefined : setSoftLimit(limit, soft)
  try {
    return start()
  } finally {
    if (ours !== undefined) setSoftLimit(limit, ours)
  }
}
