import type { Io } from '../effects/io.ts'
import { askText, whoMayDecide, whyNotAsked } from '../effects/prompt.ts'
import { onOneLine } from '../effects/terminal.ts'
import { exitCode, Failure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { shellWords } from '../shell-words.ts'
import { type Candidate, optionsFor } from '../target/resolve.ts'
import { shortName, urlOf } from '../target/target.ts'
import { isOf } from './list.ts'
import type { Manifest } from './manifest.ts'

/** A restore whose target was found rather than named: `all` are the candidates that it was chosen from. */
export type Chosen = {
  readonly shown: string
  readonly manifest: Manifest | undefined
  readonly candidate: Candidate
  readonly all: readonly Candidate[]
  /** The same call with more options, as it can be pasted. */
  readonly again: (options: readonly string[]) => string
}

/**
 * Lets a backup into a database that it is not of only where that one was named on this very call, or its name is typed:
 * a way back that is pasted where `.env` names another database must not overwrite that one, and `--yes` is no answer.
 * Throws a `Failure` (10, 20) otherwise.
 */
export async function requireItsOwn(io: Io, invocation: Invocation, chosen: Chosen): Promise<void> {
  const { manifest, candidate } = chosen
  if (manifest === undefined || isOf(manifest, candidate.target) || isNamed(invocation)) return
  if (!io.terminal.interactive) throw refusal(io, manifest, chosen)
  io.terminal.warn(`Attention: ${chosen.shown} is of another database than the one that it would overwrite`)
  for (const line of both(manifest, candidate)) io.terminal.warn(`  ${line}`)
  const name = shortName(candidate.target)
  const typed = await askText(io, `Type ${onOneLine(name)} to overwrite it (anything else cancels)`)
  if (typed !== name) throw new Failure(exitCode.refused, { what: 'Cancelled: nothing was changed' })
}

function isNamed({ options, ownArguments }: Invocation): boolean {
  return options.databaseUrl !== undefined || ownArguments.includes('--env-file')
}

function both(manifest: Manifest, { target, reason }: Candidate): readonly string[] {
  return [`The backup is of  ${onOneLine(manifest.target)}`, `It would go into   ${urlOf(target)}  (${reason})`]
}

function refusal({ terminal }: Io, manifest: Manifest, { shown, candidate, all, again }: Chosen): Failure {
  const own = `SEATBELT_DATABASE_URL=${shellWords([manifest.target])} ${again([])}`
  const other = again(optionsFor(candidate, all))
  return new Failure(exitCode.noTarget, {
    what: `Refused: ${shown} is of another database than the one that it would overwrite, and ${whyNotAsked(terminal)}`,
    why: both(manifest, candidate),
    next: [
      `To restore it to the database that it is of: ${own}`,
      `${whoMayDecide(terminal)}, to overwrite ${onOneLine(shortName(candidate.target))} with it: ${other}`,
    ],
  })
}
