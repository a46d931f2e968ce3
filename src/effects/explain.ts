import type { Failure } from '../failure.ts'
import type { Terminal } from './terminal.ts'

/** Prints what happened, why, and what to do next. */
export function explain(terminal: Terminal, failure: Failure): void {
  const { what, why = [], next = [] } = failure.text
  terminal.warn(terminal.style('red', what))
  for (const line of why) terminal.warn(`  ${line}`)
  for (const line of next) terminal.warn(`${terminal.style('bold', '→')} ${line}`)
}
