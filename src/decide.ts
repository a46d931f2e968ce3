import { identityOfBackup } from './backup/list.ts'
import type { Manifest } from './backup/manifest.ts'
import type { Io } from './effects/io.ts'
import { thisMachine } from './effects/this-machine.ts'
import type { Session } from './engines/engine.ts'
import type { Purpose } from './environment/env-chains.ts'
import { gitBranch } from './environment/git-branch.ts'
import { resolveForCommand } from './frameworks/resolve-command.ts'
import { type Consent, type Guarded, guard, type Judged } from './guard.ts'
import type { Invocation } from './invocation.ts'
import type { Operation } from './operation.ts'
import { shellWords, shownCommand } from './shell-words.ts'
import { type Evidence, evidenceText, productionEvidence, type Surroundings, toldOnce } from './target/production.ts'
import {
  type Candidate,
  optionsFor,
  type Resolution,
  resolveTargets,
  type TargetQuestion,
  theOnly,
} from './target/resolve.ts'
import { serverEvidence, serverText, tunnelText } from './target/server-identity.ts'
import { identityOf, urlOf } from './target/target.ts'

export type Decision = Resolution & { readonly judged: readonly Judged[]; readonly surroundings: Surroundings }

export type DecisionRequest = {
  readonly purpose: Purpose
  /** The command that will run in our environment; none for a standalone command. */
  readonly wrapped: boolean
}

/** Which databases are meant, and what says that they are production. Throws a `Failure` (2, 10). */
export async function decide(
  io: Io,
  { options, words }: Pick<Invocation, 'options' | 'words'>,
  request: DecisionRequest,
): Promise<Decision> {
  const question: TargetQuestion = {
    cwd: io.cwd,
    environment: io.environment,
    purpose: request.purpose,
    ...(options.databaseUrl === undefined ? {} : { databaseUrl: options.databaseUrl }),
    envFiles: options.envFiles,
    variables: variablesFor(request, options),
  }
  const resolution = await (request.wrapped ? resolveForCommand(io, words, question) : resolveTargets(question))
  warnOfPasswordOnTheLine(io, options, resolution)
  const surroundings = await surroundingsOf(io, options)
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
function warnOfPasswordOnTheLine(io: Io, { databaseUrl }: Invocation['options'], { candidates }: Resolution): void {
  const written = candidates.some(({ target }) => target.engine !== 'sqlite' && target.password !== undefined)
  if (databaseUrl?.label !== '--database-url' || !written) return
  io.terminal.warn(
    "The password in --database-url shows in ps and stays in the shell's history: set SEATBELT_DATABASE_URL instead.",
  )
}

function variablesFor({ wrapped }: DecisionRequest, { pin }: Invocation['options']): TargetQuestion['variables'] {
  if (!wrapped) return 'ignored'
  return pin ? 'pinned-over' : 'win'
}

async function surroundingsOf({ cwd, environment }: Io, { patterns }: Invocation['options']): Promise<Surroundings> {
  return { environment, patterns, branch: await gitBranch(cwd), machine: thisMachine() }
}

/** Says what was decided, notes it for the journal, and asks or refuses where it looks like production. Throws a `Failure` (20). */
export async function sayAndGuard(io: Io, invocation: Invocation, decision: Decision): Promise<Guarded> {
  const { operation } = invocation
  operation.certain = decision.certain
  operation.targets = decision.judged.map(({ candidate, evidence }) => ({
    url: urlOf(candidate.target),
    reason: candidate.reason,
    production: evidence.map(evidenceText),
  }))
  operation.notes.push(...decision.notes)
  sayDecision(io, decision, operation.wrapped.length > 0)
  const consent = consentOf(invocation)
  await guard(io, decision.judged, consent)
  return staysAwake(io, invocation, decision, consent)
}

function consentOf(invocation: Invocation): Consent {
  const { operation, options } = invocation
  const choosing = operation.wrapped.length > 0 ? ['--pin'] : []
  return { allowed: options.allowProduction, typed: new Set(), again: againWith(invocation), choosing }
}

function staysAwake(io: Io, { operation }: Invocation, decision: Decision, consent: Consent): Guarded {
  const { patterns, machine } = decision.surroundings
  let { judged } = decision
  const evidenceOf = (wanted: Candidate) => judged.find(({ candidate }) => candidate === wanted)?.evidence ?? []
  const lookAt = async (candidate: Candidate, { server }: Session) => {
    const { target } = candidate
    const evidence = toldOnce([...evidenceOf(candidate), ...serverEvidence(target, server, patterns)])
    judged = judged.map((one) => (one.candidate === candidate ? { candidate, evidence } : one))
    operation.targets = withEvidence(operation.targets, urlOf(target), evidence)
    io.terminal.detail(`${urlOf(target)}: ${serverText(server)}`)
    const tunnel = tunnelText(target, server, machine)
    if (tunnel !== undefined) io.terminal.say(tunnel)
    await guard(io, judged, consent)
  }
  return { evidenceOf, lookAt }
}

function withEvidence(records: Operation['targets'], url: string, evidence: readonly Evidence[]): Operation['targets'] {
  return records.map((one) => (one.url === url ? { ...one, production: evidence.map(evidenceText) } : one))
}

function sayDecision(io: Io, { candidates, certain, notes }: Decision, wrapped: boolean): void {
  for (const note of notes) io.terminal.detail(note)
  if (candidates.length === 0) {
    io.terminal.say(`Nothing to back up: ${notes.join('; ')}`)
    return
  }
  if (certain) {
    io.terminal.detail(candidates.map(lineFor).join('\n'))
    return
  }
  io.terminal.say('It is not certain which database the command will use, so each of these is guarded and backed up:')
  for (const candidate of candidates) io.terminal.say(`  ${lineFor(candidate)}`)
  io.terminal.say(`  (to settle it: ${settling(candidates, wrapped)})`)
}

// An env file that names two databases settles nothing.
function settling(candidates: readonly Candidate[], wrapped: boolean): string {
  const options = candidates.map((candidate) => optionsFor(candidate, candidates))
  const file = options.find(([first]) => first === '--env-file')
  if (file === undefined) return `${shellWords(options[0] ?? [])}, or let the keys name one database`
  return `${shellWords(file)}${wrapped ? ' --pin, so that the command uses it too' : ''}`
}

function lineFor(candidate: Candidate): string {
  return `${urlOf(candidate.target)}: ${candidate.reason}`
}

/** The same call with more options, as it can be pasted; a password in it shows as `***`. */
export function againWith({
  operation,
  callOf,
  ownArguments,
  words,
}: Invocation): (options: readonly string[]) => string {
  return (options) => `${callOf(operation.command)} ${shownCommand([...ownArguments, ...options, ...words])}`
}

/** The one candidate to restore into, and the decision for it alone. */
type Settled = { readonly candidate: Candidate; readonly decision: Decision }

/**
 * Settles on the only candidate, or the one that the backup is of. Throws a `Failure` (10) that lists them when neither
 * settles it.
 */
export function settleOnOne(decision: Decision, manifest: Manifest | undefined, command: string): Settled {
  const same = decision.candidates.find(
    ({ target }) => manifest !== undefined && identityOf(target) === identityOfBackup(manifest),
  )
  const candidate = same ?? theOnly(decision, command)
  const judged = decision.judged.filter((one) => one.candidate === candidate)
  return { candidate, decision: { ...decision, candidates: [candidate], certain: true, judged } }
}
