import { join } from 'node:path'
import { removeIfThere, syncFile } from '../effects/files.ts'
import { type FileHash, hashFile } from '../effects/hash-file.ts'
import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { shownBytes } from '../effects/units.ts'
import type { ChangeMark, DumpResult, Engine, Session, WrittenDump } from '../engines/engine.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import type { Compression } from '../options.ts'
import { type Target, urlOf } from '../target/target.ts'
import { toolVersion } from '../version.ts'
import { contentOf } from './content.ts'
import { type Stored, storeChunks } from './dump-stream.ts'
import { type BackupFolder, temporaryName } from './folder.ts'
import type { Backup } from './list.ts'
import { type Draft, publish } from './publish.ts'
import { type Made, sameContent, seeAgain } from './reuse.ts'

export type BackupRequest = {
  readonly target: Target
  readonly engine: Engine
  readonly folder: BackupFolder
  readonly compress: Compression
  /** Why it is made: `safe-test npm test`. */
  readonly reason: string
  /** What the server counted before: read under our lock, so that nothing of ours comes between it and the dump. */
  readonly changeMark?: ChangeMark['values']
  /** The newest backup of this target: it is kept instead, where the new one would hold the same. */
  readonly latest?: Backup
}

/** Makes one finished, verified backup of an open session. Throws a `Failure` (30); nothing is left behind then. */
export async function backUp(io: Io, session: Session, request: BackupRequest): Promise<Made> {
  const createdAt = io.now()
  const temporary = join(request.folder.path, temporaryName('dump'))
  try {
    const { result, store, drop } = await dumpInto(io, session, temporary, request)
    io.signal.throwIfAborted()
    const same = await keepLatest(io, request, result)
    if (same !== undefined) {
      drop?.()
      return same
    }
    const stored = await store()
    io.signal.throwIfAborted()
    return await publish(io, temporary, draftOf(createdAt, session, request, { result, stored }), request)
  } catch (error) {
    throw asDumpFailure(io, error)
  } finally {
    await removeIfThere(temporary)
    await removeIfThere(plainBeside(temporary))
  }
}

async function keepLatest(io: Io, request: BackupRequest, result: DumpResult): Promise<Made | undefined> {
  const { latest, engine } = request
  if (latest === undefined || !sameContent(latest.manifest, { ...result, engine: engine.name })) return undefined
  const seen = await seeAgain(io, latest, request)
  return seen === undefined ? undefined : { ...seen, reused: 'same content' }
}

function asDumpFailure(io: Io, error: unknown): unknown {
  if (io.signal.aborted) return io.signal.reason
  if (error instanceof Failure) return error
  const full = (error as NodeJS.ErrnoException).code === 'ENOSPC'
  return new Failure(
    exitCode.dumpFailed,
    {
      what: full ? 'The disk is full: no backup was made, and nothing was rotated' : 'The backup could not be written',
      why: [messageOf(error)],
      next: [
        full
          ? 'Free some space, use --compress zstd, or name another folder with --backup-dir.'
          : 'Look at the reason above; then run the same command again.',
      ],
    },
    error,
  )
}

type Dumped = {
  readonly result: DumpResult
  /** Puts the dump at its path, whole on the disk: the work that an unchanged database does not need. */
  readonly store: () => Promise<Stored>
  /** Ends what of that has begun already. */
  readonly drop?: () => void
}

async function dumpInto(io: Io, session: Session, path: string, { compress }: BackupRequest): Promise<Dumped> {
  const dump = await session.dump()
  if (dump.kind === 'file') return written(io, dump, path, compress)
  const progress = startProgress(io)
  try {
    const onBytes = progressOf(io, progress.update, session.server.sizeBytes)
    const stored = await storeChunks(dump.chunks, path, compress, onBytes)
    return { result: await dump.finish(), store: () => syncFile(path).then(() => stored) }
  } catch (error) {
    dump.cancel()
    throw error
  } finally {
    progress.stop()
  }
}

async function written(io: Io, dump: WrittenDump, path: string, compression: Compression): Promise<Dumped> {
  if (compression !== 'none') {
    const plain = plainBeside(path)
    const copy = await dump.write(plain)
    return { result: await copy.check(), store: () => storeFrom(io, plain, path, compression) }
  }
  const copy = await dump.write(path)
  // Beside the check: it has a thread of its own, and is mostly needed.
  const unneeded = new AbortController()
  const hashing = hashFile(AbortSignal.any([io.signal, unneeded.signal]), path)
  hashing.catch(() => undefined)
  return { result: await copy.check(), store: () => storedAsIs(path, hashing), drop: () => unneeded.abort() }
}

function plainBeside(temporary: string): string {
  return `${temporary.slice(0, -'.dump.tmp'.length)}0.dump.tmp`
}

async function storeFrom(io: Io, plain: string, path: string, compression: Compression): Promise<Stored> {
  const stored = await storeChunks(contentOf(plain)(), path, compression, () => io.signal.throwIfAborted())
  await syncFile(path)
  return stored
}

async function storedAsIs(path: string, hashing: Promise<FileHash>): Promise<Stored> {
  const [{ sha256, bytes }] = await Promise.all([hashing, syncFile(path)])
  return { bytes, storedBytes: bytes, sha256 }
}

// The share is an estimate: a dump holds no indexes, and text is not as wide as pages.
function progressOf(io: Io, update: (text: string) => void, total: number): (bytes: number) => void {
  const start = performance.now()
  let last = start
  return (bytes) => {
    io.signal.throwIfAborted()
    const now = performance.now()
    if (now - last < 100) return
    last = now
    update(progressText(bytes, (now - start) / 1000, total))
  }
}

/** `backing up: 120 MB, 60.0 MB/s, about 40 % of the database's 300 MB`; sizes in bytes. */
export function progressText(bytes: number, seconds: number, total: number): string {
  const rate = `${shownBytes(bytes / Math.max(seconds, 0.001))}/s`
  const share =
    total > 0
      ? `, about ${Math.min(Math.round((bytes / total) * 100), 99)} % of the database's ${shownBytes(total)}`
      : ''
  return `backing up: ${shownBytes(bytes)}, ${rate}${share}`
}

function draftOf(
  createdAt: Date,
  session: Session,
  request: BackupRequest,
  { result, stored }: { readonly result: DumpResult; readonly stored: Stored },
): Draft {
  return {
    version: 1,
    engine: request.engine.name,
    server: session.server.version,
    client: result.client,
    target: urlOf(request.target),
    createdAt: createdAt.toISOString(),
    reason: request.reason,
    ...stored,
    tables: result.tables,
    ...(result.schemaDigest === undefined ? {} : { schemaDigest: result.schemaDigest }),
    properties: result.properties,
    notes: result.notes,
    tool: toolVersion,
    ...(request.changeMark === undefined ? {} : { changeMark: request.changeMark }),
  }
}
