import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, watch } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type BackupFolder, clearLeftovers } from '../../src/backup/folder.ts'
import { listBackups } from '../../src/backup/list.ts'
import { type Manifest, readManifest } from '../../src/backup/manifest.ts'
import { rewriteManifest } from '../../src/backup/rewrite-manifest.ts'
import { emptyFolder, makeBackup } from './made.ts'

const proven = '2026-11-20T11:00:00.000Z'

function oneBackup() {
  const folder = emptyFolder()
  makeBackup(folder, { file: 'a.sql' })
  return { folder, path: join(folder.path, 'a.sql') }
}

function namesIn(folder: BackupFolder): readonly string[] {
  return readdirSync(folder.path).toSorted()
}

describe('a manifest that is written anew', () => {
  it('holds the change, and all that was there', async () => {
    const { folder, path } = oneBackup()
    const before = await readManifest(path)
    const manifest = await rewriteManifest(path, (now) => ({ ...now, proven }))
    expect(before).toMatchObject({ state: 'read' })
    expect(manifest).toEqual({ ...('manifest' in before ? before.manifest : {}), proven })
    expect(await readManifest(path)).toEqual({ state: 'read', manifest })
    expect(namesIn(folder)).toEqual(['a.sql', 'a.sql.json'])
  })

  it('loses no change of another who writes in turns with it', async () => {
    const { path } = oneBackup()
    for (let count = 1; count <= 20; count++) {
      const seenAgain = { at: proven, count, reason: 'x' }
      await rewriteManifest(path, (now) => ({ ...now, ...(count % 2 === 0 ? { seenAgain } : { proven }) }))
    }
    expect(await readManifest(path)).toMatchObject({ manifest: { proven, seenAgain: { count: 20 } } })
  })

  it('stays its owner’s', async () => {
    const { path } = oneBackup()
    chmodSync(`${path}.json`, 0o640)
    if (process.getuid?.() === 0) chownSync(`${path}.json`, 4711, 4712)
    const { uid, gid, mode } = statSync(`${path}.json`)
    await rewriteManifest(path, (now) => ({ ...now, proven }))
    expect(statSync(`${path}.json`)).toMatchObject({ uid, gid, mode })
    expect(await readManifest(path)).toMatchObject({ manifest: { proven } })
  })

  it('is as it was when nothing comes of the change', async () => {
    const { folder, path } = oneBackup()
    const before = readFileSync(`${path}.json`, 'utf8')
    const change = () => {
      throw new Error('no')
    }
    await expect(rewriteManifest(path, change)).rejects.toThrow('no')
    expect(readFileSync(`${path}.json`, 'utf8')).toBe(before)
    expect(namesIn(folder)).toEqual(['a.sql', 'a.sql.json'])
  })

  it('leaves nothing else behind when it cannot have its name', async () => {
    const { folder, path } = oneBackup()
    const inTheWay = (now: Manifest) => {
      rmSync(`${path}.json`)
      mkdirSync(`${path}.json/in-the-way`, { recursive: true })
      return now
    }
    await expect(rewriteManifest(path, inTheWay)).rejects.toThrow()
    expect(namesIn(folder)).toEqual(['a.sql', 'a.sql.json'])
  })

  it('is not made where there is none', async () => {
    const { folder, path } = oneBackup()
    rmSync(`${path}.json`)
    await expect(rewriteManifest(path, (now) => now)).rejects.toMatchObject({ code: 31 })
    expect(namesIn(folder)).toEqual(['a.sql'])
  })
})

const rewriting = `
  const { rewriteManifest } = await import(${JSON.stringify(join(import.meta.dirname, '../../src/backup/rewrite-manifest.ts'))})
  for (let count = 1; ; count++) await rewriteManifest(process.argv[1], (now) => ({ ...now, seenAgain: { at: now.createdAt, count, reason: 'x' } }))`

/** Rewrites the manifest again and again in a process of its own, until that is killed at its `step`th step in the folder. */
async function killedAt(step: number, { folder, path }: ReturnType<typeof oneBackup>): Promise<void> {
  const child = Bun.spawn([process.execPath, '-e', rewriting, path], { stdin: 'ignore', stderr: 'inherit' })
  let seen = 0
  const watcher = watch(folder.path, () => {
    if (++seen === step) child.kill('SIGKILL')
  })
  onTestFinished(() => watcher.close())
  await child.exited
  watcher.close()
}

it('a kill at any step of it leaves the backup and a manifest', async () => {
  const made = oneBackup()
  for (let step = 1; step <= 12; step++) {
    await killedAt(step, made)
    expect((await listBackups(made.folder)).map(({ file }) => file)).toEqual(['a.sql'])
    await clearLeftovers(made.folder)
    expect(namesIn(made.folder)).toEqual(['a.sql', 'a.sql.json'])
    expect(await readManifest(made.path)).toMatchObject({ state: 'read' })
  }
})
