import type { Environment } from '../effects/io.ts'
import { type EnvChain, layered, type Purpose, readEnvChains } from '../environment/env-chains.ts'
import { type EnvFile, environmentLabel, readEnvFile, type Values } from '../environment/env-file.ts'
import { exitCode, Failure } from '../failure.ts'
import { type Candidates, candidatesIn, completeServer } from './candidates.ts'
import { databaseKeys } from './keys.ts'
import { identityOf, type Target, urlOf } from './target.ts'
import { parseUrl, type Unusable } from './url.ts'

/** A target that the command may touch, with all that was read where it was found. */
export type Candidate = {
  readonly target: Target
  /** Why this one: "`.env.testing` names it". */
  readonly reason: string
  /** The env files behind it, none for a flag or the environment. */
  readonly files: readonly string[]
  /** All values of the chain that it was read from: production evidence is looked for in them. */
  readonly values: Values
  /** What the command will find in its environment, where its line changes that. */
  readonly environment?: Environment
}

export type Resolution = {
  readonly candidates: readonly Candidate[]
  /** One candidate, or all of them the same database. */
  readonly certain: boolean
  /** What was read and not used, or could not be read; sentences. */
  readonly notes: readonly string[]
}

export type TargetQuestion = {
  readonly cwd: string
  readonly environment: Environment
  readonly purpose: Purpose
  /** `--database-url`, with the name of the flag or variable that held it. */
  readonly databaseUrl?: { readonly value: string; readonly label: string }
  readonly envFiles: readonly string[]
  /** The command runs in our environment, so its variables still win over a named env file; `--pin` settles that. */
  readonly environmentWins: boolean
}

/** Which databases the command may touch (design § 3, rules 1 and 3 to 5). Throws a `Failure` (10, 2) when none is named. */
export async function resolveTargets(question: TargetQuestion): Promise<Resolution> {
  if (question.databaseUrl !== undefined) return fromUrl(question.databaseUrl, question.cwd)
  const chains = question.envFiles.length > 0 ? await namedChain(question) : await foundChains(question)
  return resolution(chains.chains, chains.problems, question)
}

function fromUrl(url: { readonly value: string; readonly label: string }, cwd: string): Resolution {
  const target = targetOfUrl(url.value, cwd, url.label)
  if ('problem' in target) throw unusableUrl(url.label, target.problem)
  return {
    candidates: [{ target, reason: `${url.label} names it`, files: [], values: new Map() }],
    certain: true,
    notes: [],
  }
}

/** The target that a URL names; `label` is where the URL was read. */
export function targetOfUrl(url: string, cwd: string, label: string): Target | Unusable {
  const stated = parseUrl(url, cwd)
  if ('problem' in stated) return stated
  if (stated.database === undefined) return { problem: 'names no database' }
  const source = { kind: 'flag', label, keys: [label], labels: { [label]: label } } as const
  if (stated.engine === 'sqlite') return { engine: 'sqlite', database: stated.database, source }
  return completeServer(stated, source, true)
}

function unusableUrl(label: string, problem: string): Failure {
  return new Failure(exitCode.usage, {
    what: `${label} ${problem}`,
    next: ['Give a URL such as postgres://user:password@host:5432/database, mysql://… or sqlite:path/to/file.sqlite'],
  })
}

type FoundChains = { readonly chains: readonly EnvChain[]; readonly problems: readonly string[] }

async function namedChain(question: TargetQuestion): Promise<FoundChains> {
  const files = await Promise.all(
    question.envFiles.map((file) => readEnvFile(question.cwd, file, question.environment)),
  )
  for (const file of files) if (file.state !== 'read') throw unusableFile(file)
  const read = files.filter((file) => file.state === 'read')
  const named = { labels: read.map((file) => file.label), values: layered(read.map((file) => file.values)) }
  return { chains: [named], problems: [] }
}

function unusableFile(file: Exclude<EnvFile, { state: 'read' }>): Failure {
  const what = file.state === 'absent' ? `${file.label} does not exist` : `${file.label} ${file.problem}`
  return new Failure(exitCode.usage, { what: `--env-file ${what}`, next: ['Name an env file that can be read.'] })
}

async function foundChains(question: TargetQuestion): Promise<FoundChains> {
  return await readEnvChains(question.cwd, question.purpose, question.environment)
}

/** The caller's own database variables, as a layer over every file. */
export function environmentValues(environment: Environment): Values {
  const pairs = Object.entries(environment).filter(([key]) => databaseKeys.has(key))
  return new Map(pairs.map(([key, value]) => [key, { value: value ?? '', label: environmentLabel }]))
}

type Layer = { readonly files: readonly string[]; readonly values: Values; readonly candidates: Candidates }

function resolution(chains: readonly EnvChain[], problems: readonly string[], question: TargetQuestion): Resolution {
  const layers = layersOf(chains, question)
  const candidates = firstOfEach(layers.flatMap(candidatesOf))
  const notes = layers.flatMap((layer) => layer.candidates.notes)
  const unused = [...problems, ...layers.flatMap((layer) => layer.candidates.problems)]
  if (candidates.length === 0) throw noTarget(chains, unused, question)
  return { candidates, certain: candidates.length === 1, notes: [...new Set([...notes, ...unused])] }
}

function layersOf(chains: readonly EnvChain[], question: TargetQuestion): readonly Layer[] {
  const outer = environmentValues(question.environment)
  const named = question.envFiles.length > 0
  if (named && !question.environmentWins) return chains.map((chain) => layer(chain.labels, chain.values, question.cwd))
  // A named file is what the user means, and the variables are what the command gets: where they differ, both are candidates.
  const alone = named ? [...chains.map((chain) => layer(chain.labels, chain.values, question.cwd))] : []
  const over = chains.map((chain) => layer(chain.labels, layered([chain.values, outer]), question.cwd))
  return chains.length === 0 ? [layer([], outer, question.cwd)] : [...alone, ...over]
}

function layer(files: readonly string[], values: Values, cwd: string): Layer {
  return { files, values, candidates: candidatesIn(values, cwd) }
}

function candidatesOf(layer: Layer): readonly Candidate[] {
  return layer.candidates.targets.map((target) => ({
    target,
    reason: reasonOf(target),
    files: target.source.kind === 'environment' ? [] : layer.files,
    values: layer.values,
  }))
}

function reasonOf(target: Target): string {
  const [first = 'a variable'] = target.source.keys
  return target.source.kind === 'environment'
    ? `${first} is set in the environment, which every loader of env files lets win`
    : `${target.source.label} names it`
}

function firstOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  const byIdentity = new Map<string, Candidate>()
  for (const candidate of candidates) {
    const identity = identityOf(candidate.target)
    if (!byIdentity.has(identity)) byIdentity.set(identity, candidate)
  }
  return [...byIdentity.values()]
}

function noTarget(chains: readonly EnvChain[], problems: readonly string[], question: TargetQuestion): Failure {
  const read = chains.flatMap((chain) => chain.labels)
  const where = read.length > 0 ? `Read: ${read.join(', ')}, and the environment.` : `No env file in ${question.cwd}.`
  return new Failure(exitCode.noTarget, {
    what: 'No database is named: nothing says what to back up',
    why: problems.length > 0 ? [...problems] : [where],
    next: [
      'Name it in .env (DATABASE_URL=postgres://user:password@host:5432/database), or say where to look:',
      '  --env-file FILE, or SEATBELT_DATABASE_URL=… in the environment',
    ],
  })
}

function choosing({ files, target }: Candidate): string {
  return files.length > 0 ? files.map((file) => `--env-file ${file}`).join(' ') : `--database-url ${urlOf(target)}`
}

/** Ends a command that needs exactly one target. Throws a `Failure` (10) that lists the candidates. */
export function theOnly(resolution: Resolution, command: string): Candidate {
  const [only] = resolution.candidates
  if (only !== undefined && resolution.candidates.length === 1) return only
  throw new Failure(exitCode.noTarget, {
    what: 'Several databases are named, and one must be chosen',
    why: resolution.candidates.map((candidate) => `${urlOf(candidate.target)}  (${candidate.reason})`),
    next: resolution.candidates.map((candidate) => `${command} ${choosing(candidate)} …`),
  })
}
