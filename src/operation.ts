import type { ExitCode, FailureText } from './failure.ts'

/** What became of one target in an operation. */
export type TargetRecord = {
  /** The target's URL without its password. */
  readonly url: string
  readonly reason: string
  readonly production: readonly string[]
  /** The backup's file, where one was made. */
  readonly backup?: string
  readonly bytes?: number
  readonly rows?: number
  /** Why there was nothing to back up. */
  readonly nothing?: string
}

/** How the wrapped command ended. */
export type CommandRecord = {
  readonly exitCode?: number
  readonly signal?: string
  readonly seconds: number
  /** Why it could not be started after all. */
  readonly failedToStart?: string
}

/** One operation as it goes; what is known is written down at once, so that a failure's record is as full as it can be. */
export type Operation = {
  readonly command: string
  readonly startedAt: Date
  wrapped: readonly string[]
  targets: readonly TargetRecord[]
  certain: boolean
  /** Sentences that were said on the way: leftovers, notes of the dump, what rotation removed. */
  notes: string[]
  outcome?: CommandRecord
  /** The exact commands that bring the data back. */
  wayBack: readonly string[]
  restored?: string
  /** `printed` when the command printed a document of its own on stdout. */
  document?: 'printed'
  failure?: { readonly code: ExitCode } & FailureText
  /** The absolute folder of the journal, once it is known that there is one to write to. */
  journalFolder?: string
}

export function beginOperation(command: string, startedAt: Date): Operation {
  return { command, startedAt, wrapped: [], targets: [], certain: true, notes: [], wayBack: [] }
}

/** The operation's document: what `--report` writes and `--json` prints. */
export function documentOf(operation: Operation, exitCode: number, now: Date): Record<string, unknown> {
  return {
    version: 1,
    command: operation.command,
    ...(operation.wrapped.length > 0 ? { wrapped: operation.wrapped } : {}),
    startedAt: operation.startedAt.toISOString(),
    seconds: secondsBetween(operation.startedAt, now),
    exitCode,
    targets: operation.targets,
    certain: operation.certain,
    notes: operation.notes,
    ...(operation.outcome === undefined ? {} : { outcome: operation.outcome }),
    wayBack: operation.wayBack,
    ...(operation.restored === undefined ? {} : { restored: operation.restored }),
    ...(operation.failure === undefined ? {} : { failure: operation.failure }),
  }
}

export function secondsBetween(start: Date, end: Date): number {
  return Math.max(0, end.getTime() - start.getTime()) / 1000
}
