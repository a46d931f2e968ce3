import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { onOneLine } from '../effects/terminal.ts'
import { shownBytes, shownSeconds } from '../effects/units.ts'
import type { Engine, InstantCopies, InstantCopy } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { Failure, messageOf } from '../failure.ts'
import type { Candidate } from '../target/resolve.ts'
import type { Target } from '../target/target.ts'
import { asideBefore, copiesBeyond } from './instant-choice.ts'
import { type Protected, type ProtectRequest, protect } from './prepare.ts'

/** The engine's instant copies; a text: why it has none. */
export function instantCopies(engine: Engine): InstantCopies | string {
  const { instant = { refused: 'this engine has none' } } = engine
  return 'refused' in instant ? instant.refused : instant
}

/**
 * Backs up one candidate, and where that is asked for keeps an instant copy too. What keeps that from being made
 * is said, and is no reason to stop: the dump is there. Throws a `Failure` as `protect` does.
 */
export async function protectWithCopy(io: Io, candidate: Candidate, request: ProtectRequest): Promise<Protected> {
  const made = await protect(io, candidate, request)
  const copy = await copyInside(io, made, request)
  return copy === undefined ? made : { ...made, copy }
}

async function copyInside(
  io: Io,
  { candidate, outcome }: Protected,
  { options, guarded }: ProtectRequest,
): Promise<InstantCopy | undefined> {
  if (!options.instant || 'nothing' in outcome) return undefined
  const copies = instantCopies(await loadEngine(candidate.target.engine))
  const refused = guarded.evidenceOf(candidate).length > 0 ? forDevelopment : copies
  if (typeof refused === 'string') return without(io, `No instant copy is made: ${refused}`)
  try {
    return await copyOrKeep(io, refused, candidate, { backup: outcome.backup.file, keep: options.instantKeep })
  } catch (error) {
    io.signal.throwIfAborted()
    if (!(error instanceof Failure)) throw error
    const text = [error.text.what, ...(error.text.why ?? [])].join('; ')
    return without(io, text, await olderText(io, refused, candidate.target))
  }
}

const forDevelopment = 'they are for development servers, and this looks like production'

function without(io: Io, text: string, more = ''): undefined {
  io.terminal.warn(`${text}. The backup is there.${more}`)
}

async function olderText(io: Io, copies: InstantCopies, target: Target): Promise<string> {
  const all = await copies.list(io, target).catch(() => [])
  io.signal.throwIfAborted()
  const older = all.find(({ backup }) => backup !== undefined)
  if (older === undefined) return ''
  const since = new Date(older.createdAt).toLocaleString('sv-SE')
  return ` ${onOneLine(older.name)} remains: it is of ${since}, and not of this backup.`
}

// A backup that was kept because nothing changed keeps its copy too.
async function copyOrKeep(
  io: Io,
  copies: InstantCopies,
  { target }: Candidate,
  { backup, keep }: { readonly backup: string; readonly keep: number },
): Promise<InstantCopy> {
  const known = (await copies.list(io, target)).find((copy) => copy.backup === backup)
  if (known !== undefined) {
    io.terminal.detail(`The instant copy is still there: ${onOneLine(known.name)}`)
    return known
  }
  const progress = startProgress(io)
  progress.update('making an instant copy')
  const start = performance.now()
  const { copy, notes } = await copies.copy(io, target, backup).finally(() => progress.stop())
  const size = `${shownBytes(copy.sizeBytes)}, ${shownSeconds((performance.now() - start) / 1000)}`
  io.terminal.say(`${io.terminal.style('green', '✓')} Instant copy → ${onOneLine(copy.name)} (${size})`)
  for (const note of notes) io.terminal.say(`  ${note}`)
  await removeBeyond(io, copies, target, keep)
  return copy
}

async function removeBeyond(io: Io, copies: InstantCopies, target: Target, keep: number): Promise<void> {
  const all = await copies.list(io, target)
  for (const { name, ...old } of copiesBeyond(all, keep)) {
    try {
      await copies.remove(io, target, { name, ...old })
      io.terminal.detail(`Removed the older instant copy ${onOneLine(name)}`)
    } catch (error) {
      io.signal.throwIfAborted()
      io.terminal.warn(`The older instant copy ${onOneLine(name)} could not be removed (${messageOf(error)})`)
    }
  }
  for (const copy of asideBefore(all)) io.terminal.warn(asideText(copies, copy))
}

function asideText(copies: InstantCopies, copy: InstantCopy): string {
  const { name, createdAt, sizeBytes } = copy
  const since = new Date(createdAt).toLocaleString('sv-SE')
  const dropIt = copies.dropCommand(copy)
  return `${onOneLine(name)} was put aside by a restore (${since}, ${shownBytes(sizeBytes)}), and is in no backup; when it is not needed: ${dropIt}`
}
