import type { Io } from '../effects/io.ts'
import { askYes, whoMayDecide, whyNotAsked } from '../effects/prompt.ts'
import { exitCode, Failure } from '../failure.ts'

/** Says what a restore will do, and asks; `again` is the command that does it without asking. Throws a `Failure` (20) without a yes. */
export async function confirmPlan(
  io: Io,
  plan: readonly string[],
  { yes, again }: { readonly yes: boolean; readonly again: string },
): Promise<void> {
  for (const line of plan) io.terminal.say(line)
  if (yes) return
  if (io.terminal.interactive && (await askYes(io, 'Restore it?'))) return
  throw new Failure(exitCode.refused, {
    what: io.terminal.interactive
      ? 'Cancelled: nothing was changed'
      : `Refused: a restore overwrites data, and ${whyNotAsked(io.terminal)}`,
    why: io.terminal.interactive ? [] : plan,
    next: io.terminal.interactive ? [] : [`${whoMayDecide(io.terminal)}: ${again}`],
  })
}
