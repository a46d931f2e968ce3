import { provesUnchanged, readMark } from '../backup/change-mark.ts'
import type { Manifest } from '../backup/manifest.ts'
import { type Protected, writesOf } from '../backup/prepare.ts'
import type { Io } from '../effects/io.ts'
import { startProgress } from '../effects/progress.ts'
import { within } from '../effects/time-limit.ts'
import type { LiveTable, Session } from '../engines/engine.ts'
import { loadEngine } from '../engines/registry.ts'
import { Failure, messageOf } from '../failure.ts'
import type { TargetRecord } from '../operation.ts'
import { changesBetween, databaseGone } from './changes.ts'
import type { Readings } from './elsewhere.ts'

/** What the wrapped command left of one database, as the report has it, and what its server counted meanwhile. */
export type Aftermath = { readonly record: Comparison; readonly readings?: Readings }

type Comparison = Pick<TargetRecord, 'changes' | 'unchanged' | 'notCounted' | 'unchecked'>

// To connect, and for an engine to notice that its time is up.
const graceSeconds = 2

/**
 * Compares each database with its backup, in the order given; undefined where there was nothing to lose. Takes at most
 * `seconds` and a little, ends at once when we are interrupted, and never throws: the command has run, and its exit
 * code is what counts.
 */
export async function lookAfter(
  io: Io,
  protectedOnes: readonly Protected[],
  seconds: number,
): Promise<readonly (Aftermath | undefined)[]> {
  const progress = startProgress(io)
  progress.update('comparing with the backup')
  try {
    return await Promise.all(protectedOnes.map((one) => lookAt(io, one, seconds)))
  } finally {
    progress.stop()
  }
}

async function lookAt(io: Io, one: Protected, seconds: number): Promise<Aftermath | undefined> {
  const limit = seconds + graceSeconds
  const late = new Error(`no answer within ${limit} s`)
  try {
    return await within(io, limit, late, (limited) => compared(limited, one, seconds))
  } catch (error) {
    return { record: { unchecked: io.signal.aborted ? 'interrupted' : reasonOf(error) } }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Failure ? error.text.what : messageOf(error)
}

async function compared(io: Io, one: Protected, seconds: number): Promise<Aftermath | undefined> {
  if ('nothing' in one.outcome) return undefined
  const { target } = one.candidate
  const { manifest } = one.outcome.backup
  const engine = await loadEngine(target.engine)
  const session = await engine.connect(io, target)
  if (session.state === 'nothing') return { record: { changes: [databaseGone(manifest.tables)] } }
  try {
    const record = (await isUnchanged(session, manifest)) ? unchanged : await counted(session, manifest, seconds)
    const after = one.writes && (await writesOf(session, one.writes))
    return { record, ...(one.writes && after && { readings: { target, before: one.writes, after } }) }
  } finally {
    await session.close()
  }
}

const unchanged: Comparison = { changes: [], unchanged: true }

// Sooner known than counted, where the server can tell.
async function isUnchanged(session: Session, { changeMark }: Manifest): Promise<boolean> {
  return changeMark !== undefined && provesUnchanged(changeMark, await readMark(session, changeMark))
}

async function counted(session: Session, { tables }: Manifest, seconds: number): Promise<Comparison> {
  const live = await session.contents?.(seconds)
  return live === undefined ? {} : { changes: changesBetween(tables, live), ...estimatedOnes(live) }
}

function estimatedOnes(live: readonly LiveTable[]): Pick<TargetRecord, 'notCounted'> {
  const names = live.filter(({ estimated }) => estimated).map(({ name }) => name)
  return names.length === 0 ? {} : { notCounted: names }
}
