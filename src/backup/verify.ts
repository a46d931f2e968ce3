import { exitCode, Failure } from '../failure.ts'
import { hashFile } from './dump-stream.ts'
import type { Manifest } from './manifest.ts'

/** Reads the whole file and compares it with its manifest. Throws a `Failure` (31) when one byte is not as it was. */
export async function verifyBackup(path: string, shown: string, manifest: Manifest): Promise<void> {
  const { sha256, bytes } = await hashFile(path)
  if (bytes !== manifest.storedBytes) {
    throw notWhole(shown, `It has ${bytes} bytes; its manifest says ${manifest.storedBytes}.`)
  }
  if (sha256 !== manifest.sha256)
    throw notWhole(shown, 'Its SHA-256 is not the one in its manifest: its bytes have changed.')
}

function notWhole(shown: string, why: string): Failure {
  return new Failure(exitCode.backupNotWhole, {
    what: `${shown} is not whole; nothing was restored`,
    why: [why],
    next: ['Choose another backup: restore-database lists them.'],
  })
}
