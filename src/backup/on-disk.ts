import { constants } from 'node:fs'
import { access, stat } from 'node:fs/promises'
import type { Io } from '../effects/io.ts'
import { messageOf } from '../failure.ts'
import type { Manifest, OnDisk } from './manifest.ts'
import { differenceOnDisk } from './verify.ts'

type DiskFacts = { readonly size: number; readonly onDisk: OnDisk }

/** What the file system says of a file that was hashed at `hashed`; size in bytes. Throws where it is not there. */
export async function diskFacts(path: string, hashed: Date): Promise<DiskFacts> {
  const { size, ino, mtimeNs } = await stat(path, { bigint: true })
  return {
    size: Number(size),
    onDisk: { inode: String(ino), modified: String(mtimeNs), hashed: hashed.toISOString() },
  }
}

/**
 * Whether a backup's file still is what its manifest says. Nobody wrote to a file with the inode and the time of writing that
 * were noted; any other is read and hashed, and every one is again after a week, for what a disk loses by itself.
 */
export async function stillWhole(
  io: Io,
  { path, manifest }: { readonly path: string; readonly manifest: Manifest },
): Promise<{ readonly onDisk: OnDisk } | { readonly problem: string }> {
  try {
    await access(path, constants.R_OK)
    const { size, onDisk } = await diskFacts(path, io.now())
    const untouched = size === manifest.storedBytes && isUntouched(manifest.onDisk, onDisk)
    if (untouched) return { onDisk: manifest.onDisk ?? onDisk }
    const problem = await differenceOnDisk(io, path, manifest)
    return problem === undefined ? { onDisk } : { problem }
  } catch (error) {
    io.signal.throwIfAborted()
    return { problem: `It cannot be read (${messageOf(error)}).` }
  }
}

const weekMilliseconds = 7 * 24 * 60 * 60 * 1000

function isUntouched(noted: OnDisk | undefined, now: OnDisk): boolean {
  if (noted === undefined || noted.inode !== now.inode || noted.modified !== now.modified) return false
  // A clock that went back tells nothing.
  const age = Date.parse(now.hashed) - Date.parse(noted.hashed)
  return age >= 0 && age < weekMilliseconds
}
