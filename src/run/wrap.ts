import { join } from 'node:path'
import { backupFolder } from '../backup/folder.ts'
import { type Protected, protect, targetRecord } from '../backup/prepare.ts'
import { decide, sayAndGuard } from '../decide.ts'
import { findCommand } from '../effects/find-command.ts'
import type { Io } from '../effects/io.ts'
import { shownSeconds } from '../effects/units.ts'
import type { Purpose } from '../environment/env-chains.ts'
import { CannotStart } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import type { CommandRecord } from '../operation.ts'
import { shellWords, shownCommand } from '../shell-words.ts'
import { pinnedValues } from './pin.ts'
import { type Outcome, runWrapped, wrapperExitCode } from './wrapped.ts'

export type Wrapped = { readonly backups: readonly Protected[]; readonly outcome: Outcome; readonly exitCode: number }

/** Find the database, guard it, back it up, then run the command exactly as it was. Throws before the command, never after. */
export async function wrap(io: Io, invocation: Invocation, purpose: Purpose): Promise<Wrapped> {
  const { operation, options, words, root } = invocation
  operation.wrapped = [shownCommand(words)]
  requireStartable(io, words)
  const decision = await decide(io, invocation, { purpose, wrapped: true })
  const pinned = options.pin ? pinnedValues(decision.candidates) : {}
  const folder = backupFolder(root, io.cwd, options.backupDirectory)
  operation.journalFolder = folder.path
  await sayAndGuard(io, invocation, decision)
  const reason = `${operation.command} ${shownCommand(words)}`
  const backups: Protected[] = []
  for (const candidate of decision.candidates) backups.push(await protect(io, candidate, { folder, options, reason }))
  operation.targets = backups.map((one, index) => targetRecord(one, decision.judged[index]?.evidence ?? []))
  operation.wayBack = backups.flatMap((one) => wayBack(one, invocation, folder.shown))
  io.signal.throwIfAborted()
  const outcome = await runSuspended(invocation, pinned)
  operation.outcome = outcomeRecord(outcome)
  return { backups, outcome, exitCode: wrapperExitCode(outcome) }
}

// Found out before anything is done: a typing error must not cost a backup.
function requireStartable(io: Io, words: readonly string[]): void {
  const found = findCommand(words, io.environment, io.cwd)
  if ('path' in found) return
  const code = found.missing === 'not-found' ? 127 : 126
  throw new CannotStart(code, {
    what: `The command cannot be run: ${found.reason}`,
    why: ['Nothing was backed up and nothing was run.'],
  })
}

// The terminal's signals are the command's while it runs; ours begin again with the report.
async function runSuspended(
  { interruption, words }: Invocation,
  environment: Readonly<Record<string, string>>,
): Promise<Outcome> {
  interruption.suspend()
  try {
    return await runWrapped(words, { environment })
  } finally {
    interruption.resume()
  }
}

function outcomeRecord({ exit, seconds }: Outcome): CommandRecord {
  if ('signal' in exit) return { signal: exit.signal, seconds }
  const problem = 'failedToStart' in exit ? { failedToStart: exit.failedToStart } : {}
  return { exitCode: exit.code, seconds, ...problem }
}

/** The exact command that brings the data of a protected candidate back. */
function wayBack({ outcome }: Protected, { callOf, options }: Invocation, folder: string): readonly string[] {
  if ('nothing' in outcome) return []
  const files = options.envFiles.flatMap((file) => ['--env-file', file])
  return [`${callOf('restore-database')} ${shellWords([...files, join(folder, outcome.backup.file)])}`]
}

/** How the command ended, in words: `php artisan migrate ended with 1 after 0.4 s`. */
function endingText(command: string, { exit, seconds }: Outcome): string {
  const after = `after ${shownSeconds(seconds)}`
  if ('failedToStart' in exit) return `${command} could not be started: ${exit.failedToStart}`
  if ('signal' in exit) return `${command} was ended by ${exit.signal} ${after}`
  return exit.code === 0 ? `${command} succeeded ${after}` : `${command} ended with ${exit.code} ${after}`
}

/** After the command: how it ended, where the backup is, and the way back. */
export function sayOutcome(io: Io, { operation }: Invocation, { outcome, exitCode }: Wrapped): void {
  const mark = exitCode === 0 ? io.terminal.style('green', '✓') : io.terminal.style('red', '✗')
  io.terminal.say(`${mark} ${endingText(operation.wrapped.join(' '), outcome)}`)
  for (const command of operation.wayBack) io.terminal.say(`  To go back: ${io.terminal.style('bold', command)}`)
}
