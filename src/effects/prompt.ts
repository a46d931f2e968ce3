import { interrupted } from './interruption.ts'
import type { Io } from './io.ts'
import type { Terminal } from './terminal.ts'

/** Why nobody is asked, as the end of a refusal: "…, and there is no terminal to ask on". */
export function whyNotAsked({ agent }: Terminal): string {
  if (agent === undefined) return 'there is no terminal to ask on'
  return `a coding agent is not asked (${agent.name}: ${agent.sign})`
}

/** What stands before the command that does it all the same, in the `next` of a refusal. */
export function whoMayDecide({ agent }: Terminal): string {
  return agent === undefined ? 'If this really is what you mean' : 'Only if the person that you work for says so'
}

/** A question's answer; undefined when it was cancelled (Ctrl-C, Esc, end of input). Only asked on a terminal. */
export async function askText(io: Io, message: string): Promise<string | undefined> {
  const answer = await ask(io, { type: 'text', message })
  return typeof answer === 'string' ? answer : undefined
}

/** Yes only when yes was said. */
export async function askYes(io: Io, message: string): Promise<boolean> {
  return (await ask(io, { type: 'confirm', message, initial: false })) === true
}

export type Choice<T> = { readonly title: string; readonly description?: string; readonly value: T }

export async function askChoice<T>(io: Io, message: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
  const answer = await ask(io, { type: 'select', message, choices: choices.map((choice) => ({ ...choice })) })
  return answer as T | undefined
}

/** The same where nothing has begun yet: Ctrl-C throws the `Failure` (130) of an interruption, Esc picks none. */
export async function pickChoice<T>(io: Io, message: string, choices: readonly Choice<T>[]): Promise<T | undefined> {
  let ctrlC = false
  // prompts takes Esc and Ctrl-C for the same.
  const onKey = (_: unknown, key?: { readonly name?: string; readonly ctrl?: boolean }) => {
    ctrlC = key?.ctrl === true && key.name === 'c'
  }
  process.stdin.on('keypress', onKey)
  const picked = await askChoice(io, message, choices).finally(() => process.stdin.off('keypress', onKey))
  if (ctrlC) throw interrupted('SIGINT')
  return picked
}

type Question = {
  readonly type: 'text' | 'confirm' | 'select'
  readonly message: string
  readonly initial?: boolean
  readonly choices?: { title: string; value: unknown }[]
}

// prompts hangs at full CPU without a terminal, and when its window is closed; it draws on stdout unless told otherwise.
async function ask(io: Io, question: Question): Promise<unknown> {
  if (!io.terminal.interactive) return undefined
  const { default: prompts } = await import('prompts')
  io.signal.throwIfAborted()
  // Of our signals it knows nothing: one presses Ctrl-C.
  const cancel = () => void process.stdin.emit('keypress', '\x03', { name: 'c', ctrl: true })
  io.signal.addEventListener('abort', cancel, { once: true })
  const shown = { ...question, name: 'answer', stdout: process.stderr, stdin: process.stdin } as never
  const gone = new Promise<object>((resolve) => process.stdin.once('close', () => resolve({})))
  const answers = await Promise.race([prompts(shown, { onCancel: () => false }), gone])
  io.signal.removeEventListener('abort', cancel)
  io.signal.throwIfAborted()
  return (answers as { answer?: unknown }).answer
}
