import { createReadStream } from 'node:fs'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import type { BackupContent } from '../engines/engine.ts'
import { compressionOf } from './names.ts'

/** A backup's bytes as they were dumped, read and decompressed anew on each call. */
export function contentOf(path: string): BackupContent {
  return () => {
    const file = createReadStream(path, { highWaterMark: 1 << 20 })
    const compression = compressionOf(path)
    if (compression === 'none') return file as AsyncIterable<Uint8Array>
    const decompressor = compression === 'zstd' ? createZstdDecompress() : createGunzip()
    file.on('error', (error) => decompressor.destroy(error))
    return file.pipe(decompressor) as AsyncIterable<Uint8Array>
  }
}
