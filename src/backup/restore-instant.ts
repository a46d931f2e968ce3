import type { Io } from '../effects/io.ts'
import { whoMayDecide, whyNotAsked } from '../effects/prompt.ts'
import { onOneLine } from '../effects/terminal.ts'
import { shownBytes, shownSeconds } from '../effects/units.ts'
import type { InstantCopies, InstantCopy } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { exitCode, Failure } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import type { Candidate } from '../target/resolve.ts'
import { identityOf, urlOf } from '../target/target.ts'
import { confirmPlan } from './confirm.ts'
import type { BackupFolder } from './folder.ts'
import { instantCopies } from './instant.ts'
import { chooseCopy } from './instant-choice.ts'
import { type Backup, latestBackup } from './list.ts'
import { lookAtServer } from './look-at-server.ts'
import { sayBefore, wayBackTo } from './way-back.ts'

/** A swap that was chosen and not yet made. */
export type SwapTask = {
  readonly candidate: Candidate
  readonly copies: InstantCopies
  readonly copy: InstantCopy
  /** Who is connected now, and what becomes of them. */
  readonly connected: readonly string[]
  /** Of a copy that nobody named: a backup that was made after it, whose data the copy lacks. */
  readonly newer?: string
}

/** Finds the copy that was named, or the newest one. Throws a `Failure` (2, 20, 40) where there is none. */
export async function planSwap(
  io: Io,
  candidate: Candidate,
  folder: BackupFolder,
  named: string | undefined,
): Promise<SwapTask> {
  const copies = instantCopies(await loadEngine(candidate.target.engine))
  if (typeof copies === 'string') throw noCopies(copies)
  const copy = chooseCopy(await copies.list(io, candidate.target), named)
  const latest = named === undefined ? await latestBackup(folder, identityOf(candidate.target), io.now()) : undefined
  const newer = latest !== undefined && isNewer(latest, copy) ? { newer: `${folder.shown}/${latest.file}` } : {}
  return { candidate, copies, copy, connected: await copies.connected(io, candidate.target), ...newer }
}

// The copy of a backup is made after it: what was made later still is of later data.
function isNewer({ file, manifest }: Backup, copy: InstantCopy): boolean {
  return file !== copy.backup && Date.parse(manifest.createdAt) > Date.parse(copy.createdAt)
}

/**
 * Says what the swap will do, and asks. A copy that is older than the newest backup takes more than `--yes`: its name.
 * Throws a `Failure` (20) without a yes.
 */
export async function confirmSwap(io: Io, invocation: Invocation, task: SwapTask, again: Again): Promise<void> {
  const { copy, newer } = task
  const { terminal } = io
  if (newer !== undefined && !terminal.interactive) {
    const restore = await wayBackTo(io, invocation, task.candidate, { backup: newer })
    throw new Failure(exitCode.refused, {
      what: `Refused: there is a newer backup than the newest instant copy, and ${whyNotAsked(terminal)}`,
      why: swapText(task),
      next: [
        `To restore that backup: ${restore.command}`,
        `${whoMayDecide(terminal)}, to swap that copy in: ${again(['--yes', copy.name])}`,
      ],
    })
  }
  const yes = invocation.options.yes && newer === undefined
  await confirmPlan(io, swapText(task), { yes, again: again(['--yes']) })
}

type Again = (options: readonly string[]) => string

function noCopies(reason: string): Failure {
  return new Failure(exitCode.refused, {
    what: `There are no instant copies: ${reason}`,
    next: ['restore-database lists the backups that are there.'],
  })
}

/** What a person has to know before the swap, one line each. */
function swapText({ candidate, copy, connected, newer }: SwapTask): readonly string[] {
  const origin = copy.backup === undefined ? 'put aside by a restore' : `made with ${copy.backup}`
  const made = new Date(copy.createdAt).toLocaleString('sv-SE')
  return [
    `Swaps in    ${onOneLine(copy.name)}  (of ${made}, ${shownBytes(copy.sizeBytes)}; ${origin})`,
    `in place of ${urlOf(candidate.target)}  (${candidate.reason})`,
    'What is there now is put aside: it can be swapped back, and is in no backup.',
    ...(newer === undefined ? [] : [`Attention: the backup ${newer} is newer than this copy`]),
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
