import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { createGzip, createZstdCompress, constants as zlib } from 'node:zlib'
import { privateFile } from '../effects/files.ts'
import type { Compression } from '../options.ts'

/** What was stored: sizes in bytes, `sha256` of the stored file as hex. */
export type Stored = { readonly bytes: number; readonly storedBytes: number; readonly sha256: string }

/**
 * Writes chunks into a new private file at `path`, compressed as asked and hashed on the way. It is not synced yet.
 * The stream is never held as a whole: one chunk at a time. `onBytes` hears how many bytes came in so far.
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
  const counted = (chunk: Uint8Array) => {
    bytes += chunk.length
    onBytes(bytes)
  }
  for await (const chunk of compressed(chunks, compression, counted)) {
    hash.update(chunk)
    writeFully(file, chunk)
    storedBytes += chunk.length
  }
  return { bytes, storedBytes, sha256: hash.digest('hex') }
}

function writeFully(file: number, chunk: Uint8Array): void {
  for (let offset = 0; offset < chunk.length; ) offset += writeSync(file, chunk, offset)
}

async function* compressed(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
  counted: (chunk: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  if (compression === 'none') {
    for await (const chunk of chunks) {
      counted(chunk)
      yield chunk
    }
    return
  }
  yield* through(chunks, compressor(compression), counted)
}

function compressor(compression: 'zstd' | 'gzip') {
  if (compression === 'gzip') return createGzip({ level: 1 })
  // Level 1 is faster than the disk; the checksum finds a changed bit without our manifest too.
  return createZstdCompress({ params: { [zlib.ZSTD_c_compressionLevel]: 1, [zlib.ZSTD_c_checksumFlag]: 1 } })
}

async function* through(
  chunks: AsyncIterable<Uint8Array>,
  transform: ReturnType<typeof compressor>,
  counted: (chunk: Uint8Array) => void,
): AsyncIterable<Uint8Array> {
  const feeding = feed(chunks, transform, counted)
  // A failing source ends the transform: whoever reads it gets that error, and this promise is awaited below.
  feeding.catch((error) => transform.destroy(error))
  for await (const chunk of transform) yield chunk as Uint8Array
  await feeding
}

async function feed(
  chunks: AsyncIterable<Uint8Array>,
  transform: ReturnType<typeof compressor>,
  counted: (chunk: Uint8Array) => void,
): Promise<void> {
  for await (const chunk of chunks) {
    counted(chunk)
    if (transform.destroyed) return
    if (!transform.write(chunk)) await drained(transform)
  }
  transform.end()
}

// Whoever reads may stop (a full disk) while we wait: a destroyed stream never drains.
async function drained(transform: ReturnType<typeof compressor>): Promise<void> {
  await new Promise<void>((resolve) => {
    const go = () => {
      transform.off('drain', go)
      transform.off('close', go)
      resolve()
    }
    transform.on('drain', go)
    transform.on('close', go)
  })
}
