import { basename } from 'node:path'
import type { Environment } from '../effects/io.ts'
import { matchesPattern, productionWordIn } from './name-words.ts'
import type { Candidate } from './resolve.ts'
import type { Target } from './target.ts'

/** One fact that says production. */
export type Evidence = {
  readonly rule:
    | 'database-name'
    | 'host-name'
    | 'env-file-name'
    | 'environment-variable'
    | 'production-name'
    | 'customer-identifier'
  readonly value: string
  /** Where it was read: an env file, `environment`, a flag, `seatbelt.json`. */
  readonly source: string
}

/** Patterns of the project file; `*` stands for anything. */
export type NamePatterns = {
  readonly productionNames: readonly string[]
  readonly safeNames: readonly string[]
  readonly customerIdentifiers: readonly string[]
}

// Variables that say which environment this is, of the frameworks and platforms in use (design § 4).
const environmentKeys = [
  'APP_ENV',
  'NODE_ENV',
  'RAILS_ENV',
  'RACK_ENV',
  'VERCEL_ENV',
  'DJANGO_ENV',
  'FLASK_ENV',
  'SYMFONY_ENV',
  'MIX_ENV',
  'ASPNETCORE_ENVIRONMENT',
  'DEPLOY_ENV',
  'ENVIRONMENT',
] as const

/** All evidence that a candidate is production. A local host is never evidence against it: it may be a tunnel. */
export function productionEvidence(
  candidate: Candidate,
  environment: Environment,
  patterns: NamePatterns,
): readonly Evidence[] {
  return [
    ...nameEvidence(candidate.target, patterns),
    ...fileEvidence(candidate),
    ...variableEvidence(candidate, environment),
  ]
}

type Name = { readonly rule: 'database-name' | 'host-name'; readonly value: string; readonly source: string }

function nameEvidence(target: Target, patterns: NamePatterns): readonly Evidence[] {
  return namesOf(target).flatMap((name): readonly Evidence[] => {
    if (matchesAny(name.value, patterns.safeNames)) return []
    if (matchesAny(name.value, patterns.productionNames)) return [{ ...name, rule: 'production-name' }]
    if (matchesAny(name.value, patterns.customerIdentifiers)) return [{ ...name, rule: 'customer-identifier' }]
    return productionWordIn(name.value) === undefined ? [] : [name]
  })
}

function namesOf(target: Target): readonly Name[] {
  const source = target.source.label
  if (target.engine === 'sqlite') return [{ rule: 'database-name', value: stem(target.database), source }]
  const host = target.host === undefined ? [] : [{ rule: 'host-name' as const, value: target.host, source }]
  return [{ rule: 'database-name', value: target.database, source }, ...host]
}

function stem(path: string): string {
  return basename(path).replace(/\.(?:sqlite3?|db3?)$/i, '')
}

function matchesAny(name: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matchesPattern(name, pattern))
}

function fileEvidence(candidate: Candidate): readonly Evidence[] {
  const telling = candidate.files.filter((file) => productionWordIn(basename(file)) !== undefined)
  return telling.map((file) => ({ rule: 'env-file-name', value: file, source: file }))
}

function variableEvidence(candidate: Candidate, environment: Environment): readonly Evidence[] {
  return environmentKeys.flatMap((key) => {
    const outer = environment[key]
    const inner = candidate.values.get(key)
    const value = outer ?? inner?.value ?? ''
    const source = outer === undefined ? (inner?.label ?? '') : 'environment'
    const telling = value !== '' && productionWordIn(value) !== undefined
    return telling ? [{ rule: 'environment-variable' as const, value: `${key}=${value}`, source }] : []
  })
}

/** A sentence for one piece of evidence. */
export function evidenceText(evidence: Evidence): string {
  return `${sentences[evidence.rule](evidence.value)}  (${evidence.source})`
}

const sentences: Readonly<Record<Evidence['rule'], (value: string) => string>> = {
  'database-name': (value) => `the database is called ${value}`,
  'host-name': (value) => `the host is called ${value}`,
  'env-file-name': (value) => `the env file is called ${value}`,
  'environment-variable': (value) => value,
  'production-name': (value) => `${value} is one of productionNames`,
  'customer-identifier': (value) => `${value} matches customerIdentifiers`,
}
