import type { Io } from '../effects/io.ts'
import type { Purpose } from '../environment/env-chains.ts'
import { exitCode, Failure } from '../failure.ts'
import { type Candidate, distinctCandidates, type Resolution, resolveTargets, type TargetQuestion } from '../target/resolve.ts'
import type { Call, Recognition } from './framework.ts'
import { loadFrameworks } from './registry.ts'
import { seeThrough } from './see-through.ts'

/** What one program behind the command means for the decision. */
type Answer = { readonly candidates: readonly Candidate[]; readonly notes: readonly string[]; readonly sure: boolean }

/**
 * Which databases a command may touch (design § 3): what the user said; else what the frameworks behind the command say;
 * else the general rules. Throws a `Failure` (2, 10, 20).
 */
export async function resolveForCommand(
  io: Io,
  words: readonly string[],
  question: TargetQuestion,
): Promise<Resolution> {
  if (question.databaseUrl !== undefined || question.envFiles.length > 0) return resolveTargets(question)
  const seen = await seeThrough(words, io.cwd, io.environment)
  const answers = await Promise.all(seen.calls.map((call) => answerFor(io, call, question.purpose)))
  const opaque = seen.opaque.length > 0 || (seen.calls.length === 0 && words.length > 0)
  const general = opaque ? [await generalAnswer(question, seen.opaque)] : []
  return merged([...answers, ...general], question)
}

async function answerFor(io: Io, call: Call, purpose: Purpose): Promise<Answer | Failure> {
  for (const framework of await loadFrameworks(call)) {
    const recognition = await framework.recognise(io, call, purpose)
    if (recognition !== undefined) return answerOf(recognition, call, purpose)
  }
  return generalAnswer(questionOf(call, purpose), [])
}

async function answerOf(recognition: Recognition, call: Call, purpose: Purpose): Promise<Answer | Failure> {
  switch (recognition.state) {
    case 'known':
      return { candidates: recognition.candidates, notes: recognition.notes, sure: true }
    case 'harmless':
      return { candidates: [], notes: [recognition.reason], sure: true }
    case 'refused':
      throw new Failure(exitCode.refused, recognition.text)
    case 'unknown': {
      const general = await generalAnswer(questionOf(call, purpose), [recognition.because])
      const candidates = [...recognition.candidates, ...('candidates' in general ? general.candidates : [])]
      return candidates.length === 0 ? general : { candidates, notes: [recognition.because], sure: false }
    }
  }
}

function questionOf(call: Call, purpose: Purpose): TargetQuestion {
  return { cwd: call.cwd, environment: call.environment, purpose, envFiles: [], loadedFiles: call.envFiles, environmentWins: true }
}

// That one program names no database says nothing while another one does.
async function generalAnswer(question: TargetQuestion, because: readonly string[]): Promise<Answer | Failure> {
  try {
    const { candidates, certain, notes } = await resolveTargets(question)
    return { candidates, notes: [...because, ...notes], sure: certain }
  } catch (error) {
    if (error instanceof Failure && error.code === exitCode.noTarget) return error
    throw error
  }
}

function merged(answers: readonly (Answer | Failure)[], question: TargetQuestion): Resolution {
  const known = answers.filter((answer) => !(answer instanceof Failure))
  const failure = answers.find((answer) => answer instanceof Failure)
  const candidates = distinctCandidates(known.flatMap((answer) => answer.candidates))
  if (candidates.length === 0 && failure !== undefined) throw failure
  const sure = known.every((answer) => answer.sure) && failure === undefined
  const notes = [...new Set(known.flatMap((answer) => answer.notes))]
  void question
  return { candidates, certain: candidates.length <= 1 || (sure && known.length > 0), notes }
}
