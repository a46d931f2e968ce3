/** The public exit codes of the standalone commands (README, "Exit codes"). */
export const exitCode = {
  done: 0,
  unexpected: 1,
  usage: 2,
  noTarget: 10,
  cannotConnect: 11,
  refused: 20,
  dumpFailed: 30,
  backupNotWhole: 31,
  restoreFailed: 40,
  busy: 50,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]

/** What a wrapper ends with of its own accord: `loss` after the wrapped command said 0, the others before it was started. */
export const wrapperExitCode = { loss: 3, stopped: 125, cannotExecute: 126, notFound: 127 } as const

export type FailureText = {
  /** What happened, one sentence, no trailing period needed. Never holds a secret. */
  readonly what: string
  /** Why, or the evidence: one entry a line. */
  readonly why?: readonly string[]
  /** What to do next: exact commands or settings, one entry a line. */
  readonly next?: readonly string[]
}

/** The one error that users see: an exit code, what, why, and what to do next. */
export class Failure extends Error {
  readonly code: ExitCode
  readonly text: FailureText

  constructor(code: ExitCode, text: FailureText, cause?: unknown) {
    super(text.what, cause === undefined ? undefined : { cause })
    this.name = 'Failure'
    this.code = code
    this.text = text
  }
}

/** An earlier restore of this database was cut off half-way: it is not whole, and is worth no backup. */
export class HalfRestored extends Failure {
  constructor(text: FailureText) {
    super(exitCode.dumpFailed, text)
  }
}

/** The wrapped command is not there (127) or cannot be executed (126): known before anything was done. */
export class CannotStart extends Failure {
  readonly wrapperCode: 126 | 127

  constructor(wrapperCode: 126 | 127, text: FailureText) {
    super(exitCode.usage, text)
    this.wrapperCode = wrapperCode
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
