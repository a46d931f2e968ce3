import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { InstantCopy } from '../engine.ts'
import { sizeOf } from './access.ts'
import { headerBytes, readHeader } from './header.ts'
import { claimCopy, forgetCopy, listCopies, sealCopy, unfitness } from './instant-files.ts'
import { lockOperations } from './lock.ts'
import { useWal } from './scratch.ts'
import { swap } from './swap.ts'

/** What a swap leaves: what was there before as a copy, where there was a sound database. */
export type Swapped = { readonly former?: InstantCopy; readonly notes: readonly string[] }

const lockSeconds = 10

/** Puts a copy in the place of `live`. Throws with the database as it was before. */
export async function swapIn(
  io: Io,
  live: string,
  copy: InstantCopy,
  beforeSwap: (() => Promise<void>) | undefined,
): Promise<Swapped> {
  const release = await lockOperations(io.signal, live, lockSeconds)
  try {
    const { name } = await ownCopy(live, copy)
    const why = await unfitness(name)
    if (why !== undefined) throw unfit(name, why)
    await beforeSwap?.()
    return await swapCopy(io, live, name)
  } finally {
    release()
  }
}

async function swapCopy(io: Io, live: string, copy: string): Promise<Swapped> {
  const wasWal = await usesWal(live)
  const former = await claimCopy(live, io.now())
  try {
    const notes = await swap(io.signal, live, copy, former)
    return sizeOf(former) < 0 ? { notes } : await kept(io, former, wasWal, notes)
  } finally {
    for (const path of [copy, former]) if (sizeOf(path) < 0) await forgetCopy(path)
  }
}

// The swap is done: what fails here is no failure of it. To be swapped, the former file gave up its WAL.
async function kept(io: Io, former: string, wasWal: boolean, notes: readonly string[]): Promise<Swapped> {
  try {
    if (wasWal) await useWal(io, former)
    return { former: await sealCopy(former), notes }
  } catch (error) {
    return { notes: [...notes, `what was there before is ${onOneLine(former)} (${messageOf(error)})`] }
  }
}

async function usesWal(live: string): Promise<boolean> {
  if (sizeOf(live) < headerBytes) return false
  return readHeader(await Bun.file(live).slice(0, headerBytes).bytes())?.wal === true
}

/** The copy as it is listed. Throws a `Failure` (40) when it is not one of `live`. */
export async function ownCopy(live: string, { name }: InstantCopy): Promise<InstantCopy> {
  const found = (await listCopies(live)).find((copy) => copy.name === name)
  if (found === undefined) throw unfit(name, 'it is no instant copy of this database, or not there any more')
  return found
}

function unfit(name: string, why: string): Failure {
  const what = `the instant copy ${onOneLine(name)} cannot be used; nothing was changed`
  return new Failure(exitCode.restoreFailed, { what, why: [why], next: ['restore a backup: restore-database'] })
}
