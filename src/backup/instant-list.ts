import type { Io } from '../effects/io.ts'
import { onOneLine } from '../effects/terminal.ts'
import { within } from '../effects/time-limit.ts'
import { shownBytes } from '../effects/units.ts'
import type { InstantCopy } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import type { Candidate } from '../target/resolve.ts'
import { urlOf } from '../target/target.ts'
import { instantCopies } from './instant.ts'

/** An instant copy, and the URL of the database that it is of. */
export type ListedCopy = { readonly target: string; readonly copy: InstantCopy }

// A list of files must not wait for a server that does not answer.
const patienceSeconds = 2

/** The instant copies of these databases, as far as those answer within two seconds. */
export async function listCopies(io: Io, candidates: readonly Candidate[]): Promise<readonly ListedCopy[]> {
  const late = new Error('no answer in time')
  const all = candidates.map((candidate) =>
    within(io, patienceSeconds, late, (limited) => copiesOf(limited, candidate)),
  )
  const settled = await Promise.allSettled(all)
  io.signal.throwIfAborted()
  return settled.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
}

async function copiesOf(io: Io, { target }: Candidate): Promise<readonly ListedCopy[]> {
  const copies = instantCopies(await loadEngine(target.engine))
  if (typeof copies === 'string') return []
  return (await copies.list(io, target)).map((copy) => ({ target: urlOf(target), copy }))
}

/** One line for each copy under a heading; nothing where there is none. `command` is how `restore-database` is called here. */
export function copyLines(copies: readonly ListedCopy[], command: string): readonly string[] {
  if (copies.length === 0) return []
  return [`Instant copies (${command} --instant NAME swaps one in):`, ...copies.map(copyLine)]
}

function copyLine({ target, copy }: ListedCopy): string {
  const origin = copy.backup === undefined ? 'put aside by a restore' : `made with ${copy.backup}`
  const made = new Date(copy.createdAt).toLocaleString('sv-SE')
  return `  ${onOneLine(copy.name)}  ${shownBytes(copy.sizeBytes)}  ${made}  ${origin}  (${target})`
}
