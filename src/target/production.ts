import { basename } from 'node:path'
import type { Environment } from '../effects/io.ts'
import { onOneLine } from '../effects/terminal.ts'
import { environmentLabel } from '../environment/env-file.ts'
import { matchesPattern, matchesPatternInPart, productionWordIn } from './name-words.ts'
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
  'ENV',
  'STAGE',
  'APP_ENVIRONMENT',
  'DOTNET_ENVIRONMENT',
  'DJANGO_SETTINGS_MODULE',
  'DJANGO_CONFIGURATION',
  'SPRING_PROFILES_ACTIVE',
  'NODE_CONFIG_ENV',
  'GO_ENV',
  'HANAMI_ENV',
  'CRAFT_ENVIRONMENT',
  'WP_ENV',
  'WP_ENVIRONMENT_TYPE',
  'RAILWAY_ENVIRONMENT_NAME',
] as const

/** All evidence that a candidate is production. A local host is never evidence against it: it may be a tunnel. */
export function productionEvidence(
  candidate: Candidate,
  environment: Environment,
  patterns: NamePatterns,
): readonly Evidence[] {
  const all = [candidate, ...(candidate.alike ?? [])].flatMap((one) => [
    ...nameEvidence(one.target, patterns),
    ...fileEvidence(one),
    ...variableEvidence(one, one.environment ?? environment),
  ])
  return [...new Map(all.map((evidence) => [`${evidence.rule} ${evidence.value}`, evidence])).values()]
}

type Name = { readonly rule: 'database-name' | 'host-name'; readonly value: string; readonly source: string }

function nameEvidence(target: Target, patterns: NamePatterns): readonly Evidence[] {
  return namesOf(target).flatMap((name): readonly Evidence[] => {
    const { value } = name
    const forms = target.engine === 'sqlite' ? [value, stem(value)] : [value]
    const isOneOf = (list: readonly string[], matches: typeof matchesPattern) =>
      list.some((pattern) => forms.some((form) => matches(form, pattern)))
    if (isOneOf(patterns.safeNames, matchesPattern)) return []
    if (isOneOf(patterns.productionNames, matchesPattern)) return [{ ...name, rule: 'production-name' }]
    if (isOneOf(patterns.customerIdentifiers, matchesPatternInPart)) return [{ ...name, rule: 'customer-identifier' }]
    return productionWordIn(forms.at(-1) ?? value) === undefined ? [] : [name]
  })
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

function variableEvidence(candidate: Candidate, environment: Environment): readonly Evidence[] {
  return environmentKeys.flatMap((key) => {
    // APP_ENV=testing around a file that says production does not make the file's database a test database.
    const said = [{ value: environment[key] ?? '', label: environmentLabel }, candidate.values.get(key)]
    return said
      .filter((one) => one !== undefined)
      .filter(({ value }) => productionWordIn(value) !== undefined)
      .map(({ value, label }) => ({ rule: 'environment-variable', value: `${key}=${value}`, source: label }))
  })
}

/** A sentence for one piece of evidence. */
export function evidenceText(evidence: Evidence): string {
  return `${sentences[evidence.rule](onOneLine(evidence.value))}  (${evidence.source})`
}

const sentences: Readonly<Record<Evidence['rule'], (value: string) => string>> = {
  'database-name': (value) => `the database is called ${value}`,
  'host-name': (value) => `the host is called ${value}`,
  'env-file-name': (value) => `the env file is called ${value}`,
  'environment-variable': (value) => value,
  'production-name': (value) => `${value} is one of productionNames`,
  'customer-identifier': (value) => `${value} matches customerIdentifiers`,
}
