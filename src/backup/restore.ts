import { basename } from 'node:path'
import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { counted, shownSeconds } from '../effects/units.ts'
import type { Engine, Finding, RestoreOutcome } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { exitCode, Failure, HalfRestored } from '../failure.ts'
import type { Guarded } from '../guard.ts'
import type { Invocation } from '../invocation.ts'
import type { Options } from '../options.ts'
import type { Candidate } from '../target/resolve.ts'
import { urlOf } from '../target/target.ts'
import { confirmPlan } from './confirm.ts'
import { contentOf, foreignContentOf } from './content.ts'
import type { BackupFolder } from './folder.ts'
import { type Backup, isOf } from './list.ts'
import { type BackupFile, engineOfFile } from './locate.ts'
import { totalRows } from './manifest.ts'
import { protect } from './prepare.ts'
import { verifyBackup } from './verify.ts'
import { sayBefore, wayBackTo } from './way-back.ts'

export type RestoreTask = {
  readonly file: BackupFile
  readonly candidate: Candidate
  readonly folder: BackupFolder
  readonly options: Options
}

export type Restored = {
  readonly outcome: RestoreOutcome
  /** What was there before, where there was anything. */
  readonly safety?: Pick<Backup, 'file' | 'path'>
  readonly seconds: number
}

/** Whether the file can be what the target needs. Throws a `Failure` (20, 31) that says what is wrong with it. */
export async function examine(io: Io, { file, candidate }: RestoreTask): Promise<readonly Finding[]> {
  await requireEngine(file, candidate)
  if (file.manifest !== undefined) {
    await verifyBackup(io, file.path, file.shown, file.manifest)
    return []
  }
  const engine = await loadEngine(candidate.target.engine)
  const findings = await engine.scan(io, foreignContentOf(file.path, file.shown))
  const refused = findings.filter((finding) => finding.severity === 'refuse')
  if (refused.length > 0) throw refusedFile(file, refused)
  return findings
}

async function requireEngine(file: BackupFile, { target }: Candidate): Promise<void> {
  const engine = await engineOfFile(file, await firstBytes(file))
  if (engine === undefined || engine === target.engine) return
  throw new Failure(exitCode.refused, {
    what: `Refused: ${file.shown} is of ${engine}, and the target is ${target.engine}`,
    why: [`Target: ${urlOf(target)} (${target.source.label})`],
    next: ['Name the right database with --env-file FILE or SEATBELT_DATABASE_URL=….'],
  })
}

async function firstBytes(file: BackupFile): Promise<Uint8Array> {
  try {
    for await (const chunk of contentOf(file.path)()) return chunk
  } catch (error) {
    if (file.manifest === undefined) throw error // else the check against the manifest says more
  }
  return new Uint8Array()
}

function refusedFile(file: BackupFile, findings: readonly Finding[]): Failure {
  const notWhole = findings.some((finding) => finding.notWhole === true)
  return new Failure(notWhole ? exitCode.backupNotWhole : exitCode.refused, {
    what: `Refused: ${file.shown} has no manifest, and what is in it cannot be restored safely`,
    why: findings.map((finding) => finding.what),
    next: ['Choose a backup that has its manifest: restore-database lists them.'],
  })
}

/** Says what will be overwritten by what, and asks. Throws a `Failure` (20) without a yes. */
export async function confirmRestore(
  io: Io,
  task: RestoreTask,
  findings: readonly Finding[],
  again: string,
): Promise<void> {
  await confirmPlan(io, planText(task, findings), { yes: task.options.yes, again })
}

function planText({ file, candidate, folder }: RestoreTask, findings: readonly Finding[]): readonly string[] {
  const { target } = candidate
  return [
    `Restores    ${file.shown}  ${describe(file)}`,
    `overwrites  ${urlOf(target)}  (${candidate.reason})`,
    `A safety backup of what is there now goes to ${folder.shown}/ first.`,
    ...otherTarget(file, candidate).map((line) => `Attention: ${line}`),
    ...findings.map((finding) => `Attention: ${finding.what}`),
  ]
}

function describe({ manifest }: BackupFile): string {
  if (manifest === undefined) return '(no manifest: not made here)'
  const size = `${counted(manifest.tables.length, 'table')}, ${counted(totalRows(manifest.tables), 'row')}`
  return `(${size}; made ${new Date(manifest.createdAt).toLocaleString('sv-SE')} for: ${manifest.reason})`
}

function otherTarget({ manifest }: BackupFile, { target }: Candidate): readonly string[] {
  if (manifest === undefined || isOf(manifest, target)) return []
  return [`the backup is of another database: ${manifest.target}`]
}

/** Safety backup, then the engine's own way: beside, compared, swapped. Throws a `Failure` (11, 20, 30, 40, 50). */
export async function restoreBackup(io: Io, task: RestoreTask, guarded: Guarded): Promise<Restored> {
  const start = performance.now()
  const engine = await loadEngine(task.candidate.target.engine)
  const safety = await safetyBackup(io, task, guarded)
  io.signal.throwIfAborted()
  const outcome = await engineRestore(io, engine, task, { safety, guarded })
  return { outcome, ...(safety === undefined ? {} : { safety }), seconds: (performance.now() - start) / 1000 }
}

async function safetyBackup(io: Io, task: RestoreTask, guarded: Guarded): Promise<Restored['safety']> {
  const { file, candidate, folder, options } = task
  const reason = `before restore-database ${file.shown}`
  const request = { folder, options, reason, guarded, protect: [basename(file.path)] }
  try {
    const { outcome } = await protect(io, candidate, request)
    if ('nothing' in outcome) return undefined
    const { file, path } = outcome.backup // a manifest of many tables is large
    return { file, path }
  } catch (error) {
    if (!(error instanceof HalfRestored)) throw error
    io.terminal.warn(`${error.text.what}: no safety backup is taken of it`)
    return undefined
  }
}

async function engineRestore(
  io: Io,
  engine: Engine,
  { file, candidate }: RestoreTask,
  { safety, guarded }: { readonly safety: Restored['safety']; readonly guarded: Guarded },
): Promise<RestoreOutcome> {
  const progress = startProgress(io)
  try {
    return await engine.restore(io, {
      target: candidate.target,
      content: contentOf(file.path),
      ...(file.manifest === undefined ? {} : { tables: file.manifest.tables }),
      properties: file.manifest?.properties ?? {},
      ...(safety === undefined ? {} : { wayBack: contentOf(safety.path) }),
      step: (name) => progress.update(`restoring: ${name}`),
      beforeSwap: () => guarded.checkAgain(),
    })
  } finally {
    progress.stop()
  }
}

const ways: Readonly<Record<RestoreOutcome['way'], string>> = {
  swap: 'loaded beside, compared, swapped in',
  transaction: 'in one transaction',
  'in-place': 'loaded in place',
}

/** One sentence for what was restored, and how. */
export function restoredText(task: RestoreTask, { outcome, seconds }: Restored): string {
  const size = `${counted(outcome.tables.length, 'table')}, ${counted(totalRows(outcome.tables), 'row')}`
  return `Restored ${urlOf(task.candidate.target)} from ${task.file.shown} (${size}; ${ways[outcome.way]}; ${shownSeconds(seconds)})`
}

/** After a restore: the engine's notes and the way back to what was there before. */
export async function sayRestored(
  io: Io,
  invocation: Invocation,
  task: RestoreTask,
  restored: Restored,
): Promise<void> {
  const { operation } = invocation
  operation.restored = task.file.shown
  operation.notes.push(...restored.outcome.notes)
  for (const note of restored.outcome.notes) io.terminal.say(`  ${note}`)
  if (restored.safety === undefined) return
  const backup = `${task.folder.shown}/${restored.safety.file}`
  sayBefore(io, invocation, await wayBackTo(io, invocation, task.candidate, { backup }))
}
