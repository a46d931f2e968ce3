import { type Decision, settleOnOne } from './decide.ts'
import type { Io } from './effects/io.ts'
import { loadEngine } from './engines/registry.ts'
import { exitCode, Failure } from './failure.ts'
import type { Invocation } from './invocation.ts'
import type { Mark } from './options.ts'
import { sayAndGuard } from './say-and-guard.ts'
import { urlOf } from './target/target.ts'

const lockSeconds = 10

/**
 * Sets our marker on the one database that is meant, or takes it away, and says so. To take it away is to take a safety off: what
 * looks like production is asked for by name. Throws a `Failure` (10, 11, 20, 50).
 */
export async function markDatabase(io: Io, invocation: Invocation, all: Decision, mark: Mark): Promise<void> {
  const { callOf, operation } = invocation
  const { candidate, decision } = settleOnOne(all, undefined, `${callOf(operation.command)} --mark ${mark}`)
  const guarded = mark === 'none' ? await sayAndGuard(io, invocation, decision) : undefined
  const session = await (await loadEngine(candidate.target.engine)).connect(io, candidate.target)
  if (session.state === 'nothing') throw nothingToMark(session.reason)
  try {
    await guarded?.lookAt(candidate, session)
    await session.lock(lockSeconds)
    await session.mark(mark)
  } finally {
    await session.close()
  }
  const what = mark === 'none' ? 'is not marked any more' : `is marked as ${mark}, in the comment on the database`
  io.terminal.say(`${io.terminal.style('green', '✓')} ${urlOf(candidate.target)} ${what}`)
}

function nothingToMark(reason: string): Failure {
  return new Failure(exitCode.cannotConnect, { what: `There is nothing to mark: ${reason}` })
}
