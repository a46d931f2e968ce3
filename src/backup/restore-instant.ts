import type { Io } from '../effects/io.ts'
import { onOneLine } from '../effects/terminal.ts'
import { shownBytes, shownSeconds } from '../effects/units.ts'
import type { InstantCopies, InstantCopy } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { exitCode, Failure } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import type { Candidate } from '../target/resolve.ts'
import { urlOf } from '../target/target.ts'
import { instantCopies } from './instant.ts'
import { chooseCopy } from './instant-choice.ts'
import { lookAtServer } from './look-at-server.ts'
import { sayBefore, wayBackTo } from './way-back.ts'

/** A swap that was chosen and not yet made. */
export type SwapTask = {
  readonly candidate: Candidate
  readonly copies: InstantCopies
  readonly copy: InstantCopy
  /** Who is connected now, and what becomes of them. */
  readonly connected: readonly string[]
}

/** Finds the copy that was named, or the newest one. Throws a `Failure` (2, 20, 40) where there is none. */
export async function planSwap(io: Io, candidate: Candidate, named: string | undefined): Promise<SwapTask> {
  const copies = instantCopies(await loadEngine(candidate.target.engine))
  if (typeof copies === 'string') throw noCopies(copies)
  const copy = chooseCopy(await copies.list(io, candidate.target), named)
  return { candidate, copies, copy, connected: await copies.connected(io, candidate.target) }
}

function noCopies(reason: string): Failure {
  return new Failure(exitCode.refused, {
    what: `There are no instant copies: ${reason}`,
    next: ['restore-database lists the backups that are there.'],
  })
}

/** What a person has to know before the swap, one line each. */
export function swapText({ candidate, copy, connected }: SwapTask): readonly string[] {
  const origin = copy.backup === undefined ? 'put aside by a restore' : `made with ${copy.backup}`
  const made = new Date(copy.createdAt).toLocaleString('sv-SE')
  return [
    `Swaps in    ${onOneLine(copy.name)}  (of ${made}, ${shownBytes(copy.sizeBytes)}; ${origin})`,
    `in place of ${urlOf(candidate.target)}  (${candidate.reason})`,
    'What is there now is put aside: it can be swapped back, and is in no backup.',
    ...connected.map((line) => `Attention: ${line}`),
  ]
}

export type Swapped = { readonly former?: InstantCopy; readonly notes: readonly string[]; readonly seconds: number }

/** Looks at the server once more, and swaps. Throws a `Failure` (11, 20, 40) with the database as it was before. */
export async function swapIn(io: Io, { candidate, copies, copy }: SwapTask, guarded: Guarded): Promise<Swapped> {
  await lookAtServer(io, candidate, guarded)
  io.signal.throwIfAborted()
  const start = performance.now()
  const swapped = await copies.swapIn(io, candidate.target, copy, () => guarded.checkAgain())
  return { ...swapped, seconds: (performance.now() - start) / 1000 }
}

/** One sentence for what was swapped in. */
export function swappedText({ candidate, copy }: SwapTask, { seconds }: Swapped): string {
  const made = new Date(copy.createdAt).toLocaleString('sv-SE')
  return `Restored ${urlOf(candidate.target)} from the copy of ${made} (swapped in; ${shownSeconds(seconds)})`
}

/** After the swap: the engine's notes, and the way back to what was there before. */
export async function saySwapped(
  io: Io,
  invocation: Invocation,
  { candidate, copy }: SwapTask,
  swapped: Swapped,
): Promise<void> {
  const { operation } = invocation
  operation.restored = copy.name
  operation.notes.push(...swapped.notes)
  for (const note of swapped.notes) io.terminal.say(`  ${note}`)
  if (swapped.former === undefined) return
  sayBefore(io, invocation, await wayBackTo(io, invocation, candidate, { copy: swapped.former.name }))
}
