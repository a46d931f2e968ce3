import { type FileHandle, open } from 'node:fs/promises'
import type { BackupContent } from '../engine.ts'

/** Writes a backup's bytes into a new file of mode 0600 and syncs it. The whole never sits in memory. */
export async function writeContent(signal: AbortSignal, content: BackupContent, path: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    for await (const chunk of content()) {
      signal.throwIfAborted()
      await writeWhole(file, chunk)
    }
    await file.sync()
  } finally {
    await file.close()
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written)
    written += bytesWritten
  }
}
