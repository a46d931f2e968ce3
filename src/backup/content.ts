import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { BackupContent } from '../engines/engine.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import { compressionOf } from './names.ts'
import { holdsWholeFrames } from './zstd-frames.ts'

/** A backup's bytes as they were dumped, read and decompressed anew on each call. Throws a `Failure` (31) where that cannot be done. */
export function contentOf(path: string): BackupContent {
  const compression = compressionOf(path)
  return compression === 'none' ? () => read(path) : () => decompressed(path, compression)
}

function read(path: string): ReturnType<typeof createReadStream> & AsyncIterable<Uint8Array> {
  return createReadStream(path, { highWaterMark: 1 << 20 })
}

async function* decompressed(path: string, compression: 'zstd' | 'gzip'): AsyncGenerator<Uint8Array> {
  if (compression === 'zstd' && !(await holdsWholeFrames(path))) throw notWhole(path, 'the zstd data is cut off')
  const decompressor = compression === 'zstd' ? createZstdDecompress() : createGunzip()
  const file = read(path)
  file.on('error', (error) => decompressor.destroy(error))
  try {
    for await (const chunk of file.pipe(decompressor)) yield chunk as Uint8Array
  } catch (error) {
    throw notWhole(path, messageOf(error))
  } finally {
    file.destroy()
  }
}

function notWhole(path: string, why: string): Failure {
  return new Failure(exitCode.backupNotWhole, {
    what: `${path} cannot be decompressed: it is not whole`,
    why: [why],
    next: ['Choose another backup: restore-database lists them.'],
  })
}
