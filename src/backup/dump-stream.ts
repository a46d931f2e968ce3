import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { createGzip, createZstdCompress, constants as zlib } from 'node:zlib'
import { privateFile } from '../effects/files.ts'
import type { Compression } from '../options.ts'
import { madeAtOnce, through } from './through.ts'

/** What was stored: sizes in bytes, `sha256` of the stored file as hex. */
export type Stored = { readonly bytes: number; readonly storedBytes: number; readonly sha256: string }

/**
 * Writes chunks into a new private file at `path`, compressed as asked and hashed on the way. It is not synced yet.
 * The stream is never held as a whole: one chunk at a time, good only until the next is asked for. `onBytes` hears how many bytes came in so far.
 */
export async function storeChunks(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  compression: Compression,
  onBytes: (bytes: number) => void,
): Promise<Stored> {
  const file = openSync(path, 'wx', privateFile)
  try {
    return await writeAll(chunks, file, compression, onBytes)
  } finally {
    closeSync(file)
  }
}

async function writeAll(
  chunks: AsyncIterable<Uint8Array>,
  file: number,
  compression: Compression,
  onBytes: (bytes: number) => void,
): Promise<Stored> {
  const hash = createHash('sha256')
  let bytes = 0
  let storedBytes = 0
  const counted = counting(chunks, (more) => {
    bytes += more
    onBytes(bytes)
  })
  for await (const chunk of compression === 'none' ? counted : through(counted, compressor(compression))) {
    hash.update(chunk)
    writeFully(file, chunk)
    storedBytes += chunk.length
  }
  return { bytes, storedBytes, sha256: hash.digest('hex') }
}

function writeFully(file: number, chunk: Uint8Array): void {
  for (let offset = 0; offset < chunk.length; ) offset += writeSync(file, chunk, offset)
}

async function* counting(
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    onChunk(chunk.length)
    yield chunk
  }
}

function compressor(compression: 'zstd' | 'gzip') {
  const chunkSize = madeAtOnce
  if (compression === 'gzip') return createGzip({ level: 1, chunkSize })
  // Level 1 is faster than the disk; the checksum finds a changed bit without our manifest too.
  const params = { [zlib.ZSTD_c_compressionLevel]: 1, [zlib.ZSTD_c_checksumFlag]: 1 }
  return createZstdCompress({ params, chunkSize })
}
