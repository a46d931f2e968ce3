import type { Io } from '../effects/io.ts'
import { onOneLine } from '../effects/terminal.ts'
import { shownSeconds } from '../effects/units.ts'
import type { Invocation } from '../invocation.ts'
import { lossesOf, type TargetRecord } from '../operation.ts'
import { type ChangeLine, changeLines, lostText } from './changes-text.ts'
import { elsewhereTexts } from './elsewhere.ts'
import type { Wrapped } from './wrap.ts'
import { type Outcome, wrapperExitCode } from './wrapped.ts'

/** How much is said of changes: so many lines where nothing is lost, and what where nothing is different. */
export type Talk = { readonly lines: number; readonly same?: string }

const linesOfLosses = 10

/** After the command: how it ended, what it did to the data, and the way back. What is lost is said with `--quiet` too. */
export function sayOutcome(io: Io, { operation, options }: Invocation, wrapped: Wrapped, talk: Talk): void {
  const { say, warn, style } = io.terminal
  const lost = lossesOf(operation) > 0
  const refused = wrapped.exitCode !== wrapperExitCode(wrapped.outcome)
  const tell = lost || refused ? warn : say
  const lines = options.verbose ? Infinity : lost ? linesOfLosses : talk.lines
  const gone = wrapperExitCode(wrapped.outcome) === 0 ? goneTexts(operation.targets) : []
  tell(`${markOf(io, wrapped.outcome, gone)} ${endingText(operation.wrapped.join(' '), wrapped.outcome)}`)
  for (const line of changedLines(operation.targets, { ...talk, lines })) tell(`  ${styled(io, line)}`)
  for (const text of gone) warn(style('red', `${text}, although the command reported success`))
  for (const command of operation.wayBack) tell(`  To go back: ${style('bold', command)}`)
  for (const command of operation.instantWayBack) tell(`  Or at once:  ${style('bold', command)}`)
  for (const note of operation.wayBackNotes) tell(`  ${note}`)
  for (const text of backupLostTexts(operation.targets)) warn(style('red', text))
  for (const text of uncheckedTexts(operation.targets)) warn(style('yellow', text))
  for (const text of elsewhereTexts(operation.elsewhere)) warn(style('yellow', text))
  const why = lost ? '' : ': whether anything is gone could not be found out'
  if (refused) warn(`Ends with ${wrapped.exitCode} (--fail-on-loss)${why}.`)
}

function markOf({ terminal }: Io, outcome: Outcome, gone: readonly string[]): string {
  if (wrapperExitCode(outcome) !== 0) return terminal.style('red', '✗')
  return gone.length > 0 ? terminal.style('red', '!') : terminal.style('green', '✓')
}

/** How the command ended, in words: `php artisan migrate ended with 1 after 0.4 s`. */
function endingText(command: string, { exit, seconds }: Outcome): string {
  const after = `after ${shownSeconds(seconds)}`
  if ('failedToStart' in exit) return `${command} could not be started: ${exit.failedToStart}`
  if ('signal' in exit) return `${command} was ended by ${exit.signal} ${after}`
  return exit.code === 0 ? `${command} succeeded ${after}` : `${command} ended with ${exit.code} ${after}`
}

function changedLines(targets: readonly TargetRecord[], talk: Talk): readonly ChangeLine[] {
  return targets.flatMap((target) => {
    const lines = linesOf(target, talk)
    return targets.length > 1 && lines.length > 0 ? [plain(`${target.url}:`), ...lines] : lines
  })
}

function linesOf({ changes, unchanged, notCounted = [] }: TargetRecord, { lines, same }: Talk): readonly ChangeLine[] {
  if (changes === undefined) return []
  const estimated = notCounted.length === 0 ? [] : [plain(notCountedText(notCounted))]
  if (changes.length > 0) return [...changeLines(changes, lines), ...estimated]
  if (estimated.length > 0 || same === undefined) return estimated
  return [plain(unchanged ? 'Nothing was changed in the database.' : same)]
}

function plain(text: string): ChangeLine {
  return { text, tone: 'plain' }
}

const namesShown = 3

function notCountedText(names: readonly string[]): string {
  const rest = names.length > namesShown ? ` and ${names.length - namesShown} more` : ''
  return `Not counted in time (large, or locked): ${names.slice(0, namesShown).map(onOneLine).join(', ')}${rest}`
}

function styled({ terminal }: Io, { text, tone }: ChangeLine): string {
  if (tone === 'plain') return text
  return terminal.style(tone === 'lost' ? 'red' : 'yellow', text)
}

function goneTexts(targets: readonly TargetRecord[]): readonly string[] {
  return targets.flatMap(({ url, changes = [] }) => {
    const text = lostText(changes)
    return text === undefined ? [] : [targets.length > 1 ? `${url}: ${text}` : firstUpper(text)]
  })
}

function firstUpper(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function backupLostTexts(targets: readonly TargetRecord[]): readonly string[] {
  const lost = targets.filter(({ backupLost }) => backupLost)
  return lost.map(({ backup }) => `The backup ${backup} was there before the command, and is not any more`)
}

function uncheckedTexts(targets: readonly TargetRecord[]): readonly string[] {
  return targets.flatMap(({ url, unchecked }) =>
    unchecked === undefined ? [] : [`What the command did to ${url} was not checked: ${unchecked}`],
  )
}
