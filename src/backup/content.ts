import { open, stat } from 'node:fs/promises'
import { createGunzip, createZstdDecompress } from 'node:zlib'
import { collectWhenLarge } from '../effects/memory.ts'
import { shownBytes } from '../effects/units.ts'
import type { BackupContent } from '../engines/engine.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import { compressionOf } from './names.ts'
import { madeAtOnce, through } from './through.ts'
import { holdsWholeFrames } from './zstd-frames.ts'

/** A backup's bytes as they were dumped, read and decompressed anew on each call. Throws a `Failure` (31) where that cannot be done. */
export function contentOf(path: string): BackupContent {
  const compression = compressionOf(path)
  return compression === 'none' ? () => read(path) : () => decompressed(path, compression)
}

/**
 * The same of a file whose maker is not known: a bomb, a small file that decompresses without end, is refused (20).
 * Zeros compress about 1,000 to 1 with gzip; a real dump of that ratio that is large can be decompressed by hand.
 */
export function foreignContentOf(path: string, shown: string): BackupContent {
  const content = contentOf(path)
  return compressionOf(path) === 'none' ? content : () => withoutBomb(content(), path, shown)
}

const bomb = { ratio: 200, bytes: 256 << 20 }

async function* withoutBomb(
  chunks: AsyncIterable<Uint8Array>,
  path: string,
  shown: string,
): AsyncGenerator<Uint8Array> {
  const { size } = await stat(path)
  let bytes = 0
  for await (const chunk of chunks) {
    bytes += chunk.length
    if (bytes > bomb.bytes && bytes > size * bomb.ratio) throw refusedBomb(shown, size)
    yield chunk
  }
}

function refusedBomb(shown: string, size: number): Failure {
  return new Failure(exitCode.refused, {
    what: `Refused: ${shown} decompresses to more than ${bomb.ratio} times its size, as files do that are made to fill a disk`,
    why: [`It has ${shownBytes(size)}, and more than ${shownBytes(bomb.bytes)} came out of it.`],
    next: ['If you trust it, decompress it yourself and restore that file.'],
  })
}

const readAtOnce = 1 << 20

async function* read(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafeSlow(readAtOnce)
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, readAtOnce)
      if (bytesRead === 0) return
      collectWhenLarge()
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}

async function* decompressed(path: string, compression: 'zstd' | 'gzip'): AsyncGenerator<Uint8Array> {
  if (compression === 'zstd' && !(await holdsWholeFrames(path))) throw notWhole(path, 'the zstd data is cut off')
  const chunkSize = madeAtOnce
  const decompressor = compression === 'zstd' ? createZstdDecompress({ chunkSize }) : createGunzip({ chunkSize })
  try {
    yield* through(read(path), decompressor)
  } catch (error) {
    throw notWhole(path, messageOf(error))
  }
}

function notWhole(path: string, why: string): Failure {
  return new Failure(exitCode.backupNotWhole, {
    what: `${path} cannot be decompressed: it is not whole`,
    why: [why],
    next: ['Choose another backup: restore-database lists them.'],
  })
}
