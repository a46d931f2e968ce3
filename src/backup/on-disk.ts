import { stat } from 'node:fs/promises'
import type { OnDisk } from './manifest.ts'

export type DiskFacts = { readonly size: number; readonly onDisk: OnDisk }

/** What the file system says of a file that was hashed at `hashed`. Throws where it is not there. */
export async function diskFacts(path: string, hashed: Date): Promise<DiskFacts> {
  const { size, ino, mtimeNs } = await stat(path, { bigint: true })
  return {
    size: Number(size),
    onDisk: { inode: String(ino), modified: String(mtimeNs), hashed: hashed.toISOString() },
  }
}
