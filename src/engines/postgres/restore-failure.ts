import { exitCode, Failure, messageOf } from '../../failure.ts'

/** A restore that did not come to its swap: the database is as it was before. */
export function restoreFailure(database: string, what: string, next: readonly string[], cause?: unknown): Failure {
  const why = cause === undefined ? [] : [messageOf(cause)]
  return new Failure(
    exitCode.restoreFailed,
    { what, why: [...why, `database ${database} is as it was before`], next },
    cause,
  )
}

/** What was thrown as a `Failure`: ours as it is, the server's as a failed restore. */
export function asRestoreFailure(error: unknown, database: string): Failure {
  if (error instanceof Failure) return error
  return restoreFailure(database, 'the restore failed', [nextStep(error)], error)
}

const objectInUse = '55006'

// What is made beside is known to nobody else: only a pooler keeps sessions of ours at it.
function nextStep(error: unknown): string {
  if ((error as { code?: string }).code !== objectInUse) return 'correct what the server says and run this again'
  return 'if a connection pooler stands between, set SEATBELT_DATABASE_URL to the address of the server without it; then run this again'
}
