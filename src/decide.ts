import { identityOfBackup, isOf } from './backup/list.ts'
import type { Manifest } from './backup/manifest.ts'
import type { Io } from './effects/io.ts'
import { thisMachine } from './effects/this-machine.ts'
import { type ConfigurationFiles, configurationFiles, isChanged } from './environment/configuration-files.ts'
import type { Purpose } from './environment/env-chains.ts'
import { gitBranch } from './environment/git-branch.ts'
import { Failure } from './failure.ts'
import { resolveForCommand } from './frameworks/resolve-command.ts'
import type { Judged } from './guard.ts'
import type { Invocation } from './invocation.ts'
import type { Options } from './options.ts'
import { productionEvidence, type Surroundings } from './target/production.ts'
import {
  type Candidate,
  type Resolution,
  resolveTargets,
  type TargetQuestion,
  targetOfUrl,
  theOnly,
} from './target/resolve.ts'
import { identityOf } from './target/target.ts'

export type Decision = Resolution & {
  readonly judged: readonly Judged[]
  readonly surroundings: Surroundings
  /** The same decision, made anew from the files as they are then. Throws as `decide` does. */
  readonly again: () => Promise<Decision>
}

export type DecisionRequest = {
  readonly purpose: Purpose
  /** The command that will run in our environment; none for a standalone command. */
  readonly wrapped: boolean
}

type Decided = Pick<Invocation, 'options' | 'words' | 'freshOptions'>

/** Which databases are meant, and what says that they are production. Throws a `Failure` (2, 10). */
export async function decide(io: Io, invocation: Decided, request: DecisionRequest): Promise<Decision> {
  const decision = await decideNow(io, invocation, request)
  warnOfPasswordOnTheLine(io, invocation.options)
  return decision
}

async function decideNow(io: Io, invocation: Decided, request: DecisionRequest): Promise<Decision> {
  const { options, words } = invocation
  const question = questionOf(io, options, request)
  const asked: ConfigurationFiles[] = []
  const watching = { ...io, toolStarts: (cwd: string) => void asked.push(configurationFiles(cwd)) }
  const resolution = await (request.wrapped ? resolveForCommand(watching, words, question) : resolveTargets(question))
  const judged = async (known: Options) => ({ ...(await judge(io, resolution, request, known)), again })
  return judged(options)

  // To ask a framework costs seconds: where it was asked, only when a file says something else by now.
  async function again(): Promise<Decision> {
    const fresh = await invocation.freshOptions()
    const same = JSON.stringify(questionOf(io, fresh, request)) === JSON.stringify(question)
    if (same && asked.length > 0 && !asked.some(isChanged)) return judged(fresh)
    return decideNow(io, { ...invocation, options: fresh }, request)
  }
}

/** The databases that this project names; none where none is named, or they cannot be told. */
export async function candidatesIfAny(io: Io, invocation: Decided): Promise<readonly Candidate[]> {
  try {
    return (await decide(io, invocation, { purpose: 'other', wrapped: false })).candidates
  } catch (error) {
    if (error instanceof Failure) return []
    throw error
  }
}

async function judge(
  { cwd, environment }: Io,
  resolution: Resolution,
  request: DecisionRequest,
  { patterns }: Options,
): Promise<Omit<Decision, 'again'>> {
  const surroundings = { environment, patterns, branch: await gitBranch(cwd), machine: thisMachine() }
  const judgeAll = (candidates: readonly Candidate[]) =>
    candidates.map((candidate) => ({ candidate, evidence: productionEvidence(candidate, surroundings) }))
  const judged = judgeAll(resolution.candidates)
  // The variables win over the same keys; a command that reads other keys reads the file. Production is not left to that.
  const missed = request.wrapped ? judgeAll(resolution.overruled).filter(({ evidence }) => evidence.length > 0) : []
  if (missed.length === 0) return { ...resolution, judged, surroundings }
  const candidates = [...resolution.candidates, ...missed.map(({ candidate }) => candidate)]
  return { ...resolution, candidates, certain: false, judged: [...judged, ...missed], surroundings }
}

// Whoever may run ps sees it, and the shell's history keeps it.
function warnOfPasswordOnTheLine(io: Io, { databaseUrl }: Options): void {
  if (databaseUrl?.label !== '--database-url') return
  const target = targetOfUrl(databaseUrl.value, io.cwd, databaseUrl.label)
  if ('problem' in target || target.engine === 'sqlite' || target.password === undefined) return
  io.terminal.warn(
    "The password in --database-url shows in ps and stays in the shell's history: set SEATBELT_DATABASE_URL instead.",
  )
}

function questionOf(io: Io, options: Options, request: DecisionRequest): TargetQuestion {
  return {
    cwd: io.cwd,
    environment: io.environment,
    purpose: request.purpose,
    ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
    envFiles: options.envFiles,
    variables: variablesFor(request, options),
  }
}

function variablesFor({ wrapped }: DecisionRequest, { pin }: Options): TargetQuestion['variables'] {
  if (!wrapped) return 'ignored'
  return pin ? 'pinned-over' : 'win'
}

/** The one candidate to restore into, and the decision for it alone. */
type Settled = { readonly candidate: Candidate; readonly decision: Decision }

/**
 * Settles on the only candidate, or the one that the backup is of. Throws a `Failure` (10) that lists them when neither
 * settles it.
 */
export function settleOnOne(decision: Decision, manifest: Manifest | undefined, command: string): Settled {
  const candidate = ofBackup(decision.candidates, manifest) ?? theOnly(decision, command)
  const judged = decision.judged.filter((one) => one.candidate === candidate)
  const again = async () => settleOnOne(await decision.again(), manifest, command).decision
  return { candidate, decision: { ...decision, candidates: [candidate], certain: true, judged, again } }
}

function ofBackup(candidates: readonly Candidate[], manifest: Manifest | undefined): Candidate | undefined {
  if (manifest === undefined) return undefined
  const same = candidates.find(({ target }) => identityOf(target) === identityOfBackup(manifest))
  return same ?? candidates.find(({ target }) => isOf(manifest, target))
}
