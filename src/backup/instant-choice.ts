import { basename } from 'node:path'
import type { InstantCopy } from '../engines/engine.ts'
import { exitCode, Failure } from '../failure.ts'
import { shellWords } from '../shell-words.ts'

/** Which copies go once a new one is there, of a list with the newest first: of those that were made, `keep` stay. */
export function copiesBeyond(copies: readonly InstantCopy[], keep: number): readonly InstantCopy[] {
  return copies.filter(({ backup }) => backup !== undefined).slice(keep)
}

/** What swaps put aside before the last one: it is in no backup, so only a person may drop it. */
export function asideBefore(copies: readonly InstantCopy[]): readonly InstantCopy[] {
  return copies.filter(({ backup }) => backup === undefined).slice(1)
}

/**
 * The copy that was named: by its own name, or by the backup that was made with it; else the newest that was made of
 * the database. Throws a `Failure` (2) where there is none.
 */
export function chooseCopy(copies: readonly InstantCopy[], named: string | undefined): InstantCopy {
  const found =
    named === undefined
      ? copies.find(({ backup }) => backup !== undefined)
      : copies.find(({ name, backup }) => name === named || backup === basename(named))
  if (found !== undefined) return found
  const [newest] = copies
  const what = named === undefined ? 'There is no instant copy' : `There is no instant copy of ${named}`
  throw new Failure(exitCode.usage, {
    what: named === undefined && newest !== undefined ? `${what} that was made with a backup` : what,
    why: copies.map(({ name, backup }) => `There is ${name} (${backup ?? 'put aside by a restore'})`),
    next: [named === undefined ? withoutName(newest) : 'To restore the backup itself, leave --instant out.'],
  })
}

function withoutName(newest: InstantCopy | undefined): string {
  if (newest === undefined) return 'restore-database lists the backups that are there.'
  return `To bring back what was put aside: restore-database --instant ${shellWords([newest.name])}`
}
