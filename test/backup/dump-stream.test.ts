import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { contentOf } from '../../src/backup/content.ts'
import { storeChunks } from '../../src/backup/dump-stream.ts'
import { verifyBackup } from '../../src/backup/verify.ts'
import { listeningIo } from '../listening-io.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { makeBackup } from './made.ts'

const endings = { none: '.sql', zstd: '.sql.zst', gzip: '.sql.gz' } as const

/** As a dump comes: each chunk is good only until the next is asked for. */
async function* chunksOf(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.length; offset += size) {
    const chunk = Buffer.from(bytes.subarray(offset, offset + size))
    yield chunk
    chunk.fill(0)
  }
}

async function collected(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const chunk of chunks) parts.push(Buffer.from(chunk))
  return Buffer.concat(parts)
}

describe.each(['none', 'zstd', 'gzip'] as const)('a stream stored with %s', (compression) => {
  const path = () => join(temporaryFolder(), `x${endings[compression]}`)

  it.each<[string, Buffer, number]>([
    ['nothing', Buffer.alloc(0), 1],
    ['one byte', Buffer.from('x'), 1],
    ['text', Buffer.from('zeile\n'.repeat(300_000)), 65_536],
    ['noise', randomBytes(3_000_000), 100_003],
    ['small pieces', randomBytes(5000), 7],
  ])('is read back: %s', async (_, bytes, size) => {
    const file = path()
    const heard: number[] = []
    const stored = await storeChunks(chunksOf(bytes, size), file, compression, (count) => void heard.push(count))
    expect((await collected(contentOf(file)())).equals(bytes)).toBe(true)
    expect((await collected(contentOf(file)())).equals(bytes)).toBe(true)
    const onDisk = readFileSync(file)
    expect(stored).toEqual({
      bytes: bytes.length,
      storedBytes: onDisk.length,
      sha256: createHash('sha256').update(onDisk).digest('hex'),
    })
    expect(heard.at(-1) ?? 0).toBe(bytes.length)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('never overwrites a file', async () => {
    const file = path()
    writeFileSync(file, 'old')
    await expect(storeChunks(chunksOf(Buffer.from('new'), 1), file, compression, () => undefined)).rejects.toThrow(
      /EEXIST/,
    )
    expect(readFileSync(file, 'utf8')).toBe('old')
  })

  it('fails as its source does, and as its listener does', async () => {
    async function* broken() {
      yield randomBytes(1_000_000)
      throw new Error('the source broke')
    }
    await expect(storeChunks(broken(), path(), compression, () => undefined)).rejects.toThrow('the source broke')
    const refuse = () => {
      throw new Error('interrupted')
    }
    await expect(storeChunks(chunksOf(randomBytes(100), 10), path(), compression, refuse)).rejects.toThrow(
      'interrupted',
    )
  })

  it('is not read when it is not there', async () => {
    await expect(collected(contentOf(path())())).rejects.toThrow()
  })
})

describe.each(['zstd', 'gzip'] as const)('a backup stored with %s', (compression) => {
  it.each([0, 1, 10, 0.5, -1])('that was cut to %d cannot be read as if it were whole', async (length) => {
    const file = join(temporaryFolder(), `x${endings[compression]}`)
    const { storedBytes } = await storeChunks(
      chunksOf(randomBytes(300_000), 65_536),
      file,
      compression,
      () => undefined,
    )
    truncateSync(file, length < 0 ? storedBytes + length : length < 1 ? Math.floor(storedBytes * length) : length)
    await expect(collected(contentOf(file)())).rejects.toThrow()
  })

  it('with a changed byte cannot be read', async () => {
    const file = join(temporaryFolder(), `x${endings[compression]}`)
    await storeChunks(chunksOf(Buffer.from('zeile\n'.repeat(5000)), 1000), file, compression, () => undefined)
    const bytes = readFileSync(file)
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    writeFileSync(file, bytes)
    await expect(collected(contentOf(file)())).rejects.toThrow()
  })
})

describe('verifying', () => {
  it.each<[string, string, RegExp | undefined]>([
    ['the same bytes', 'dump', undefined],
    ['a changed byte', 'dumq', /SHA-256/],
    ['a byte less', 'dum', /It has 3 bytes; its manifest says 4/],
    ['a byte more', 'dumpx', /It has 5 bytes/],
    ['nothing', '', /It has 0 bytes/],
  ])('%s', async (_, bytes, why) => {
    const folder = { path: temporaryFolder(), shown: 'backups' }
    const manifest = makeBackup(folder, { file: 'x.sql' })
    const path = join(folder.path, 'x.sql')
    writeFileSync(path, bytes)
    const verified = verifyBackup(listeningIo(), path, 'x.sql', manifest)
    if (why === undefined) await verified
    else await expect(verified).rejects.toMatchObject({ code: 31, text: { why: [expect.stringMatching(why)] } })
  })
})
