import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { FileTarget } from '../../target/target.ts'
import type { RestoreOutcome, RestoreRequest } from '../engine.ts'
import { type Contents, differences } from './contents.ts'
import { liveFileOf } from './locate.ts'
import { lockOperations } from './lock.ts'
import {
  clearLeftovers,
  contentsOfScratch,
  load,
  removeWithCompanions,
  scratchBeside,
  takeAfter,
  useWal,
} from './scratch.ts'
import { swap } from './swap.ts'

const lockSeconds = 10

/** Loads beside, compares, and swaps by one rename. Throws a `Failure` (40; 50 when another operation is at work). */
export async function restore(io: Io, target: FileTarget, request: RestoreRequest): Promise<RestoreOutcome> {
  try {
    const live = await liveFileOf(target.database)
    const release = await lockOperations(io.signal, live, lockSeconds)
    try {
      return await restoreInto(io, live, request)
    } finally {
      release()
    }
  } catch (error) {
    io.signal.throwIfAborted()
    throw restoreFailure(target.database, error)
  }
}

async function restoreInto(io: Io, live: string, request: RestoreRequest): Promise<RestoreOutcome> {
  await clearLeftovers(live)
  const scratch = scratchBeside(live)
  try {
    request.step('loading')
    await load(io, request.content, scratch)
    request.step('comparing')
    const compared = await compare(io, scratch, request)
    await takeAfter(live, scratch)
    await request.beforeSwap?.()
    request.step('swapping')
    const notes = await swap(io.signal, live, scratch)
    return { way: 'swap', tables: compared.tables, notes: [...compared.notes, ...notes] }
  } finally {
    await removeWithCompanions(scratch)
  }
}

/** Compares what was loaded with its manifest, and sets the journal mode that the dumped database had. */
async function compare(io: Io, scratch: string, request: RestoreRequest): Promise<Contents> {
  const { tables, notes } = await contentsOfScratch(io, scratch)
  const wrong = request.tables === undefined ? [] : differences(request.tables, tables)
  if (wrong.length > 0) throw notTheSame(wrong)
  if (request.properties['journal_mode'] === 'wal') await useWal(io, scratch)
  return { tables, notes }
}

function notTheSame(why: readonly string[]): Failure {
  const what = 'the loaded backup does not match its manifest; the database is as it was'
  return new Failure(exitCode.restoreFailed, { what, why, next: ['choose another backup: restore-database'] })
}

function restoreFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const next = code === 'EPERM' || code === 'EACCES' ? ['run this as the user that owns the file'] : []
  const what = `the restore of the SQLite database ${onOneLine(path)} failed; it is as it was before`
  return new Failure(exitCode.restoreFailed, { what, why: [messageOf(error)], next }, error)
}
