import {
  chmodSync,
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type BackupRequest, backUp, progressText } from '../../src/backup/back-up.ts'
import type { BackupFolder } from '../../src/backup/folder.ts'
import { listBackups } from '../../src/backup/list.ts'
import { readManifest } from '../../src/backup/manifest.ts'
import type { Made } from '../../src/backup/reuse.ts'
import { rotate } from '../../src/backup/rotate.ts'
import { verifyBackup } from '../../src/backup/verify.ts'
import type { DumpResult, Engine, Session, WrittenCopy } from '../../src/engines/engine.ts'
import { exitCode, Failure } from '../../src/failure.ts'
import type { Compression } from '../../src/options.ts'
import { Secret } from '../../src/target/secret.ts'
import { identityOf, type Target } from '../../src/target/target.ts'
import { listeningIo } from '../listening-io.ts'
import { emptyFolder, makeBackup } from './made.ts'

const source = { kind: 'env-file', label: '.env', keys: ['DATABASE_URL'], labels: {} } as const
const target: Target = {
  engine: 'postgres',
  host: 'db',
  port: 5432,
  database: 'shop',
  user: 'app',
  password: new Secret('geheim'),
  parameters: {},
  source,
}
const at = new Date(2026, 10, 20, 23, 20, 58)
const plainName = 'database_shop_2026-11-20_23-20-58.sql'
const result: DumpResult = {
  client: 'pg_dump 15.20',
  tables: [{ name: 'public.users', rows: 2, digest: '00000000000000aa', columns: ['id bigint'] }],
  schemaDigest: 'abc',
  properties: { encoding: 'UTF8' },
  notes: ['a note'],
}

/** An engine's room without its server: what it dumps is told. */
function session(
  dump: Partial<{
    chunks: () => AsyncIterable<Uint8Array>
    finish: () => Promise<DumpResult>
    write: (path: string) => Promise<WrittenCopy>
    cancelled: () => void
  }>,
): Session {
  const { chunks = () => pieces('one ', 'two'), finish = async () => result, write, cancelled = () => undefined } = dump
  const made =
    write === undefined
      ? { kind: 'stream' as const, chunks: chunks(), finish, cancel: cancelled }
      : { kind: 'file' as const, write }
  return {
    state: 'open',
    server: { version: '15.20', sizeBytes: 100, tables: 1 },
    lock: async () => undefined,
    client: async () => undefined,
    mark: async () => undefined,
    dump: async () => made,
    close: async () => undefined,
  }
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text)
}

async function writeWhole(path: string): Promise<WrittenCopy> {
  writeFileSync(path, 'one two', { flag: 'wx', mode: 0o600 })
  return { check: async () => result }
}

const engineFailure = new Failure(exitCode.dumpFailed, { what: 'no trailer' })

async function writeUnfit(path: string): Promise<WrittenCopy> {
  const copy = await writeWhole(path)
  return { ...copy, check: () => Promise.reject(engineFailure) }
}

async function* failing(error: unknown): AsyncGenerator<Uint8Array> {
  yield Buffer.from('half')
  throw error
}

function request(compress: Compression = 'none', folder = emptyFolder()): BackupRequest {
  const engine = { name: 'postgres', extension: 'sql' } as Engine
  return { target, engine, folder, compress, reason: 'safe-test npm test' }
}

const io = listeningIo({ now: () => at })

describe('a backup', () => {
  it.each<[Compression, string, (bytes: Buffer) => Buffer]>([
    ['none', plainName, (bytes) => bytes],
    ['zstd', `${plainName}.zst`, (bytes) => zstdDecompressSync(bytes)],
    ['gzip', `${plainName}.gz`, (bytes) => gunzipSync(bytes)],
  ])('with %s is a file, its manifest, and nothing else', async (compress, file, plain) => {
    for (const dump of [session({}), session({ write: writeWhole })]) {
      const asked = request(compress)
      const backup = await backUp(io, dump, asked)
      expect(readdirSync(asked.folder.path).toSorted()).toEqual([file, `${file}.json`])
      const stored = readFileSync(backup.path)
      expect(plain(stored).toString()).toBe('one two')
      expect(statSync(backup.path).mode & 0o777).toBe(0o600)
      expect(statSync(`${backup.path}.json`).mode & 0o777).toBe(0o600)
      expect(await readManifest(backup.path)).toEqual({ state: 'read', manifest: backup.manifest })
      expect(backup.manifest).toMatchObject({
        file,
        engine: 'postgres',
        bytes: 7,
        storedBytes: stored.length,
        createdAt: at.toISOString(),
        ...result,
      })
      await verifyBackup(io, backup.path, file, backup.manifest)
    }
  })

  it('notes what the server counted before, and what the file system says of the file', async () => {
    const asked = { ...request(), changeMark: { inserted: '12' } }
    const { path, manifest } = await backUp(io, session({}), asked)
    const { ino, mtimeNs } = statSync(path, { bigint: true })
    expect(manifest).toMatchObject({
      changeMark: { inserted: '12' },
      onDisk: { inode: String(ino), modified: String(mtimeNs), hashed: at.toISOString() },
    })
    expect((await backUp(io, session({}), request())).manifest).not.toHaveProperty('changeMark')
  })

  it('holds no password', async () => {
    const backup = await backUp(io, session({}), request())
    expect(readFileSync(`${backup.path}.json`, 'utf8')).not.toContain('geheim')
    expect(backup.manifest.target).toBe('postgres://app@db:5432/shop')
  })

  it('of no bytes is one all the same, if its engine says that it is whole', async () => {
    const backup = await backUp(io, session({ chunks: () => pieces() }), request())
    expect(backup.manifest).toMatchObject({ bytes: 0, storedBytes: 0 })
  })

  it('never takes a name that is there', async () => {
    const folder = emptyFolder()
    writeFileSync(join(folder.path, plainName), 'foreign')
    writeFileSync(join(folder.path, plainName.replace('.sql', '-2.sql.json')), 'lost manifest')
    const backup = await backUp(io, session({}), request('none', folder))
    expect(backup.file).toBe(plainName.replace('.sql', '-3.sql'))
    expect(readFileSync(join(folder.path, plainName), 'utf8')).toBe('foreign')
  })

  it('is made by several runs within one second', async () => {
    const folder = emptyFolder()
    const made = await Promise.all(
      Array.from({ length: 6 }, (_, index) =>
        backUp(io, session({ chunks: () => pieces(`dump ${index}`) }), request('none', folder)),
      ),
    )
    expect(new Set(made.map(({ file }) => file)).size).toBe(6)
    for (const { path, file, manifest } of made) await verifyBackup(io, path, file, manifest)
    expect(await listBackups(folder)).toHaveLength(6)
  })
})

/** Two backups, the second two minutes later with the first as the latest; `harm` comes between. */
async function twice(
  second: Session,
  options: { compress?: Compression; harm?: (first: Made) => void; days?: number },
) {
  const { compress = 'none', harm = () => undefined, days = 0 } = options
  const folder = emptyFolder()
  const latest = await backUp(io, session({}), request('none', folder))
  harm(latest)
  const now = new Date(at.getTime() + 120_000 + days * 86_400_000)
  const later = listeningIo({ now: () => now })
  const asked = { ...request(compress, folder), latest, changeMark: { inserted: '12' }, reason: 'later' }
  return { folder, first: latest, second: await backUp(later, second, asked), heard: later.heard, now }
}

/** Other bytes, and nothing that the file system could tell of it. */
function alterUnseen({ path }: Made): void {
  const { atimeNs, mtimeNs } = statSync(path, { bigint: true })
  writeFileSync(path, 'one twO')
  const seconds = (time: bigint) => `@${time / 1_000_000_000n}.${String(time % 1_000_000_000n).padStart(9, '0')}`
  Bun.spawnSync(['touch', '-a', '-d', seconds(atimeNs), path])
  Bun.spawnSync(['touch', '-m', '-d', seconds(mtimeNs), path])
}

describe('a backup of what did not change', () => {
  it.each<[string, Compression, () => Session]>([
    ['a stream', 'none', () => session({ chunks: () => pieces('another header, one two') })],
    ['a stream, compressed this time', 'zstd', () => session({})],
    ['a file', 'none', () => session({ write: writeWhole })],
    ['a file, compressed this time', 'gzip', () => session({ write: writeWhole })],
  ])('is the one that is there: %s', async (_, compress, dump) => {
    const { folder, first, second } = await twice(dump(), { compress })
    const { reused, ...kept } = second
    expect({ file: kept.file, reused }).toEqual({ file: first.file, reused: 'same content' })
    expect(readdirSync(folder.path).toSorted()).toEqual([plainName, `${plainName}.json`])
    await verifyBackup(io, first.path, first.file, kept.manifest)
    expect(await listBackups(folder)).toEqual([kept])
  })

  it('is noted in the manifest of that one', async () => {
    const { first, second, folder, now } = await twice(session({}), {})
    const seenAgain = { at: now.toISOString(), count: 1, reason: 'later' }
    expect(second.manifest).toEqual({ ...first.manifest, seenAgain, changeMark: { inserted: '12' } })
    const third = await backUp(io, session({}), { ...request('none', folder), latest: second })
    expect(third.manifest).toMatchObject({ seenAgain: { count: 2 }, changeMark: { inserted: '12' } })
  })

  it('may have another time and place on the disk', async () => {
    const copied = ({ path }: Made) => {
      cpSync(path, `${path}.copy`)
      renameSync(`${path}.copy`, path)
    }
    const { first, second } = await twice(session({}), { harm: copied })
    expect(second).toMatchObject({ file: first.file, reused: 'same content' })
    expect(second.manifest.onDisk).not.toEqual(first.manifest.onDisk)
    expect(second.manifest.onDisk?.inode).toBe(String(statSync(first.path).ino))
  })

  it.each<[string, (first: Made) => void, readonly RegExp[]]>([
    ['has other bytes', ({ path }) => writeFileSync(path, 'one twO'), [/is not whole any more.*SHA-256/]],
    ['was cut', ({ path }) => writeFileSync(path, 'one'), [/is not whole any more.*3 bytes/]],
    ['went away', ({ path }) => unlinkSync(path), [/is not whole any more.*cannot be read/]],
    ['lost its manifest', ({ path }) => unlinkSync(`${path}.json`), []],
  ])('is a new one when the file that is there %s', async (_, harm, said) => {
    const { first, second, heard } = await twice(session({}), { harm })
    expect(second.file).not.toBe(first.file)
    expect(second).not.toHaveProperty('reused')
    expect(heard).toEqual(said.map((text) => expect.stringMatching(text)))
    await verifyBackup(io, second.path, second.file, second.manifest)
  })

  it('trusts what the file system says for a week, and then reads the file', async () => {
    const soon = await twice(session({}), { harm: alterUnseen, days: 6 })
    expect(soon.second.reused).toBe('same content')
    const { second, heard } = await twice(session({}), { harm: alterUnseen, days: 7 })
    expect(second).not.toHaveProperty('reused')
    expect(heard).toEqual([expect.stringMatching(/is not whole any more/)])
    expect((await twice(session({}), { harm: alterUnseen, days: -1 })).second).not.toHaveProperty('reused')
  })
})

describe('a dump that fails leaves nothing behind', () => {
  it.each<[string, Parameters<typeof session>[0], Compression, object]>([
    ['when its client fails at the end', { finish: () => Promise.reject(engineFailure) }, 'none', engineFailure],
    [
      'when its client fails at the end, compressed',
      { finish: () => Promise.reject(engineFailure) },
      'zstd',
      engineFailure,
    ],
    [
      'when its stream breaks',
      { chunks: () => failing(new Error('broken pipe')) },
      'none',
      { code: 30, text: { why: ['broken pipe'] } },
    ],
    [
      'when its stream breaks, compressed',
      { chunks: () => failing(new Error('broken pipe')) },
      'gzip',
      { code: 30, text: { why: ['broken pipe'] } },
    ],
    [
      'when the disk is full',
      { chunks: () => failing(Object.assign(new Error('full'), { code: 'ENOSPC' })) },
      'none',
      { code: 30, text: { what: expect.stringMatching(/disk is full/) } },
    ],
    [
      'when the engine writes half a file',
      {
        write: async (path) => {
          writeFileSync(path, 'half')
          throw engineFailure
        },
      },
      'none',
      engineFailure,
    ],
    [
      'when the engine writes half a file, compressed',
      {
        write: async (path) => {
          writeFileSync(path, 'half')
          throw engineFailure
        },
      },
      'zstd',
      engineFailure,
    ],
    ['when the engine writes no file', { write: async () => ({ check: async () => result }) }, 'none', { code: 30 }],
    ['when the written file does not pass its check', { write: writeUnfit }, 'none', engineFailure],
    ['when the written file does not pass its check, compressed', { write: writeUnfit }, 'zstd', engineFailure],
  ])('%s', async (_, dump, compress, error) => {
    const asked = request(compress)
    makeBackup(asked.folder, { file: 'earlier.sql' })
    await expect(backUp(io, session(dump), asked)).rejects.toMatchObject(error)
    expect(readdirSync(asked.folder.path).toSorted()).toEqual(['earlier.sql', 'earlier.sql.json'])
  })

  it('when the written file is cut before it has its name', async () => {
    const asked = request()
    const cut = async () => {
      const [temporary = ''] = readdirSync(asked.folder.path)
      writeFileSync(join(asked.folder.path, temporary), 'on')
      return result
    }
    await expect(backUp(io, session({ finish: cut }), asked)).rejects.toMatchObject({
      code: 30,
      text: { what: expect.stringMatching(/another size/) },
    })
    expect(readdirSync(asked.folder.path)).toEqual([])
  })

  it('when the user interrupts, whatever fails then, and the client is ended', async () => {
    const interruption = new Failure(exitCode.interrupted, { what: 'Interrupted' })
    const controller = new AbortController()
    let ended = 0
    async function* slow() {
      yield Buffer.from('half')
      controller.abort(interruption)
      throw new Error('the client was killed')
    }
    const asked = request('zstd')
    const dump = session({ chunks: slow, cancelled: () => void ended++ })
    await expect(backUp({ ...io, signal: controller.signal }, dump, asked)).rejects.toBe(interruption)
    expect(readdirSync(asked.folder.path)).toEqual([])
    expect(ended).toBe(1)
  })

  it('when the folder goes away', async () => {
    const folder = { path: '/nowhere/backups', shown: 'backups' }
    await expect(backUp(io, session({}), request('none', folder))).rejects.toMatchObject({ code: 30 })
  })
})

async function rotated(folder: BackupFolder, of: Target, keep: number, protect: readonly string[]) {
  const rule = { keep, keepDaily: 0, keepWeekly: 0, keepMonthly: 0, protect, now: new Date(2027, 0) }
  return (await rotate(folder, identityOf(of), rule)).map(({ backup }) => backup.file)
}

describe('rotating a folder', () => {
  const hour = (hours: number) => `2026-11-20T${String(hours).padStart(2, '0')}:00:00.000Z`
  const of = (database: string) => `postgres://someone@db:5432/${database}`

  it('removes old backups of this database with their manifests, and touches nothing else', async () => {
    const folder = emptyFolder()
    for (const [file, database, hours] of [
      ['a1.sql', 'shop', 1],
      ['a2.sql', 'shop', 2],
      ['a3.sql', 'shop', 3],
      ['t1.sql', 'shop_test', 1],
      ['s1.sql', 'sho', 1],
    ] as const)
      makeBackup(folder, { file, target: of(database), createdAt: hour(hours) })
    for (const name of ['foreign.sql', 'orphan.sql.json', 'journal.jsonl']) writeFileSync(join(folder.path, name), '{}')
    makeBackup(folder, { file: 'cut.sql', target: of('shop'), createdAt: hour(0) })
    writeFileSync(join(folder.path, 'cut.sql'), '')
    unlinkSync(join(folder.path, 'a2.sql.json'))
    expect(await rotated(folder, target, 1, [])).toEqual(['a1.sql'])
    const left = [
      'a2.sql',
      'a3.sql',
      'a3.sql.json',
      'cut.sql',
      'cut.sql.json',
      'foreign.sql',
      'journal.jsonl',
      'orphan.sql.json',
    ]
    expect(readdirSync(folder.path).toSorted()).toEqual(
      [...left, 's1.sql', 's1.sql.json', 't1.sql', 't1.sql.json'].toSorted(),
    )
  })

  it('keeps the new one when the clock went back', async () => {
    const folder = emptyFolder()
    makeBackup(folder, { file: 'old.sql', target: of('shop'), createdAt: hour(20) })
    makeBackup(folder, { file: 'new.sql', target: of('shop'), createdAt: hour(1) })
    expect(await rotated(folder, target, 1, ['new.sql'])).toEqual([])
    expect(await rotated(folder, { ...target, user: 'other' }, 1, [])).toEqual(['new.sql'])
  })

  it('counts a hostile name as itself', async () => {
    const folder = emptyFolder()
    const hostile: Target = { ...target, database: "a'b/../c\n?@#%2F" }
    for (let count = 0; count < 3; count++) {
      await backUp(listeningIo({ now: () => new Date(at.getTime() + count * 1000) }), session({}), {
        ...request('none', folder),
        target: hostile,
      })
    }
    expect(await rotated(folder, hostile, 2, [])).toHaveLength(1)
    expect(await rotated(folder, target, 1, [])).toEqual([])
    expect(identityOf(hostile)).not.toBe(identityOf(target))
  })

  it('passes over a manifest that cannot be read', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder.path, 'x.sql.json'))
    writeFileSync(join(folder.path, 'x.sql'), '')
    makeBackup(folder, { file: 'root.sql' })
    chmodSync(join(folder.path, 'root.sql.json'), 0o000)
    expect(await rotated(folder, target, 1, [])).toEqual([])
  })
})

describe('progress', () => {
  it.each([
    [120_000_000, 2, 300_000_000, "backing up: 120 MB, 60.0 MB/s, about 40 % of the database's 300 MB"],
    [500, 1, 100, "backing up: 500 B, 500 B/s, about 99 % of the database's 100 B"],
    [0, 0, 0, 'backing up: 0 B, 0 B/s'],
  ])('of %d bytes in %d s of %d is said', (bytes, seconds, total, text) => {
    expect(progressText(bytes, seconds, total)).toBe(text)
  })
})
