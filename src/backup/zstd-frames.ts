import { type FileHandle, open } from 'node:fs/promises'

const frameMagic = 0xfd2fb528
const skippableMagic = 0x184d2a5
const checksumBytes = 4

/**
 * Whether a file is nothing but whole zstd frames (RFC 8878). Bun's decompressor ends a cut-off stream without a word,
 * as if it had been whole. Only headers are read.
 */
export async function holdsWholeFrames(path: string): Promise<boolean> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    let at = 0
    while (at < size) at = await endOfFrame(file, at)
    return size > 0 && at === size
  } finally {
    await file.close()
  }
}

/** The position after a frame; infinite where it has no end. */
async function endOfFrame(file: FileHandle, start: number): Promise<number> {
  const header = await bytesAt(file, start, 8)
  if (header === undefined) return Number.POSITIVE_INFINITY
  if (header.readUInt32LE() >>> 4 === skippableMagic) return start + 8 + header.readUInt32LE(4)
  if (header.readUInt32LE() !== frameMagic) return Number.POSITIVE_INFINITY
  const descriptor = header.readUInt8(4)
  const end = await endOfBlocks(file, start + 5 + fieldBytes(descriptor))
  return end + ((descriptor & 4) === 0 ? 0 : checksumBytes)
}

/** What stands between a frame's descriptor and its first block: window, dictionary and content size. */
function fieldBytes(descriptor: number): number {
  const singleSegment = (descriptor & 0x20) !== 0
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0
  const contentSize = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >>> 6] ?? 0
  return (singleSegment ? 0 : 1) + dictionary + contentSize
}

async function endOfBlocks(file: FileHandle, start: number): Promise<number> {
  for (let at = start; ; ) {
    const header = (await bytesAt(file, at, 3))?.readUIntLE(0, 3)
    if (header === undefined) return Number.POSITIVE_INFINITY
    const isOneRepeatedByte = ((header >>> 1) & 3) === 1
    at += 3 + (isOneRepeatedByte ? 1 : header >>> 3)
    if ((header & 1) === 1) return at
  }
}

async function bytesAt(file: FileHandle, position: number, length: number): Promise<Buffer | undefined> {
  const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, position)
  return bytesRead === length ? buffer : undefined
}
