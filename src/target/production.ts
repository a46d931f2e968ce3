import { basename } from 'node:path'
import type { Environment } from '../effects/io.ts'
import { onOneLine } from '../effects/terminal.ts'
import type { Machine } from '../effects/this-machine.ts'
import { environmentLabel } from '../environment/env-file.ts'
import type { GitBranch } from '../environment/git-branch.ts'
import { databaseBranchEvidence, gitBranchEvidence } from './branch-evidence.ts'
import { matchesPattern, matchesPatternInPart, productionWordIn } from './name-words.ts'
import type { Candidate } from './resolve.ts'
import type { Target } from './target.ts'
import { type Place, productionKeys } from './telling-variables.ts'

/** One fact that says production. */
export type Evidence = {
  readonly rule:
    | 'database-name'
    | 'host-name'
    | 'env-file-name'
    | 'environment-variable'
    | 'production-name'
    | 'customer-identifier'
    | 'database-branch'
    | 'git-branch'
    | 'marker'
    | 'server-name'
  readonly value: string
  /** Where it was read: an env file, `environment`, a flag, `.git/HEAD`, `the server`, `the comment on the database`. */
  readonly source: string
  /** With `git-branch`: the host that is not this machine. */
  readonly host?: string
}

/** Patterns of the project file; `*` stands for anything. */
export type NamePatterns = {
  readonly productionNames: readonly string[]
  readonly safeNames: readonly string[]
  readonly customerIdentifiers: readonly string[]
}

/** What is known beside a candidate itself. */
export type Surroundings = {
  readonly environment: Environment
  readonly patterns: NamePatterns
  /** What is checked out where the command runs. */
  readonly branch: GitBranch | undefined
  readonly machine: Machine
}

/** All evidence that a candidate is production. A local host is never evidence against it: it may be a tunnel. */
export function productionEvidence(candidate: Candidate, surroundings: Surroundings): readonly Evidence[] {
  const all = [candidate, ...(candidate.alike ?? [])].flatMap((one) => {
    const places = placesOf(one, surroundings.environment)
    return [
      ...nameEvidence(one.target, surroundings.patterns),
      ...fileEvidence(one),
      ...variableEvidence(places),
      ...databaseBranchEvidence(one, places, surroundings),
      ...gitBranchEvidence(one, places, surroundings),
    ]
  })
  return toldOnce(all)
}

/** Each piece once, the first time that it is told. */
export function toldOnce(evidence: readonly Evidence[]): readonly Evidence[] {
  const pieces = evidence.toReversed().map((one) => [`${one.rule} ${one.value}`, one] as const)
  return [...new Map(pieces).values()].toReversed()
}

type Name = {
  readonly rule: 'database-name' | 'host-name' | 'server-name'
  readonly value: string
  readonly source: string
}

function nameEvidence(target: Target, patterns: NamePatterns): readonly Evidence[] {
  return namesOf(target).flatMap((name) =>
    judgeName(name, target.engine === 'sqlite' ? [name.value, stem(name.value)] : [name.value], patterns),
  )
}

/** What one name says, in any of its forms; the last form is read for words. */
export function judgeName(name: Name, forms: readonly string[], patterns: NamePatterns): readonly Evidence[] {
  const isOneOf = (list: readonly string[], matches: typeof matchesPattern) =>
    list.some((pattern) => forms.some((form) => matches(form, pattern)))
  if (isOneOf(patterns.safeNames, matchesPattern)) return []
  if (isOneOf(patterns.productionNames, matchesPattern)) return [{ ...name, rule: 'production-name' }]
  if (isOneOf(patterns.customerIdentifiers, matchesPatternInPart)) return [{ ...name, rule: 'customer-identifier' }]
  return productionWordIn(readAsWords(name, forms)) === undefined ? [] : [name]
}

// The top-level domain `live` says nothing of `db.acme.live`.
function readAsWords({ rule, value }: Name, forms: readonly string[]): string {
  return rule !== 'database-name' ? value.replace(/\.live\.?$/i, '') : (forms.at(-1) ?? value)
}

function namesOf(target: Target): readonly Name[] {
  const source = target.source.label
  if (target.engine === 'sqlite') return [{ rule: 'database-name', value: basename(target.database), source }]
  const host =
    target.host === undefined ? [] : [{ rule: 'host-name' as const, value: target.host, source: hostSource(target) }]
  return [{ rule: 'database-name', value: target.database, source }, ...host]
}

// DB_HOST may come from the environment while DB_DATABASE stands in a file.
function hostSource({ source }: Target): string {
  const key = source.keys.find((name) => /HOST/.test(name))
  return (key === undefined ? undefined : source.labels[key]) ?? source.label
}

function stem(file: string): string {
  return file.replace(/\.(?:sqlite3?|db3?)$/i, '')
}

// The folder tells too: config/production/.env.
function fileEvidence(candidate: Candidate): readonly Evidence[] {
  const telling = candidate.files.filter((file) => file.split('/').some((part) => productionWordIn(part) !== undefined))
  return telling.map((file) => ({ rule: 'env-file-name', value: file, source: file }))
}

// APP_ENV=testing around a file that says production does not make the file's database a test database: each place counts.
function placesOf({ environment: own, values }: Candidate, environment: Environment): readonly Place[] {
  const outer = own ?? environment
  const inEnvironment: Place = (key) => {
    const value = outer[key]
    return value === undefined ? undefined : { value, label: environmentLabel }
  }
  return [inEnvironment, (key) => values.get(key)]
}

function variableEvidence(places: readonly Place[]): readonly Evidence[] {
  return places.flatMap((place) =>
    productionKeys(place).map((key) => {
      const { value = '', label = environmentLabel } = place(key) ?? {}
      return { rule: 'environment-variable', value: `${key}=${value}`, source: label }
    }),
  )
}

/** A sentence for one piece of evidence. */
export function evidenceText(evidence: Evidence): string {
  return `${sentences[evidence.rule](onOneLine(evidence.value), onOneLine(evidence.host ?? ''))}  (${onOneLine(evidence.source)})`
}

const sentences: Readonly<Record<Evidence['rule'], (value: string, host: string) => string>> = {
  'database-name': (value) => `the database is called ${value}`,
  'host-name': (value) => `the host is called ${value}`,
  'env-file-name': (value) => `the env file is called ${value}`,
  'environment-variable': (value) => value,
  'production-name': (value) => `${value} is one of productionNames`,
  'customer-identifier': (value) => `${value} matches customerIdentifiers`,
  'database-branch': (value) => `${value} names the branch that production uses`,
  marker: (value) => `the database itself says ${value}`,
  'server-name': (value) => `the server calls itself ${value}`,
  'git-branch': (value, host) => `the git branch is ${value}, and ${host} is not this machine`,
}
