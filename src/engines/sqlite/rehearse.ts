import { access, constants } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { FileTarget } from '../../target/target.ts'
import type { Rehearsal, RestoreRequest } from '../engine.ts'
import { liveFileOf } from './locate.ts'
import { clearLeftovers, contentsOfScratch, load, removeWithCompanions, scratchBeside } from './scratch.ts'

/** Loads a backup as a restore does, reads what is in it, and removes it again. Throws a `Failure` (40). */
export async function rehearse(
  io: Io,
  target: FileTarget,
  request: Pick<RestoreRequest, 'content' | 'step'>,
): Promise<Rehearsal> {
  const place = await placeFor(target)
  const scratch = scratchBeside(place)
  try {
    await clearLeftovers(place)
    request.step('loading')
    await load(io, request.content, scratch)
    request.step('comparing')
    return await contentsOfScratch(io, scratch)
  } catch (error) {
    io.signal.throwIfAborted()
    throw rehearsalFailure(target.database, scratch, error)
  } finally {
    await removeWithCompanions(scratch)
  }
}

/** Beside the database, where a restore would load it; in the temporary folder where that folder is not ours to write into. */
async function placeFor({ database }: FileTarget): Promise<string> {
  try {
    const live = await liveFileOf(database)
    await access(dirname(live), constants.W_OK)
    return live
  } catch {
    return join(tmpdir(), basename(database))
  }
}

function rehearsalFailure(database: string, scratch: string, error: unknown): Failure {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `the backup could not be loaded beside the SQLite database ${onOneLine(database)}, which was not touched`,
      why: [messageOf(error)],
      next: code === 'ENOSPC' ? [`free some space in ${onOneLine(dirname(scratch))}, and run this again`] : [],
    },
    error,
  )
}
