import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { hashFile } from '../../src/effects/hash-file.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const unaborted = new AbortController().signal

describe('the hash of a file', () => {
  it.each([0, 1, 262_143, 262_144, 262_145, 3_000_000])('of %i bytes is its SHA-256', async (size) => {
    const path = join(temporaryFolder(), 'x')
    const bytes = randomBytes(size)
    writeFileSync(path, bytes)
    expect(await hashFile(unaborted, path)).toEqual({ sha256: Bun.SHA256.hash(bytes, 'hex'), bytes: size })
  })

  it('fails with the code of the system', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'folder'))
    await expect(hashFile(unaborted, join(folder, 'no'))).rejects.toMatchObject({ code: 'ENOENT' })
    await expect(hashFile(unaborted, join(folder, 'folder'))).rejects.toMatchObject({ code: 'EISDIR' })
  })

  it('ends at once when it is interrupted, before or while it reads', async () => {
    const path = join(temporaryFolder(), 'x')
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024))
    const controller = new AbortController()
    const hashing = hashFile(controller.signal, path)
    controller.abort(new Error('interrupted'))
    await expect(hashing).rejects.toThrow('interrupted')
    await expect(hashFile(controller.signal, path)).rejects.toThrow('interrupted')
  })
})
