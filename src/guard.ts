import type { Io } from './effects/io.ts'
import { askText } from './effects/prompt.ts'
import { onOneLine } from './effects/terminal.ts'
import { exitCode, Failure } from './failure.ts'
import { type Evidence, evidenceText } from './target/production.ts'
import type { Candidate } from './target/resolve.ts'
import { shortName, urlOf } from './target/target.ts'

/** A candidate with all that says it is production; none: it may pass. */
export type Judged = { readonly candidate: Candidate; readonly evidence: readonly Evidence[] }

export type Consent = {
  /** Names given with `--allow-production`. */
  readonly allowed: readonly string[]
  /** How the same command is written with more of our options: what a refusal proposes. */
  readonly again: (options: readonly string[]) => string
}

/** Lets nothing pass that looks like production, unless its name was typed or given. Throws a `Failure` (20). */
export async function guard(io: Io, judged: readonly Judged[], consent: Consent): Promise<void> {
  const stopped = judged.filter(
    (one) => one.evidence.length > 0 && !consent.allowed.includes(shortName(one.candidate.target)),
  )
  for (const one of stopped) await requireConsent(io, one, judged, consent)
}

async function requireConsent(io: Io, one: Judged, all: readonly Judged[], consent: Consent): Promise<void> {
  const name = shortName(one.candidate.target)
  if (!io.terminal.interactive) throw refusal(one, all, consent, 'There is no terminal to ask on.')
  for (const line of stopSign(io, one, all, consent)) io.terminal.warn(line)
  const typed = await askText(io, `Type the name of the database to go on (anything else cancels)`)
  if (typed !== name)
    throw new Failure(exitCode.refused, { what: 'Cancelled: nothing was run and nothing was changed' })
}

function stopSign(io: Io, one: Judged, all: readonly Judged[], consent: Consent): readonly string[] {
  const { target } = one.candidate
  return [
    io.terminal.style('red', `This looks like production: ${io.terminal.style('bold', urlOf(target))}`),
    ...one.evidence.map((evidence) => `  - ${evidenceText(evidence)}`),
    ...otherWays(all, consent).map((line) => `  ${line}`),
  ]
}

/** The refusal without a terminal: what was found, where it was read, and the ways on. */
export function refusal(one: Judged, all: readonly Judged[], consent: Consent, because: string): Failure {
  const name = shortName(one.candidate.target)
  return new Failure(exitCode.refused, {
    what: `Refused: ${urlOf(one.candidate.target)} looks like production. ${because}`,
    why: one.evidence.map(evidenceText),
    next: [
      ...otherWays(all, consent),
      `If this really is the database you mean: ${consent.again(['--allow-production', onOneLine(name)])}`,
    ],
  })
}

// Naming the test file alone would leave the command's own choice open: --pin makes the command use it.
function otherWays(all: readonly Judged[], consent: Consent): readonly string[] {
  const safe = all.find((one) => one.evidence.length === 0 && one.candidate.files.length > 0)
  const file = safe?.candidate.files.at(-1)
  if (safe === undefined || file === undefined) return []
  return [`To use ${shortName(safe.candidate.target)} instead: ${consent.again(['--env-file', file, '--pin'])}`]
}
