import { exitCode, Failure } from '../../failure.ts'
import { displayName } from './names.ts'

/** Why no copy was made; what the server says comes as `cause`. */
export function noCopy(database: string, why: readonly string[], next: readonly string[], cause?: unknown): Failure {
  const what = `No instant copy of database ${displayName([database])} was made`
  return new Failure(exitCode.restoreFailed, { what, why, next }, cause)
}

/** A copy that cannot be swapped in or removed. */
export function unfitCopy(name: string, why: string): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `The instant copy ${displayName([name])} cannot be used; nothing was changed`,
    why: [why],
    next: ['restore a backup: restore-database'],
  })
}
