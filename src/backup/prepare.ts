import type { Io } from '../effects/io.ts'
import type { Engine, InstantCopy, NothingToLose, ServerWrites, Session } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { messageOf } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { TargetRecord } from '../operation.ts'
import type { Options } from '../options.ts'
import { type Evidence, evidenceText } from '../target/production.ts'
import type { Candidate } from '../target/resolve.ts'
import { identityOf, urlOf } from '../target/target.ts'
import { type BackupRequest, backUp } from './back-up.ts'
import { readMark } from './change-mark.ts'
import { type BackupFolder, clearLeftovers, openFolder, sharedWithOthers } from './folder.ts'
import { markInUse } from './in-use.ts'
import { latestBackup } from './list.ts'
import { type Manifest, totalRows } from './manifest.ts'
import { proveOnce, sayProof } from './prove.ts'
import { type Made, provenSame } from './reuse.ts'
import { rotate, rotationRule } from './rotate.ts'
import { sayBackup } from './say-backup.ts'

/** How long one operation waits for another on the same database. */
const lockSeconds = 10

export type Protected = {
  readonly candidate: Candidate
  /** The backup, or why there was nothing to lose. */
  readonly outcome: { readonly backup: Made } | { readonly nothing: string }
  /** The instant copy that was kept with it. */
  readonly copy?: InstantCopy
  /** What the server had counted of writes when the backup was there; only where it was asked for. */
  readonly writes?: ServerWrites
}

export type ProtectRequest = {
  readonly folder: BackupFolder
  readonly options: Options
  readonly reason: string
  readonly guarded: Guarded
  /** Files that rotation must leave alone besides the new backup. */
  readonly protect?: readonly string[]
  /** A command runs next: what it writes beside is to be seen. */
  readonly watching?: boolean
  /** A command runs next, and needs it as the way back: it stays at least until this process ends. */
  readonly forCommand?: boolean
  /** Restore it into a scratch database first, and compare. */
  readonly prove?: boolean
}

/**
 * Backs up one candidate, verified, proven where that is asked for, and rotated, or says that there is nothing to lose.
 * Throws a `Failure` (11, 20, 30, 31, 40, 50), 20 before anything was written.
 */
export async function protect(io: Io, candidate: Candidate, request: ProtectRequest): Promise<Protected> {
  const made = await backUpCandidate(io, candidate, request)
  if ('nothing' in made.outcome) return made
  const { backup } = made.outcome
  const manifest = request.prove === true ? await proven(io, candidate, request, backup) : backup.manifest
  await rotateOut(io, candidate, request, backup)
  return { ...made, outcome: { backup: { ...backup, manifest } } }
}

async function backUpCandidate(io: Io, candidate: Candidate, request: ProtectRequest): Promise<Protected> {
  const engine = await loadEngine(candidate.target.engine)
  const session = await engine.connect(io, candidate.target)
  if (session.state === 'nothing') return { candidate, outcome: sayNothing(io, session) }
  try {
    await request.guarded.lookAt(candidate, session)
    const backup = await backUpSession(io, engine, session, candidate, request)
    const writes = request.watching ? await writesOf(session) : undefined
    return { candidate, outcome: { backup }, ...(writes === undefined ? {} : { writes }) }
  } finally {
    await session.close()
  }
}

/** The server's counters, where it has any and tells them: a courtesy, never a reason to fail. */
export async function writesOf(session: Session, earlier?: ServerWrites): Promise<ServerWrites | undefined> {
  return session.writes?.(earlier).catch(() => undefined)
}

function sayNothing(io: Io, { reason }: NothingToLose): { readonly nothing: string } {
  io.terminal.say(`Nothing to back up: ${reason}`)
  return { nothing: reason }
}

async function backUpSession(
  io: Io,
  engine: Engine,
  session: Session,
  candidate: Candidate,
  request: ProtectRequest,
): Promise<Made> {
  const { folder, options, reason } = request
  await openFolder(folder)
  const shared = await sharedWithOthers(folder)
  if (shared !== undefined) io.terminal.warn(shared)
  for (const line of await clearLeftovers(folder)) io.terminal.say(line)
  await session.lock(lockSeconds)
  const start = performance.now()
  const backup = await latestOrNew(io, session, {
    target: candidate.target,
    engine,
    folder,
    compress: options.compress,
    reason,
    alwaysDump: options.alwaysDump,
  })
  // Still under our lock: from here on others may rotate.
  if (request.forCommand === true) await markInUse(io, folder, backup.file)
  sayBackup(io, backup, folder, (performance.now() - start) / 1000)
  return backup
}

// The mark is read under our lock and before the dump's snapshot: what is changed in between is in the dump, and will be
// found changed next time all the same.
async function latestOrNew(
  io: Io,
  session: Session,
  request: BackupRequest & { readonly alwaysDump: boolean },
): Promise<Made> {
  const latest = await latestBackup(request.folder, identityOf(request.target), io.now())
  const mark = await readMark(session, latest?.manifest.changeMark)
  const changeMark = mark === undefined ? {} : { changeMark: mark.values }
  if (latest === undefined) return backUp(io, session, { ...request, ...changeMark })
  const same = request.alwaysDump ? undefined : await provenSame(io, latest, mark, request.reason)
  return same ?? backUp(io, session, { ...request, ...changeMark, latest })
}

async function proven(
  io: Io,
  { target }: Candidate,
  { folder }: ProtectRequest,
  { path, file, manifest }: Made,
): Promise<Manifest> {
  const shown = `${folder.shown}/${file}`
  const proof = await proveOnce(io, { path, shown, manifest, target })
  sayProof(io, proof)
  return proof.manifest
}

// The new backup is whole: that an old one cannot be removed must not keep the command from running.
async function rotateOut(io: Io, candidate: Candidate, request: ProtectRequest, backup: Made): Promise<void> {
  const { folder, options, protect = [] } = request
  try {
    const rule = rotationRule(options, io.now(), [backup.file, ...protect])
    const removed = await rotate(folder, identityOf(candidate.target), rule)
    for (const { backup: old, why } of removed) io.terminal.detail(`Rotated out ${old.file}: ${why.join(', ')}`)
  } catch (error) {
    io.terminal.warn(`Old backups in ${folder.shown} could not be removed (${messageOf(error)}); the new one is whole.`)
  }
}

/** What the journal and the report say of a protected candidate. */
export function targetRecord({ candidate, outcome, copy }: Protected, evidence: readonly Evidence[]): TargetRecord {
  const known = { url: urlOf(candidate.target), reason: candidate.reason, production: evidence.map(evidenceText) }
  if ('nothing' in outcome) return { ...known, nothing: outcome.nothing }
  return { ...known, ...backupRecord(outcome.backup), ...(copy === undefined ? {} : { copy: copy.name }) }
}

/** What they say of a backup. */
export function backupRecord({ file, manifest, reused }: Omit<Made, 'path'>): Partial<TargetRecord> {
  const { proven: since } = manifest
  return {
    backup: file,
    bytes: manifest.bytes,
    rows: totalRows(manifest.tables),
    ...(reused === undefined ? {} : { reused }),
    ...(since === undefined ? {} : { proven: since }),
  }
}
