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
  const pairs = [...only.values].filter(([key]) => databaseKeys.has(key)).map(([key, { value }]) => [key, value])
  return Object.fromEntries(pairs)
}

function undecided(): Failure {
  return new Failure(exitCode.noTarget, {
    what: '--pin needs one chosen database, and several are candidates',
    next: ['Name the env file too: --env-file FILE --pin'],
  })
}
