import { basename } from 'node:path'
import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { counted, shownAge, shownSeconds } from '../effects/units.ts'
import type { Rehearsal } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { exitCode, Failure, messageOf } from '../failure.ts'
import type { Target } from '../target/target.ts'
import { contentOf } from './content.ts'
import type { BackupFile } from './locate.ts'
import { type Manifest, totalRows } from './manifest.ts'
import { type Proof, proofOf } from './proof.ts'
import { rewriteManifest } from './rewrite-manifest.ts'

/** A backup that is to be proven, and the database whose server has room for the scratch database. */
export type ProofTask = {
  readonly path: string
  /** How a person wrote it. */
  readonly shown: string
  readonly manifest: Manifest
  readonly target: Target
}

export type Proven = {
  /** As it is noted by now. */
  readonly manifest: Manifest
  /** One sentence for what was found. */
  readonly text: string
  /** What a person has to know of it. */
  readonly notes: readonly string[]
}

/**
 * Restores a backup into a scratch database, compares what is there with the manifest, and notes what came of it. Throws a
 * `Failure`: 31 where they differ, 11, 40 or 50 where it could not be tried.
 */
export async function prove(io: Io, task: ProofTask): Promise<Proven> {
  const start = performance.now()
  const rehearsal = await rehearse(io, task)
  const proof = proofOf(task.manifest, rehearsal)
  const manifest = await noteProof(io, task, proof)
  if (proof.differences.length > 0) throw differs(task, proof.differences)
  return { manifest, text: provenText(task, proof, (performance.now() - start) / 1000), notes: rehearsal.notes }
}

/** The same of a backup that may be proven already: then nothing is done but to say since when. */
export async function proveOnce(io: Io, task: ProofTask): Promise<Proven> {
  const { manifest, shown } = task
  if (manifest.proven === undefined) return prove(io, task)
  const age = shownAge((io.now().getTime() - Date.parse(manifest.proven)) / 1000)
  return { manifest, text: `Already proven (${age}): ${shown}`, notes: [] }
}

export function sayProof(io: Io, { text, notes }: Proven): void {
  io.terminal.say(`${io.terminal.style('green', '✓')} ${text}`)
  for (const note of notes) io.terminal.warn(`  ${note}`)
}

/** Throws a `Failure` (2) where there is nothing to hold a file against. */
export function requireManifest(file: BackupFile): asserts file is BackupFile & { readonly manifest: Manifest } {
  if (file.manifest !== undefined) return
  throw new Failure(exitCode.usage, {
    what: `${file.shown} has no manifest: there is nothing to compare it with`,
    next: ['restore-database lists the backups that have one.'],
  })
}

async function rehearse(io: Io, { path, manifest, target }: ProofTask): Promise<Rehearsal> {
  const engine = await loadEngine(target.engine)
  if (engine.rehearse === undefined)
    throw new Failure(exitCode.usage, { what: `Backups of ${target.engine} cannot be proven` })
  const progress = startProgress(io)
  try {
    return await engine.rehearse(io, {
      target,
      content: contentOf(path),
      tables: manifest.tables,
      properties: manifest.properties,
      step: (name) => progress.update(`proving: ${name}`),
    })
  } catch (error) {
    io.signal.throwIfAborted()
    throw error
  } finally {
    progress.stop()
  }
}

// That the note cannot be written (the file of somebody else) takes nothing from the proof.
async function noteProof(io: Io, { path, manifest }: ProofTask, proof: Proof): Promise<Manifest> {
  try {
    return await rewriteManifest(path, (now) => withProof(now, proof, io.now().toISOString()))
  } catch (error) {
    io.terminal.warn(`It could not be noted in the manifest of ${basename(path)} (${messageOf(error)}).`)
    return manifest
  }
}

/** A difference stands until it is proven; where rows were only counted, what was known before stands. */
function withProof(manifest: Manifest, { differences, counted: onlyCounted }: Proof, now: string): Manifest {
  const { proven: _proven, disproven: _disproven, ...others } = manifest
  if (differences.length > 0) return { ...others, disproven: now }
  return onlyCounted.length > 0 ? manifest : { ...others, proven: now }
}

function provenText({ shown, manifest }: ProofTask, proof: Proof, seconds: number): string {
  const size = `${counted(manifest.tables.length, 'table')}, ${counted(totalRows(manifest.tables), 'row')}`
  const done = `(${size}; ${shownSeconds(seconds)})`
  if (proof.counted.length === 0) return `Proven: ${shown} was restored beside, and is the same there ${done}`
  return `Restored beside and counted, but not proven: ${shown} ${done}; of ${firstOf(proof.counted)} there is no digest to compare`
}

function firstOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

const shownDifferences = 10

function differs({ shown }: ProofTask, differences: readonly string[]): Failure {
  const more = differences.length - shownDifferences
  return new Failure(exitCode.backupNotWhole, {
    what: `${shown} does not restore to what was dumped`,
    why: [...differences.slice(0, shownDifferences), ...(more > 0 ? [`and ${more} more`] : [])],
    next: [
      'It was tried in a scratch database; nothing else was touched, and nothing was run.',
      'Prove another backup: backup-database --prove makes one. restore-database lists those that are there.',
    ],
  })
}
