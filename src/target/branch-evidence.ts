import { matchesPattern, saysOtherThanProduction } from './name-words.ts'
import type { Evidence, NamePatterns, Surroundings } from './production.ts'
import { isRemoteHost } from './remote-host.ts'
import type { Candidate } from './resolve.ts'
import type { ServerTarget } from './target.ts'
import { databaseBranch, gitBranchKeys, isProductionBranch, type Place } from './telling-variables.ts'

/** What the provider of a database says of its branch, in a variable or in the database's own name. */
export function databaseBranchEvidence(
  { target }: Candidate,
  places: readonly Place[],
  { patterns }: Surroundings,
): readonly Evidence[] {
  if (target.engine === 'sqlite' || target.host === undefined || isSafe(target, patterns)) return []
  const { host, database } = target
  return places.flatMap((place) => {
    const { value, label = target.source.label } = databaseBranch(host, database, place) ?? {}
    return value === undefined ? [] : [{ rule: 'database-branch', value, source: label }]
  })
}

/** The branch that is in production checked out or deployed, together with a host that is elsewhere. */
export function gitBranchEvidence(
  { target, files }: Candidate,
  places: readonly Place[],
  { branch, machine, patterns }: Surroundings,
): readonly Evidence[] {
  if (target.engine === 'sqlite' || target.host === undefined || !isRemoteHost(target.host, machine)) return []
  if (isSafe(target, patterns) || [target.database, target.host, ...files].some(saysOtherThanProduction)) return []
  const { host } = target
  const deployed = places.flatMap((place) =>
    gitBranchKeys.map((key) => ({ name: place(key)?.value ?? '', source: `${key}, ${place(key)?.label}` })),
  )
  const found = [...(branch === undefined ? [] : [branch]), ...deployed].find(({ name }) => isProductionBranch(name))
  return found === undefined ? [] : [{ rule: 'git-branch', value: found.name, source: found.source, host }]
}

function isSafe({ database, host }: ServerTarget, { safeNames }: NamePatterns): boolean {
  return [database, host ?? ''].some((name) => safeNames.some((pattern) => matchesPattern(name, pattern)))
}
