import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  claimName,
  ensurePrivateFolder,
  exists,
  readIfThere,
  removeIfThere,
  sizeOf,
  writeSynced,
} from '../../src/effects/files.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const modeOf = (path: string) => statSync(path).mode & 0o777

describe('a private folder', () => {
  it('is made for its user alone, and git leaves it out', async () => {
    const folder = join(temporaryFolder(), 'a/b')
    await ensurePrivateFolder(folder)
    expect(modeOf(folder)).toBe(0o700)
    expect(readFileSync(join(folder, '.gitignore'), 'utf8')).toBe('*\n!.gitignore\n')
  })

  it('that is there stays as it is', async () => {
    const folder = temporaryFolder({ 'x/keep': '' })
    await ensurePrivateFolder(join(folder, 'x'))
    expect(readdirSync(join(folder, 'x'))).toEqual(['keep'])
  })

  it('cannot stand where a file is', async () => {
    await expect(ensurePrivateFolder(join(temporaryFolder({ x: '' }), 'x'))).rejects.toThrow(/EEXIST|ENOTDIR/)
  })
})

describe('a name', () => {
  it('is claimed for a finished file', async () => {
    const folder = temporaryFolder({ tmp: 'new' })
    expect(await claimName(join(folder, 'tmp'), join(folder, 'x'))).toBe(true)
    expect(readdirSync(folder)).toEqual(['x'])
  })

  it.each<[string, (path: string) => void]>([
    ['a file', (path) => writeFileSync(path, 'old')],
    ['a folder', (path) => mkdirSync(path)],
    ['a link to nowhere', (path) => symlinkSync('/nowhere', path)],
  ])('that %s has is never taken', async (_, put) => {
    const folder = temporaryFolder({ tmp: 'new' })
    put(join(folder, 'x'))
    expect(await claimName(join(folder, 'tmp'), join(folder, 'x'))).toBe(false)
    expect(readFileSync(join(folder, 'tmp'), 'utf8')).toBe('new')
    expect(await exists(join(folder, 'x'))).toBe(true)
  })
})

describe('small files', () => {
  it('are written whole, for their user alone', async () => {
    const path = join(temporaryFolder(), 'x')
    await writeSynced(path, 'long text')
    await writeSynced(path, 'text')
    expect(readFileSync(path, 'utf8')).toBe('text')
    expect(modeOf(path)).toBe(0o600)
  })

  it('may not be there', async () => {
    const path = join(temporaryFolder(), 'x')
    expect([await exists(path), await sizeOf(path), await readIfThere(path)]).toEqual([false, undefined, undefined])
    await removeIfThere(path)
  })

  it('that cannot be read are told', async () => {
    await expect(readIfThere(temporaryFolder())).rejects.toThrow(/EISDIR/)
  })
})
