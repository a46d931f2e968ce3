import type { Io } from '../../effects/io.ts'
import type { BackupContent, Finding } from '../engine.ts'
import { ScanReader } from './scan-reader.ts'

/** Reads a file that is not ours to its end, in constant memory. */
export async function scan(io: Io, content: BackupContent): Promise<readonly Finding[]> {
  const reader = new ScanReader()
  for await (const chunk of content()) {
    io.signal.throwIfAborted()
    reader.write(chunk)
  }
  return reader.end()
}
