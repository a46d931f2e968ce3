import { exitCode, Failure } from '../failure.ts'
import { databaseKeys } from '../target/keys.ts'
import type { Candidate } from '../target/resolve.ts'

/**
 * The chosen candidate's database keys for `--pin`, and only those: no other key of an env file may reach a child's
 * environment (`BUN_BE_BUN`, `LD_PRELOAD`, `PATH`). Throws a `Failure` (10) when there is no one choice.
 */
export function pinnedValues(candidates: readonly Candidate[]): Readonly<Record<string, string>> {
  const [only] = candidates
  if (only === undefined || candidates.length > 1) throw undecided()
  if (only.target.source.kind === 'flag') throw nothingToPin(only.target.source.label)
  const pairs = [...only.values].filter(([key]) => databaseKeys.has(key)).map(([key, { value }]) => [key, value])
  return Object.fromEntries(pairs)
}

// Which variable the command reads is its own affair: a guessed one would pin nothing, and say that it did.
function nothingToPin(label: string): Failure {
  return new Failure(exitCode.usage, {
    what: `--pin gives the command the keys of an env file, and ${label} names the database here`,
    next: [
      'Put the URL into an env file and name that (--env-file FILE --pin), or set the variable that the command reads.',
    ],
  })
}

function undecided(): Failure {
  return new Failure(exitCode.noTarget, {
    what: '--pin needs one chosen database, and several are candidates',
    next: ['Name the env file too: --env-file FILE --pin'],
  })
}
