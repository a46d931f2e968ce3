import { hashFile } from '../effects/hash-file.ts'
import type { Io } from '../effects/io.ts'
import { exitCode, Failure } from '../failure.ts'
import type { Manifest } from './manifest.ts'

/** Reads the whole file and compares it with its manifest. Throws a `Failure` (31) when one byte is not as it was. */
export async function verifyBackup(io: Io, path: string, shown: string, manifest: Manifest): Promise<void> {
  const difference = await differenceOnDisk(io, path, manifest)
  if (difference === undefined) return
  throw new Failure(exitCode.backupNotWhole, {
    what: `${shown} is not whole; nothing was restored`,
    why: [difference],
    next: ['Choose another backup: restore-database lists them.'],
  })
}

/** What differs between a file's bytes and its manifest, as a sentence; undefined: nothing. */
export async function differenceOnDisk(io: Io, path: string, manifest: Manifest): Promise<string | undefined> {
  const { sha256, bytes } = await hashFile(io.signal, path)
  if (bytes !== manifest.storedBytes) return `It has ${bytes} bytes; its manifest says ${manifest.storedBytes}.`
  return sha256 === manifest.sha256 ? undefined : 'Its SHA-256 is not the one in its manifest: its bytes have changed.'
}
