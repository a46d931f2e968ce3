import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { claimName, exists, removeIfThere, syncFile, syncFolder, writeSynced } from '../effects/files.ts'
import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { shownBytes } from '../effects/units.ts'
import type { DumpResult, Engine, Session } from '../engines/engine.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import type { Compression } from '../options.ts'
import { identityOf, type Target, urlOf } from '../target/target.ts'
import { toolVersion } from '../version.ts'
import { contentOf } from './content.ts'
import { hashFile, type Stored, storeChunks } from './dump-stream.ts'
import { type BackupFolder, temporaryName } from './folder.ts'
import { type Backup, identityOfBackup, listBackups } from './list.ts'
import { type Manifest, manifestText } from './manifest.ts'
import { backupFileName, manifestName } from './names.ts'
import { diskFacts } from './on-disk.ts'
import { planRotation } from './rotation.ts'

export type BackupRequest = {
  readonly target: Target
  readonly engine: Engine
  readonly folder: BackupFolder
  readonly compress: Compression
  /** Why it is made: `safe-test npm test`. */
  readonly reason: string
  /** What the server counted before: read under our lock, so that nothing of ours comes between it and the dump. */
  readonly changeMark?: Readonly<Record<string, string>>
}

/** Makes one finished, verified backup of an open session. Throws a `Failure` (30); nothing is left behind then. */
export async function backUp(io: Io, session: Session, request: BackupRequest): Promise<Backup> {
  const createdAt = io.now()
  const temporary = join(request.folder.path, temporaryName('dump'))
  try {
    const dumped = await dumpInto(io, session, temporary, request)
    io.signal.throwIfAborted()
    return await publish(temporary, { createdAt, hashed: io.now() }, session, request, dumped)
  } catch (error) {
    throw asDumpFailure(io, error)
  } finally {
    await removeIfThere(temporary)
  }
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

type Dumped = { readonly result: DumpResult; readonly stored: Stored }

async function dumpInto(io: Io, session: Session, path: string, request: BackupRequest): Promise<Dumped> {
  const dump = await session.dump()
  const progress = startProgress(io)
  try {
    if (dump.kind === 'file') return await written(io, dump.write, path, request.compress)
    const onBytes = progressOf(io, progress.update, session.server.sizeBytes)
    const stored = await storeChunks(dump.chunks, path, request.compress, onBytes)
    return { stored, result: await dump.finish() }
  } catch (error) {
    if (dump.kind === 'stream') dump.cancel()
    throw error
  } finally {
    progress.stop()
  }
}

async function written(
  io: Io,
  write: (path: string) => Promise<DumpResult>,
  path: string,
  compression: Compression,
): Promise<Dumped> {
  if (compression === 'none') return { result: await write(path), stored: await storedAsIs(path) }
  const plain = `${path.slice(0, -'.dump.tmp'.length)}0.dump.tmp`
  try {
    const result = await write(plain)
    return {
      result,
      stored: await storeChunks(contentOf(plain)(), path, compression, () => io.signal.throwIfAborted()),
    }
  } finally {
    await removeIfThere(plain)
  }
}

async function storedAsIs(path: string): Promise<Stored> {
  const [{ sha256, bytes }] = await Promise.all([hashFile(path), syncFile(path)])
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

type Times = { readonly createdAt: Date; readonly hashed: Date }

/** Gives the finished dump its name, then its manifest, each step durable before the next. */
async function publish(
  temporary: string,
  { createdAt, hashed }: Times,
  session: Session,
  request: BackupRequest,
  dumped: Dumped,
): Promise<Backup> {
  const { size, onDisk } = await diskFacts(temporary, hashed)
  requireSize(size, dumped.stored.storedBytes)
  for (let attempt = 1; ; attempt++) {
    const file = backupFileName(request.target, request.engine.extension, request.compress, createdAt, attempt)
    const manifest = { ...manifestFor(file, createdAt, session, request, dumped), onDisk }
    if (await publishAs(temporary, manifest, request.folder)) {
      return { file, path: join(request.folder.path, file), manifest }
    }
  }
}

function requireSize(size: number, expected: number): void {
  if (size === expected) return
  throw new Failure(exitCode.dumpFailed, {
    what: 'The backup on the disk has another size than what was written: it was thrown away',
    why: [`${expected} bytes were written, ${size} bytes are there.`],
  })
}

// The manifest waits beside under a temporary name: a run that is killed between the two renames is completed by the next.
async function publishAs(temporary: string, manifest: Manifest, folder: BackupFolder): Promise<boolean> {
  const waiting = join(folder.path, temporaryName('manifest'))
  const path = join(folder.path, manifest.file)
  try {
    if (await exists(manifestName(path))) return false
    await writeSynced(waiting, manifestText(manifest))
    if (!(await claimName(temporary, path))) return false
    await completeAs(path, waiting, folder)
    return true
  } finally {
    await removeIfThere(waiting)
  }
}

// A failure between the two names must not leave a file that looks like a backup and is none.
async function completeAs(path: string, waiting: string, folder: BackupFolder): Promise<void> {
  try {
    await syncFolder(folder.path)
    await rename(waiting, manifestName(path))
    await syncFolder(folder.path)
  } catch (error) {
    await removeIfThere(path)
    await removeIfThere(manifestName(path))
    throw error
  }
}

function manifestFor(
  file: string,
  createdAt: Date,
  session: Session,
  request: BackupRequest,
  dumped: Dumped,
): Manifest {
  return {
    version: 1,
    file,
    engine: request.engine.name,
    server: session.server.version,
    client: dumped.result.client,
    target: urlOf(request.target),
    createdAt: createdAt.toISOString(),
    reason: request.reason,
    ...dumped.stored,
    tables: dumped.result.tables,
    ...(dumped.result.schemaDigest === undefined ? {} : { schemaDigest: dumped.result.schemaDigest }),
    properties: dumped.result.properties,
    notes: dumped.result.notes,
    tool: toolVersion,
    ...(request.changeMark === undefined ? {} : { changeMark: request.changeMark }),
  }
}

/** Removes what is beyond the last `keep` backups of this database; only after a new one was verified. Returns the names. */
export async function rotate(
  folder: BackupFolder,
  target: Target,
  rule: { readonly keep: number; readonly protect: readonly string[] },
): Promise<readonly string[]> {
  const backups = await listBackups(folder)
  const kept = backups.map(({ file, manifest }) => ({
    file,
    identity: identityOfBackup(manifest),
    createdAt: manifest.createdAt,
    storedBytes: manifest.storedBytes,
  }))
  const { remove } = planRotation(kept, { identity: identityOf(target), ...rule })
  for (const { file } of remove) await removeBackup(folder, file)
  return remove.map(({ file }) => file)
}

// The manifest waits under a temporary name meanwhile: a kill in between leaves a backup that the next run completes again,
// or nothing, and never a file that has a backup's name without being one.
async function removeBackup(folder: BackupFolder, file: string): Promise<void> {
  const path = join(folder.path, file)
  const waiting = join(folder.path, temporaryName('manifest'))
  await rename(manifestName(path), waiting)
  await removeIfThere(path)
  await removeIfThere(waiting)
}
