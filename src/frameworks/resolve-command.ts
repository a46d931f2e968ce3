import type { Io } from '../effects/io.ts'
import type { Purpose } from '../environment/env-chains.ts'
import { exitCode, Failure } from '../failure.ts'
import { type Candidate, oneOfEach, type Resolution, resolveTargets, type TargetQuestion } from '../target/resolve.ts'
import type { Call, Recognition } from './framework.ts'
import { loadFrameworks } from './registry.ts'
import { seeThrough } from './see-through.ts'

/** What one program behind the command means for the decision; a `Failure` when it names no database at all. */
type Answer = Resolution | Failure

/**
 * Which databases a command may touch (design § 3): what the user said; else what the frameworks behind the command say;
 * else the general rules. No candidate at all means that the command touches no database. Throws a `Failure` (2, 10, 20).
 */
export async function resolveForCommand(
  io: Io,
  words: readonly string[],
  question: TargetQuestion,
): Promise<Resolution> {
  if (question.databaseUrl !== undefined || question.envFiles.length > 0) return resolveTargets(question)
  const { calls, opaque } = await seeThrough(words, io.cwd, io.environment)
  const answers = await Promise.all(
    calls.map((call, index) => answerFor(io, call, question.purpose, calls.slice(0, index))),
  )
  const unseen = opaque.length > 0 || calls.length === 0
  return merged([...answers, ...(unseen ? [await generalAnswer(question, opaque)] : [])])
}

async function answerFor(io: Io, call: Call, purpose: Purpose, before: readonly Call[]): Promise<Answer> {
  for (const framework of await loadFrameworks(call)) {
    const recognition = await framework.recognise(io, call, purpose)
    if (recognition !== undefined) return answerOf(recognition, call, purpose, before)
  }
  return generalAnswer(questionOf(call, purpose), [])
}

async function answerOf(
  recognition: Recognition,
  call: Call,
  purpose: Purpose,
  before: readonly Call[],
): Promise<Answer> {
  switch (recognition.state) {
    case 'known':
      return { candidates: recognition.candidates, certain: true, overruled: [], notes: recognition.notes }
    case 'harmless':
      return { candidates: [], certain: true, overruled: [], notes: [recognition.reason] }
    case 'refused':
      if (!before.some(clearsConfiguration)) throw new Failure(exitCode.refused, recognition.text)
      return generalAnswer(questionOf(call, purpose), ['the cached configuration is cleared before'])
    case 'unknown':
      return unsure(recognition.because, recognition.candidates, await generalAnswer(questionOf(call, purpose), []))
  }
}

// A new Laravel application tests with `config:clear` before `test`.
function clearsConfiguration({ words }: Call): boolean {
  return words.some((word) => word === 'config:clear' || word === 'optimize:clear')
}

function unsure(because: string, candidates: readonly Candidate[], general: Answer): Answer {
  if (general instanceof Failure && candidates.length === 0) return withReason(general, because)
  const others = general instanceof Failure ? [] : general.candidates
  return { candidates: [...candidates, ...others], certain: false, overruled: [], notes: [because] }
}

// That a framework was recognised but could not be asked is what a person has to mend.
function withReason(general: Failure, because: string): Failure {
  return new Failure(general.code, { ...general.text, why: [because, ...(general.text.why ?? [])] }, general)
}

function questionOf({ cwd, environment, envFiles }: Call, purpose: Purpose): TargetQuestion {
  return { cwd, environment, purpose, envFiles: [], variables: 'win', loadedFiles: envFiles }
}

async function generalAnswer(question: TargetQuestion, because: readonly string[]): Promise<Answer> {
  try {
    const found = await resolveTargets(question)
    const candidates = found.candidates.map((candidate) => ({ ...candidate, environment: question.environment }))
    return { ...found, candidates, notes: [...because, ...found.notes] }
  } catch (error) {
    if (error instanceof Failure && error.code === exitCode.noTarget) {
      return because.reduceRight(withReason, error)
    }
    throw error
  }
}

/** All databases that any of the programs may touch. One that names none says nothing while another one does. */
function merged(answers: readonly Answer[]): Resolution {
  const known = answers.filter((answer): answer is Resolution => !(answer instanceof Failure))
  const failure = answers.find((answer) => answer instanceof Failure)
  const candidates = oneOfEach(known.flatMap((answer) => answer.candidates))
  if (candidates.length === 0 && failure !== undefined) throw failure
  return {
    candidates,
    certain: candidates.length <= 1 || (failure === undefined && known.every((answer) => answer.certain)),
    overruled: oneOfEach(known.flatMap((answer) => answer.overruled)),
    notes: [...new Set(known.flatMap((answer) => answer.notes))],
  }
}
