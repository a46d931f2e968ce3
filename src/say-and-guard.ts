import type { Decision } from './decide.ts'
import type { Io } from './effects/io.ts'
import type { Session } from './engines/engine.ts'
import { Failure } from './failure.ts'
import { type Consent, changedMeanwhile, changesBetween, type Guarded, guard } from './guard.ts'
import type { Invocation } from './invocation.ts'
import type { Operation } from './operation.ts'
import { shellWords, shownCommand } from './shell-words.ts'
import { type Evidence, evidenceText, toldOnce } from './target/production.ts'
import { type Candidate, optionsFor } from './target/resolve.ts'
import { serverEvidence, serverText, tunnelText } from './target/server-identity.ts'
import { urlOf } from './target/target.ts'

/** Says what was decided, notes it for the journal, and asks or refuses where it looks like production. Throws as `guard` does. */
export async function sayAndGuard(io: Io, invocation: Invocation, decision: Decision): Promise<Guarded> {
  const { operation } = invocation
  operation.certain = decision.certain
  operation.targets = decision.judged.map(({ candidate, evidence }) => ({
    url: urlOf(candidate.target),
    reason: candidate.reason,
    production: evidence.map(evidenceText),
  }))
  operation.notes.push(...decision.notes)
  warnOfPasswordOnTheLine(io, invocation, decision)
  sayDecision(io, decision, operation.wrapped.length > 0)
  const consent = consentOf(invocation)
  await guard(io, decision.judged, consent)
  return staysAwake(io, invocation, decision, consent)
}

function consentOf(invocation: Invocation): Consent {
  const { operation, options } = invocation
  const choosing = operation.wrapped.length > 0 ? ['--pin'] : []
  return { allowed: options.allowProduction, typed: new Set(), again: againWith(invocation), choosing, open: true }
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
    io.terminal.detail(`${urlOf(target)}: ${serverText(server, target.database)}`)
    const tunnel = tunnelText(target, server, machine)
    if (tunnel !== undefined) io.terminal.say(tunnel)
    await guard(io, judged, consent)
  }
  const checkAgain = async () => {
    const fresh = await decision.again().catch((error: unknown) => {
      throw error instanceof Failure ? changedMeanwhile([error.text.what, ...(error.text.why ?? [])]) : error
    })
    const changes = changesBetween(decision.judged, fresh.judged, consent)
    if (changes.length > 0) throw changedMeanwhile(changes)
    consent.open = false
  }
  return { evidenceOf, lookAt, checkAgain }
}

function withEvidence(records: Operation['targets'], url: string, evidence: readonly Evidence[]): Operation['targets'] {
  return records.map((one) => (one.url === url ? { ...one, production: evidence.map(evidenceText) } : one))
}

// Whoever may run ps sees it, and the shell's history keeps it.
function warnOfPasswordOnTheLine(io: Io, { options }: Invocation, { candidates }: Decision): void {
  const written = candidates.some(({ target }) => target.engine !== 'sqlite' && target.password !== undefined)
  if (options.databaseUrl?.label !== '--database-url' || !written) return
  io.terminal.warn(
    "The password in --database-url shows in ps and stays in the shell's history: set SEATBELT_DATABASE_URL instead.",
  )
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
