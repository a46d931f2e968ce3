import type { Io } from '../effects/io.ts'
import { runTool } from '../effects/spawn.ts'
import type { Call } from './framework.ts'

/** How long a project's own program may take to say which database it uses; then its rules are followed, and it is said. */
const patienceSeconds = 5

/** Around the answer, so that what the project's own code prints is told from it. */
const marker = 'db-seatbelt-answer:'

/** What a program answered: a JSON value, or why there is no answer. */
export type Answer = { readonly value: unknown } | { readonly problem: string }

/** The line that a script asked by `askProgram` prints its JSON behind. */
export const answerMarker = marker

/**
 * Asks a project's own runtime a question that it answers with one line `<marker><JSON>` on stdout, in the environment and
 * folder of the call. What it prints else is thrown away; it gets no input. Throws the signal's reason when interrupted.
 */
export async function askProgram(io: Io, call: Call, program: string, args: readonly string[]): Promise<Answer> {
  const started = { ...io, cwd: call.cwd }
  const output = await runTool(started, program, {
    arguments: args,
    environment: call.environment,
    seconds: patienceSeconds,
  }).catch((error: Error) => {
    io.signal.throwIfAborted()
    return { exitCode: undefined, stdout: '', stderr: error.message }
  })
  const line = output.stdout.split('\n').find((text) => text.startsWith(marker))
  if (line === undefined) return { problem: lastLine(output.stderr) ?? `${program} gave no answer` }
  try {
    return { value: JSON.parse(line.slice(marker.length)) as unknown }
  } catch {
    return { problem: `${program} gave an answer that cannot be read` }
  }
}

function lastLine(text: string): string | undefined {
  return text.trim().split('\n').at(-1) || undefined
}
