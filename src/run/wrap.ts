import { join } from 'node:path'
import { backupFolder } from '../backup/folder.ts'
import { protectWithCopy } from '../backup/instant.ts'
import { type Protected, targetRecord } from '../backup/prepare.ts'
import { type WayBack, wayBackTo } from '../backup/way-back.ts'
import { decide } from '../decide.ts'
import { findCommand } from '../effects/find-command.ts'
import type { Io } from '../effects/io.ts'
import type { Purpose } from '../environment/env-chains.ts'
import { CannotStart, wrapperExitCode as wrapperCode } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import { type CommandRecord, lossesOf, mayHaveLost } from '../operation.ts'
import { sayAndGuard } from '../say-and-guard.ts'
import { shownCommand } from '../shell-words.ts'
import { lookAfter } from './aftermath.ts'
import { changedElsewhere, isComparable } from './elsewhere.ts'
import { lostBackups } from './lost-backups.ts'
import { pinnedValues } from './pin.ts'
import { askBeforeTests } from './tests-on-data.ts'
import { type Outcome, runWrapped, wrapperExitCode } from './wrapped.ts'

export type Wrapped = {
  readonly backups: readonly Protected[]
  readonly guarded: Guarded
  readonly outcome: Outcome
  /** Of the command; with `--fail-on-loss` 3 where it said 0 and something is lost, or may be. */
  readonly exitCode: number
}

/**
 * Find the database, guard it, back it up, run the command exactly as it was, and look what it left. Throws before the
 * command, never after.
 */
export async function wrap(io: Io, invocation: Invocation, purpose: Purpose): Promise<Wrapped> {
  const { operation, options, words, root } = invocation
  operation.wrapped = [shownCommand(words)]
  requireStartable(io, words)
  const decision = await decide(io, invocation, { purpose, wrapped: true })
  const pinned = options.pin ? pinnedValues(decision.candidates) : {}
  const folder = backupFolder(root, io.cwd, options.backupDirectory)
  operation.journalFolder = folder.path
  const guarded = await sayAndGuard(io, invocation, decision)
  const reason = `${operation.command} ${shownCommand(words)}`
  const request = {
    folder,
    options,
    reason,
    guarded,
    watching: options.checkSeconds > 0,
    prove: options.prove,
    forCommand: true,
  }
  const backups: Protected[] = []
  for (const candidate of decision.candidates) backups.push(await protectWithCopy(io, candidate, request))
  operation.targets = backups.map((one) => targetRecord(one, guarded.evidenceOf(one.candidate)))
  await noteWaysBack(io, invocation, backups, { folder: folder.shown, lost: [] })
  if (purpose === 'test') await askBeforeTests(io, invocation, { backups, guarded })
  await guarded.checkAgain()
  io.signal.throwIfAborted()
  const outcome = await runSuspended(invocation, pinned)
  operation.outcome = outcomeRecord(outcome)
  if (!('failedToStart' in outcome.exit)) await compareAfter(io, invocation, backups)
  await forgetLost(io, invocation, backups, folder.shown)
  return { backups, guarded, outcome, exitCode: exitCodeOf(outcome, invocation) }
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

async function compareAfter(io: Io, { operation, options }: Invocation, backups: readonly Protected[]): Promise<void> {
  if (options.checkSeconds === 0) return
  const aftermaths = await lookAfter(io, backups, options.checkSeconds)
  operation.targets = operation.targets.map((target, index) => ({ ...target, ...aftermaths[index]?.record }))
  const readings = aftermaths.flatMap((one) => one?.readings ?? [])
  const targets = backups.map(({ candidate }) => candidate.target)
  operation.elsewhere = changedElsewhere(readings, targets)
  if (!readings.every(isComparable))
    io.terminal.detail('The server counts anew: what was written elsewhere is not known')
}

// There is no way back by a backup that the command took away.
async function forgetLost(
  io: Io,
  invocation: Invocation,
  backups: readonly Protected[],
  folder: string,
): Promise<void> {
  const { operation } = invocation
  const lost = await lostBackups(backups)
  if (lost.length === 0) return
  const isLost = (file = '') => lost.includes(file)
  operation.targets = operation.targets.map((one) => (isLost(one.backup) ? { ...one, backupLost: true } : one))
  await noteWaysBack(io, invocation, backups, { folder, lost })
}

/** Where the backups are, and the files of those that are gone. */
type There = { readonly folder: string; readonly lost: readonly string[] }

/** The exact commands that bring the data of what was protected back, and what has to be known of them. */
async function noteWaysBack(
  io: Io,
  invocation: Invocation,
  backups: readonly Protected[],
  there: There,
): Promise<void> {
  const { operation } = invocation
  const ways = await waysBack(io, invocation, backups, there)
  const instant = await instantWaysBack(io, invocation, backups)
  operation.wayBack = ways.map(({ command }) => command)
  operation.instantWayBack = instant.map(({ command }) => command)
  operation.wayBackNotes = [...new Set([...ways, ...instant].flatMap(({ note = [] }) => note))]
}

async function waysBack(
  io: Io,
  invocation: Invocation,
  backups: readonly Protected[],
  { folder, lost }: There,
): Promise<readonly WayBack[]> {
  const made = backups.flatMap(({ candidate, outcome }) =>
    'nothing' in outcome || lost.includes(outcome.backup.file)
      ? []
      : [{ candidate, backup: join(folder, outcome.backup.file) }],
  )
  return Promise.all(made.map(({ candidate, backup }) => wayBackTo(io, invocation, candidate, { backup })))
}

/** The same by the instant copies. */
async function instantWaysBack(
  io: Io,
  invocation: Invocation,
  backups: readonly Protected[],
): Promise<readonly WayBack[]> {
  const kept = backups.flatMap(({ candidate, copy }) => (copy === undefined ? [] : [{ candidate, copy: copy.name }]))
  return Promise.all(kept.map(({ candidate, copy }) => wayBackTo(io, invocation, candidate, { copy })))
}

function exitCodeOf(outcome: Outcome, { operation, options }: Invocation): number {
  const code = wrapperExitCode(outcome)
  const lost = lossesOf(operation) > 0 || mayHaveLost(operation)
  return code === 0 && options.failOnLoss && lost ? wrapperCode.loss : code
}
