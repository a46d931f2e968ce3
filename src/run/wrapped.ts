import { constants } from 'node:os'
import { findCommand, type MissingCommand } from '../effects/find-command.ts'
import { turnOfTheLoop } from '../effects/turn-of-the-loop.ts'
import { wrapperExitCode as wrapperCode } from '../failure.ts'
import { bytesOfEnvironment, bytesOfWords, type Inherited, inherited, openFilesBefore, passedOn } from './inherited.ts'
import { type Keeper, startKeeper } from './keeper.ts'
import {
  type ChildEnd,
  childState,
  ignoreSignal,
  keepAcrossExec,
  limits,
  restoreStatusFlags,
  type Started,
  startProgram,
  withSoftLimit,
} from './libc.ts'
import { takeSignals } from './signals.ts'

/** How the wrapped command ended. */
type Exit =
  | { readonly code: number }
  | { readonly signal: string; readonly number: number }
  | { readonly failedToStart: string; readonly code: 126 | 127 }

export type Outcome = { readonly startedAt: Date; readonly seconds: number; readonly exit: Exit }

export type WrappedOptions = {
  /** Set over the caller's environment (`--pin`). */
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Runs the command as if we were not there, and waits for its end, whatever signal we get meanwhile. The command must
 * be the last words of our own arguments, and `inherited` should have been called early. Never throws for how the
 * command ended.
 */
export async function runWrapped(command: readonly string[], options: WrappedOptions = {}): Promise<Outcome> {
  const startedAt = new Date()
  const begin = performance.now()
  const exit = await runToEnd(command, options)
  return { startedAt, seconds: (performance.now() - begin) / 1000, exit }
}

/** What a wrapper ends with: the command's code, or 128 + n for signal n, as a shell has it. */
export function wrapperExitCode({ exit }: Outcome): number {
  return 'signal' in exit ? 128 + exit.number : exit.code
}

// JavaScript hears of signals only between its steps: one that comes while the command is started is told after it.
async function runToEnd(command: readonly string[], { environment = {} }: WrappedOptions): Promise<Exit> {
  const found = findCommand(command, process.env, process.cwd())
  if ('missing' in found) return missing(found)
  let react = (_: NodeJS.Signals): void => undefined
  const giveBack = takeSignals(heardSignals(inherited()), (signal) => react(signal))
  const keeper = startKeeper()
  try {
    const started = start(found.path, bytesOfWords(command), bytesOfEnvironment(environment))
    if ('errno' in started) return failedToStart(found.path, started.errno)
    const child = watchChild(started.pid)
    keeper.watch(started.pid)
    react = (signal) => void (signal === 'SIGCHLD' ? child.look() : passOn(signal, keeper, child))
    const exit = await child.ended
    await turnOfTheLoop()
    return exit
  } finally {
    keeper.release()
    giveBack()
  }
}

// What our caller has us ignore (`nohup`, a background job of a script) the command ignores too. SIGCHLD is heard in
// any case: where it is ignored, the kernel throws exit codes away.
function heardSignals({ ignoredSignals }: Inherited): NodeJS.Signals[] {
  return ['SIGCHLD', ...passedOn.filter((signal) => !ignoredSignals.includes(signal))]
}

async function passOn(signal: NodeJS.Signals, keeper: Keeper, child: Child): Promise<void> {
  if (!(await keeper.sawToo(signal))) child.send(signal)
}

// Bun ignores both in itself, and an ignored signal would stay so in the command.
const ignoredByBun = ['SIGPIPE', 'SIGXFSZ'] as const

function start(path: string, words: readonly Uint8Array[], environment: readonly Uint8Array[]): Started {
  handOver(inherited())
  return withSoftLimit(limits.coreFile, inherited().coreLimit, () =>
    withSoftLimit(limits.openFiles, openFilesBefore(), () => startAsItIs(path, words, environment)),
  )
}

function startAsItIs(path: string, words: readonly Uint8Array[], environment: readonly Uint8Array[]): Started {
  const started = startProgram(path, words, environment, ignoredByBun)
  if (!('errno' in started) || started.errno !== constants.errno.ENOEXEC) return started
  return startProgram('/bin/sh', asShellScript(path, words), environment, ignoredByBun)
}

function handOver({ ignoredSignals, descriptors, statusFlags }: Inherited): void {
  for (const signal of ignoredSignals) ignoreSignal(signal)
  for (const descriptor of descriptors) keepAcrossExec(descriptor)
  for (const [descriptor, flags] of statusFlags.entries()) {
    if (flags !== undefined) restoreStatusFlags(descriptor, flags)
  }
}

/** A script without a first line that names its interpreter is the shell's, as for execvp. */
export function asShellScript(path: string, words: readonly Uint8Array[]): Uint8Array[] {
  return [Buffer.from('/bin/sh'), Buffer.from(path), ...words.slice(1)]
}

// It was there before the backup, which may take long.
function missing({ missing, reason }: MissingCommand): Exit {
  const code = missing === 'not-found' ? wrapperCode.notFound : wrapperCode.cannotExecute
  return { failedToStart: reason, code }
}

function failedToStart(path: string, errno: number): Exit {
  const code = errno === constants.errno.ENOENT ? wrapperCode.notFound : wrapperCode.cannotExecute
  return { failedToStart: `${path} cannot be executed (${nameOf(constants.errno, errno)})`, code }
}

type Child = { readonly ended: Promise<Exit>; look(): void; send(signal: NodeJS.Signals): void }

function watchChild(pid: number): Child {
  const { promise, resolve, reject } = Promise.withResolvers<Exit>()
  let running = true
  const look = () => {
    if (!running) return
    const seen = childState(pid)
    if (seen.state === 'stopped') return stopToo(seen.signal)
    running = seen.state === 'running'
    if (seen.state === 'exited' || seen.state === 'killed') resolve(exitOf(seen))
    if (seen.state === 'lost') reject(new Error('how the wrapped command ended was told to someone else'))
  }
  const timer = setInterval(look, 1000) // a handler alone does not keep us alive
  const ended = promise.finally(() => clearInterval(timer))
  return { ended, look, send: (signal) => void (running && sendSignal(pid, signal)) }
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // a program of another user (sudo): who signalled us could not have signalled it either
  }
}

// A program that catches Ctrl-Z and then suspends itself alone waits for its shell to notice, and the shell sees us.
function stopToo(signal: number): void {
  if (signal === constants.signals.SIGTSTP) process.kill(process.pid, 'SIGTSTP')
}

function exitOf(state: ChildEnd): Exit {
  if (state.state === 'exited') return { code: state.code }
  return { signal: nameOf(constants.signals, state.signal), number: state.signal }
}

function nameOf(names: Readonly<Record<string, number>>, number: number): string {
  return Object.keys(names).find((name) => names[name] === number) ?? String(number)
}
