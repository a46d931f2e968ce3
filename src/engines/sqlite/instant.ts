import { constants } from 'bun:sqlite'
import { copyFile, constants as fs, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../../effects/files.ts'
import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { FileTarget } from '../../target/target.ts'
import type { InstantCopy } from '../engine.ts'
import { leavingNoTrace, readingOf, sizeOf } from './access.ts'
import { holderLines, holdersOf } from './holders.ts'
import { claimCopy, listCopies, removeCopy, sealCopy } from './instant-files.ts'
import { ownCopy, type Swapped, swapIn } from './instant-swap.ts'
import { liveFileOf } from './locate.ts'
import { clearLeftovers, removeWithCompanions, requireWhole, scratchBeside, takeAfter } from './scratch.ts'
import { inThread } from './thread.ts'

/** Makes `to` a file with the content of `from`. */
type Clone = (from: string, to: string) => Promise<void>

/** A second file on the same blocks of the disk, which takes no time and no room until one of them is written to. */
export const cloneFile: Clone = (from, to) => copyFile(from, to, fs.COPYFILE_EXCL | fs.COPYFILE_FICLONE_FORCE)

type Copied = { readonly copy: InstantCopy; readonly notes: readonly string[] }

/** Copies of a database file beside it, and the way back by a rename. All throw a `Failure` (40; 50 for a swap). */
export function instantCopies(clone: Clone) {
  return {
    copy: (io: Io, { database }: FileTarget, backup: string): Promise<Copied> =>
      failingAs('copied', io, database, () => copyBeside(io, database, backup, clone)),
    list: async ({ database }: FileTarget): Promise<readonly InstantCopy[]> => {
      const live = await liveFileOf(database).catch(() => undefined)
      return live === undefined ? [] : listCopies(live)
    },
    connected: async ({ database }: FileTarget): Promise<readonly string[]> =>
      holderLines(holdersOf(await liveFileOf(database)) ?? []).map((line) => `${line}: stop it first`),
    swapIn: (io: Io, { database }: FileTarget, copy: InstantCopy, beforeSwap?: () => Promise<void>): Promise<Swapped> =>
      failingAs('swapped', io, database, async () => swapIn(io, await liveFileOf(database), copy, beforeSwap)),
    remove: async (io: Io, { database }: FileTarget, copy: InstantCopy): Promise<void> =>
      failingAs('changed', io, database, async () =>
        removeCopy((await ownCopy(await liveFileOf(database), copy)).name),
      ),
  }
}

async function copyBeside(io: Io, database: string, backup: string, clone: Clone): Promise<Copied> {
  const live = await liveFileOf(database)
  if (sizeOf(live) <= 0) throw new Error('there is no database to copy')
  await clearLeftovers(live)
  const scratch = scratchBeside(live)
  try {
    await cloneWhole(io, live, scratch, (from, to) => clone(from, to).catch(orRefusing(database, backup)))
    await takeAfter(live, scratch)
    return { copy: await named(live, scratch, io.now(), backup), notes: [] }
  } finally {
    await removeWithCompanions(scratch)
  }
}

// The read lock keeps writers and checkpoints away from what the copy is made of. Closing the file, which drops that
// lock for our whole process, comes last.
async function cloneWhole(io: Io, live: string, scratch: string, clone: Clone): Promise<void> {
  await leavingNoTrace(io.signal, live, async () => {
    const { opening } = await readingOf(io.signal, live)
    await inThread(io.signal, opening, async (connection) => {
      await connection.rows('BEGIN')
      await connection.rows('SELECT count(*) FROM sqlite_schema')
      if (sizeOf(`${live}-wal`) > 0) await clone(`${live}-wal`, `${scratch}-wal`)
      await clone(live, scratch)
    })
  })
  await takeInWal(io, scratch)
  await requireWhole(scratch, 'the copy')
}

// Frames that were not committed when the WAL was cloned have no commit behind them: SQLite passes over them.
async function takeInWal(io: Io, scratch: string): Promise<void> {
  await inThread(io.signal, { file: scratch, flags: constants.SQLITE_OPEN_READWRITE }, async (connection) => {
    await connection.rows('PRAGMA wal_checkpoint(TRUNCATE)')
    await connection.rows('SELECT count(*) FROM sqlite_schema')
  })
  if (sizeOf(`${scratch}-wal`) >= 0) throw new Error('the rows in the -wal file could not be taken in')
}

async function named(live: string, scratch: string, createdAt: Date, backup: string): Promise<InstantCopy> {
  const path = await claimCopy(live, createdAt, backup)
  try {
    await rename(scratch, path)
    const copy = await sealCopy(path)
    await syncFolder(dirname(path))
    return copy
  } catch (error) {
    await removeCopy(path)
    throw error
  }
}

const refusals = new Set(['ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'ENOTTY', 'EXDEV', 'EINVAL'])

function orRefusing(database: string, backup: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    if (!refusals.has(error.code ?? '')) throw error
    throw new Failure(
      exitCode.restoreFailed,
      {
        what: `No instant copy of the SQLite database ${onOneLine(database)} was made: its file system cannot clone the file`,
        why: ['Btrfs, XFS (with reflink=1) and bcachefs can; a plain copy would take as long as the backup did'],
        next: [`the backup holds the same: restore-database ${onOneLine(backup)}`],
      },
      error,
    )
  }
}

async function failingAs<T>(done: string, io: Io, database: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    io.signal.throwIfAborted()
    if (error instanceof Failure) throw error
    const what = `the SQLite database ${onOneLine(database)} could not be ${done}; it is as it was before`
    throw new Failure(exitCode.restoreFailed, { what, why: [messageOf(error)] }, error)
  }
}
