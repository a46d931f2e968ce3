import type { Environment } from '../effects/io.ts'
import { chainsOf, type EnvChain, layered, type Purpose, readEnvChains } from '../environment/env-chains.ts'
import { type EnvFile, environmentLabel, readEnvFile, type Values } from '../environment/env-file.ts'
import { exitCode, Failure } from '../failure.ts'
import { shellWords } from '../shell-words.ts'
import { type Candidates, candidatesIn, completeServer } from './candidates.ts'
import { databaseKeys } from './keys.ts'
import { identityOf, type ServerTarget, type Target, urlOf } from './target.ts'
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
  /** Other places that name the same database: what they say of production counts too. */
  readonly alike?: readonly Candidate[]
}

export type Resolution = {
  readonly candidates: readonly Candidate[]
  /** One candidate, or all of them the same database. */
  readonly certain: boolean
  /** Databases that env files name under keys of another family than the environment's variables, which win. */
  readonly overruled: readonly Candidate[]
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
  /**
   * What becomes of the environment's variables where an env file is named: a wrapped command still gets them and they win,
   * `--pin` lays the file over them, and a standalone command reads the file alone.
   */
  readonly variables: 'win' | 'pinned-over' | 'ignored'
  /** Env files that the command's own line loads before anything else (`dotenv -e F --`); earlier ones win. */
  readonly loadedFiles?: readonly string[]
}

/** Which databases the command may touch (design § 3, rules 1 and 3 to 5). Throws a `Failure` (10, 2) when none is named. */
export async function resolveTargets(question: TargetQuestion): Promise<Resolution> {
  if (question.databaseUrl !== undefined) return withPassword(fromUrl(question.databaseUrl, question.cwd), question)
  const chains = question.envFiles.length > 0 ? await namedChain(question) : await foundChains(question)
  return resolution(chains.chains, chains.problems, question)
}

function fromUrl(url: { readonly value: string; readonly label: string }, cwd: string): Resolution {
  const target = targetOfUrl(url.value, cwd, url.label)
  if ('problem' in target) throw unusableUrl(url.label, target.problem)
  return {
    candidates: [{ target, reason: `${url.label} names it`, files: [], values: new Map() }],
    certain: true,
    overruled: [],
    notes: [],
  }
}

// The URLs that we print hold no password: what the environment or the env files have for the same account is taken.
async function withPassword(resolution: Resolution, question: TargetQuestion): Promise<Resolution> {
  const [candidate] = resolution.candidates
  if (candidate === undefined) return resolution
  const { target } = candidate
  if (target.engine === 'sqlite' || target.password !== undefined) return resolution
  const { chains } = await foundChains(question)
  const layers = layersOf(chains, { ...question, envFiles: [] }).map(({ candidates }) => candidates)
  const known = layers.flatMap(({ targets, overruled }) => [...targets, ...overruled])
  const password = known.map((one) => passwordOfSame(one, target)).find((found) => found !== undefined)
  return password === undefined
    ? resolution
    : { ...resolution, candidates: [{ ...candidate, target: { ...target, password } }] }
}

function passwordOfSame(one: Target, target: ServerTarget): ServerTarget['password'] {
  if (one.engine === 'sqlite' || one.user !== target.user) return undefined
  const sameServer = identityOf({ ...one, database: '' }) === identityOf({ ...target, database: '' })
  return sameServer ? one.password : undefined
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
  return { chains: chainsOf(files), problems: [] }
}

function unusableFile(file: Exclude<EnvFile, { state: 'read' }>): Failure {
  const what = file.state === 'absent' ? `${file.label} does not exist` : `${file.label} ${file.problem}`
  return new Failure(exitCode.usage, { what: `--env-file ${what}`, next: ['Name an env file that can be read.'] })
}

// What the line loads is in the environment before the program looks for files of its own.
async function foundChains(question: TargetQuestion): Promise<FoundChains> {
  const { cwd, environment } = question
  const loaded = await Promise.all(
    (question.loadedFiles ?? []).toReversed().map((file) => readEnvFile(cwd, file, environment)),
  )
  const chains = chainsOf(loaded)
  const named = chains.some(({ values }) => candidatesIn(values, cwd).targets.length > 0)
  return named ? { chains, problems: [] } : readEnvChains(cwd, question.purpose, environment)
}

/** The caller's own database variables, as a layer over every file. */
function environmentValues(environment: Environment): Values {
  const pairs = Object.entries(environment).filter(([key]) => databaseKeys.has(key))
  return new Map(pairs.map(([key, value]) => [key, { value: value ?? '', label: environmentLabel }]))
}

type Layer = { readonly files: readonly string[]; readonly values: Values; readonly candidates: Candidates }

function resolution(chains: readonly EnvChain[], problems: readonly string[], question: TargetQuestion): Resolution {
  const layers = layersOf(chains, question)
  const candidates = oneOfEach(layers.flatMap((each) => candidatesOf(each, each.candidates.targets)))
  const overruled = oneOfEach(layers.flatMap((each) => candidatesOf(each, each.candidates.overruled)))
  const notes = layers.flatMap((layer) => layer.candidates.notes)
  const unused = [...problems, ...layers.flatMap((layer) => layer.candidates.problems)]
  if (candidates.length === 0) throw noTarget(chains, unused, question)
  return { candidates, certain: candidates.length === 1, overruled, notes: [...new Set([...notes, ...unused])] }
}

function layersOf(chains: readonly EnvChain[], question: TargetQuestion): readonly Layer[] {
  const outer = environmentValues(question.environment)
  const named = question.envFiles.length > 0
  if (named && question.variables === 'ignored')
    return chains.map(({ labels, values }) => layer(labels, values, question.cwd))
  if (named && question.variables === 'pinned-over')
    return chains.map((chain) => pinnedLayer(chain, outer, question.cwd))
  // A named file is what the user means, and the variables are what the command gets: where they differ, both are candidates.
  const alone = named ? [...chains.map((chain) => layer(chain.labels, chain.values, question.cwd))] : []
  const over = chains.map((chain) => layer(chain.labels, layered([chain.values, outer]), question.cwd))
  return chains.length === 0 ? [layer([], outer, question.cwd)] : [...alone, ...over]
}

function layer(files: readonly string[], values: Values, cwd: string): Layer {
  return { files, values, candidates: candidatesIn(values, cwd) }
}

// Variables that the pinned keys do not cover reach the command as they are: a DATABASE_URL beside pinned DB_* keys.
function pinnedLayer({ labels, values }: EnvChain, outer: Values, cwd: string): Layer {
  const all = layered([outer, values])
  return { files: labels, values: all, candidates: candidatesIn(all, cwd, true) }
}

function candidatesOf(layer: Layer, targets: readonly Target[]): readonly Candidate[] {
  return targets.map((target) => ({
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

/** One candidate for each database, with all that the others say of it. */
export function oneOfEach(candidates: readonly Candidate[]): readonly Candidate[] {
  const groups = Map.groupBy(candidates, (candidate) => identityOf(candidate.target))
  return [...groups.values()].flatMap(([first, ...alike]) =>
    first === undefined ? [] : [alike.length === 0 ? first : { ...first, alike }],
  )
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

/** The options that choose an env file's candidate: every file of its chain, since one alone may not say all. */
function envFileOptions({ files }: Pick<Candidate, 'files'>): readonly string[] {
  return files.flatMap((file) => ['--env-file', file])
}

/** The options that settle on a candidate: its env files where they name no other one, else its URL. */
export function optionsFor(candidate: Candidate, all: readonly Candidate[]): readonly string[] {
  const files = candidate.files.join('\n')
  const alone = files !== '' && all.every((other) => other === candidate || other.files.join('\n') !== files)
  return alone ? envFileOptions(candidate) : ['--database-url', urlOf(candidate.target)]
}

/** Ends a command that needs exactly one target. Throws a `Failure` (10) that lists the candidates. */
export function theOnly(resolution: Resolution, command: string): Candidate {
  const [only] = resolution.candidates
  if (only !== undefined && resolution.candidates.length === 1) return only
  throw new Failure(exitCode.noTarget, {
    what: 'Several databases are named, and one must be chosen',
    why: resolution.candidates.map((candidate) => `${urlOf(candidate.target)}  (${candidate.reason})`),
    next: resolution.candidates.map(
      (candidate) => `${command} ${shellWords(optionsFor(candidate, resolution.candidates))} …`,
    ),
  })
}
