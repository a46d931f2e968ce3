import type { Io } from './effects/io.ts'
import { askChoice, askText, whoMayDecide, whyNotAsked } from './effects/prompt.ts'
import { onOneLine, type Terminal } from './effects/terminal.ts'
import type { Session } from './engines/engine.ts'
import { exitCode, Failure } from './failure.ts'
import { shellWords } from './shell-words.ts'
import { type Evidence, evidenceText } from './target/production.ts'
import { type Candidate, optionsFor } from './target/resolve.ts'
import { identityOf, shortName, urlOf } from './target/target.ts'

/** A candidate with all that says it is production; none: it may pass. */
export type Judged = { readonly candidate: Candidate; readonly evidence: readonly Evidence[] }

export type Consent = {
  /** Names given with `--allow-production`. */
  readonly allowed: readonly string[]
  /** Databases whose names were typed: they are not asked for again. */
  readonly typed: Set<string>
  /** How the same command is written with more of our options: what a refusal proposes. */
  readonly again: (options: readonly string[]) => string
  /** What makes a wrapped command use the named env file too: `--pin`; nothing for a standalone command. */
  readonly choosing: readonly string[]
  /** Nothing was run yet: another database may be chosen. */
  open: boolean
}

/** A person chose the test database instead: the same call is made again, with these env files. */
export class ChosenInstead extends Error {
  readonly envFiles: readonly string[]

  constructor(envFiles: readonly string[]) {
    super('another database was chosen')
    this.envFiles = envFiles
  }
}

/** The guard of one operation, which stays awake: what is found later counts as much as what was found first. */
export type Guarded = {
  /** What says by now that a candidate is production. */
  evidenceOf(candidate: Candidate): readonly Evidence[]
  /** Looks at what the server says of itself, once it is reached. Throws a `Failure` (20). */
  lookAt(candidate: Candidate, session: Session): Promise<void>
  /**
   * Decides anew from the files and the environment, right before the command or the swap. Throws a `Failure` (20) when
   * another database is meant by now, or one without consent looks like production.
   */
  checkAgain(): Promise<void>
}

/**
 * Lets nothing pass that looks like production, unless its name was typed or given. Throws a `Failure` (20), or
 * `ChosenInstead`.
 */
export async function guard(io: Io, judged: readonly Judged[], consent: Consent): Promise<void> {
  const stopped = judged.filter((one) => one.evidence.length > 0 && !isConsentedTo(one, consent))
  if (stopped.length === 0) return
  if (!io.terminal.interactive) throw refusal(io.terminal, stopped, judged, consent)
  for (const one of stopped) await askAbout(io, one, judged, consent)
}

function isConsentedTo(one: Judged, { allowed, typed }: Consent): boolean {
  return allowed.includes(nameOf(one)) || typed.has(identityOf(one.candidate.target))
}

function nameOf({ candidate }: Judged): string {
  return shortName(candidate.target)
}

async function askAbout(io: Io, one: Judged, all: readonly Judged[], consent: Consent): Promise<void> {
  const { target } = one.candidate
  io.terminal.warn(io.terminal.style('red', `This looks like production: ${io.terminal.style('bold', urlOf(target))}`))
  for (const evidence of one.evidence) io.terminal.warn(`  - ${evidenceText(evidence)}`)
  const instead = consent.open ? safeOneOf(all) : undefined
  if (instead !== undefined) await chooseWay(io, one, instead, consent)
  const typed = await askText(io, `Type ${onOneLine(nameOf(one))} to go on (anything else cancels)`)
  if (typed !== nameOf(one)) throw cancelled()
  consent.typed.add(identityOf(target))
}

// Cancelling comes first: it is what Enter means.
async function chooseWay(io: Io, one: Judged, instead: Instead, consent: Consent): Promise<void> {
  const options = shellWords([...instead.options, ...consent.choosing])
  const way = await askChoice(io, 'What now?', [
    { title: 'Cancel', value: 'cancel' },
    { title: `Use ${onOneLine(instead.name)} instead, as with ${options}`, value: 'instead' },
    { title: `Go on with ${onOneLine(nameOf(one))}, and type its name`, value: 'go on' },
  ])
  if (way === 'instead') throw new ChosenInstead(instead.files)
  if (way !== 'go on') throw cancelled()
}

function cancelled(): Failure {
  return new Failure(exitCode.refused, { what: 'Cancelled: nothing was run and nothing was changed' })
}

/** The refusal where nobody can be asked: all that was found, where it was read, and the ways on. */
export function refusal(
  terminal: Terminal,
  stopped: readonly Judged[],
  all: readonly Judged[],
  consent: Consent,
): Failure {
  const urls = stopped.map(({ candidate }) => urlOf(candidate.target))
  const names = stopped.flatMap((one) => ['--allow-production', nameOf(one)])
  const allowed = consent.again(names)
  return new Failure(exitCode.refused, {
    what: `Refused: ${urls.join(' and ')} ${urls.length > 1 ? 'look' : 'looks'} like production, and ${whyNotAsked(terminal)}`,
    why: [...new Set(stopped.flatMap(({ evidence }) => evidence.map(evidenceText)))],
    next: [...otherWays(all, consent), `${whoMayDecide(terminal)}: ${allowed}`],
  })
}

function otherWays(all: readonly Judged[], consent: Consent): readonly string[] {
  const instead = safeOneOf(all)
  if (instead === undefined) return []
  return [`To use ${onOneLine(instead.name)} instead: ${consent.again([...instead.options, ...consent.choosing])}`]
}

/** A database that nothing says is production, with the options that choose it. */
type Instead = { readonly name: string; readonly files: readonly string[]; readonly options: readonly string[] }

function safeOneOf(all: readonly Judged[]): Instead | undefined {
  const candidates = all.map(({ candidate }) => candidate)
  const choices = all
    .filter(({ evidence }) => evidence.length === 0)
    .map((one) => ({ name: nameOf(one), ...one.candidate, options: optionsFor(one.candidate, candidates) }))
  return choices.find(({ options }) => options[0] === '--env-file')
}

/** What a second decision has that the first one had not, as sentences; more evidence counts where nobody consented yet. */
export function changesBetween(
  before: readonly Judged[],
  after: readonly Judged[],
  consent: Consent,
): readonly string[] {
  const places = (judged: readonly Judged[]) => new Map(judged.map((one) => [identityOf(one.candidate.target), one]))
  const [was, is] = [places(before), places(after)]
  return [
    ...[...was].flatMap(([identity, one]) => (is.has(identity) ? [] : [`before: ${lineFor(one)}`])),
    ...[...is].flatMap(([identity, one]) => (was.has(identity) ? [] : [`now: ${lineFor(one)}`])),
    ...[...is].flatMap(([identity, one]) => newEvidence(was.get(identity)?.evidence ?? [], one, consent)),
  ]
}

function lineFor({ candidate: { target, reason } }: Judged): string {
  return `${urlOf(target)}  (${reason})`
}

function newEvidence(known: readonly Evidence[], one: Judged, consent: Consent): readonly string[] {
  if (isConsentedTo(one, consent)) return []
  const texts = new Set(known.map(evidenceText))
  return one.evidence.map(evidenceText).filter((text) => !texts.has(text))
}

/** Why nothing is run or swapped after all. */
export function changedMeanwhile(why: readonly string[]): Failure {
  return new Failure(exitCode.refused, {
    what: 'Stopped: what says which database is meant changed while the backup was made',
    why,
    next: ['Nothing was run and nothing was restored; the backup stays. Look at what changed, then run it again.'],
  })
}
