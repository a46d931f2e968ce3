import { constants } from 'node:os'
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
  /** Why no new backup was made: the one that is named holds what is in the database now. */
  readonly reused?: string
  /** When that backup was restored into a scratch database, and was the same there. UTC, ISO 8601. */
  readonly proven?: string
  /** The instant copy that was kept with the backup. */
  readonly copy?: string
  /** Why there was nothing to back up. */
  readonly nothing?: string
  /** How the database differs from the backup after the wrapped command, losses first; absent where nobody looked. */
  readonly changes?: readonly TableChange[]
  /** The server proves that nothing at all was changed since the backup. */
  readonly unchanged?: true
  /** Tables that were too large to be counted in time: their rows are the server's estimates. */
  readonly notCounted?: readonly string[]
  /** The backup, or its manifest, was gone or cut after the command. */
  readonly backupLost?: true
  /** Why the database could not be compared with the backup after the command. */
  readonly unchecked?: string
}

/** One difference between a backup and the database after the wrapped command. Rows are counts. */
export type TableChange = {
  readonly kind:
    | 'database-gone'
    | 'table-gone'
    | 'emptied'
    | 'fewer-rows'
    | 'column-gone'
    | 'column-changed'
    | 'table-new'
    | 'column-new'
    | 'more-rows'
  /** As in the manifest; absent where the database itself is gone. */
  readonly table?: string
  /** What was there is not there any more: rows, or a column of a table with rows. An estimate is never a loss. */
  readonly loss: boolean
  readonly before?: number
  readonly after?: number
  /** `after` is the server's estimate. */
  readonly estimated?: true
  readonly column?: string
  readonly typeBefore?: string
  readonly typeAfter?: string
  /** A new table, or column, that is just like the one that is gone. Nothing proves that it is the same one. */
  readonly perhapsRenamedTo?: string
}

/** A database that is not backed up, on a server of one that is, and that changed while the wrapped command ran. */
export type ElsewhereRecord = {
  readonly url: string
  readonly database: string
  readonly what: 'written' | 'dropped'
}

/** How the wrapped command ended. */
export type CommandRecord = {
  readonly exitCode?: number
  readonly signal?: string
  readonly seconds: number
  /** Why it could not be started after all. */
  readonly failedToStart?: string
}

/** The exit code of a command, as a shell has it: 128 + n where signal n ended it. */
export function commandCode({ exitCode, signal = '' }: CommandRecord): number {
  return exitCode ?? 128 + (constants.signals[signal as NodeJS.Signals] ?? Number(signal))
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
  /** What changed beside the targets while the wrapped command ran. */
  elsewhere: readonly ElsewhereRecord[]
  /** The exact commands that bring the data back. */
  wayBack: readonly string[]
  /** The faster ones, by instant copies. */
  instantWayBack: readonly string[]
  /** What a person has to add to them: a password is in none of them. */
  wayBackNotes: readonly string[]
  restored?: string
  /** `printed` when the command printed a document of its own on stdout. */
  document?: 'printed'
  failure?: { readonly code: ExitCode } & FailureText
  /** The absolute folder of the journal, once it is known that there is one to write to. */
  journalFolder?: string
}

export function beginOperation(command: string, startedAt: Date): Operation {
  return {
    command,
    startedAt,
    wrapped: [],
    targets: [],
    certain: true,
    notes: [],
    elsewhere: [],
    wayBack: [],
    instantWayBack: [],
    wayBackNotes: [],
  }
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
    ...(operation.elsewhere.length === 0 ? {} : { elsewhere: operation.elsewhere }),
    wayBack: operation.wayBack,
    ...(operation.instantWayBack.length === 0 ? {} : { instantWayBack: operation.instantWayBack }),
    ...(operation.wayBackNotes.length === 0 ? {} : { wayBackNotes: operation.wayBackNotes }),
    ...(operation.restored === undefined ? {} : { restored: operation.restored }),
    ...(operation.failure === undefined ? {} : { failure: operation.failure }),
  }
}

/** How much of what was backed up is gone after the wrapped command: rows of tables, tables, columns, each counted once. */
export function lossesOf({ targets }: Pick<Operation, 'targets'>): number {
  return targets.flatMap(({ changes = [] }) => changes).filter(({ loss }) => loss).length
}

/** Whether something may be gone that nobody could look at: an estimate of fewer rows, a database that was not checked. */
export function mayHaveLost({ targets }: Pick<Operation, 'targets'>): boolean {
  return targets.some(
    ({ changes = [], unchecked }) =>
      unchecked !== undefined || changes.some(({ kind, estimated }) => kind === 'fewer-rows' && estimated),
  )
}

export function secondsBetween(start: Date, end: Date): number {
  return Math.max(0, end.getTime() - start.getTime()) / 1000
}
