import type { Io } from '../effects/io.ts'
import type { ChangeMark, DumpResult } from '../engines/engine.ts'
import { Failure, messageOf } from '../failure.ts'
import type { EngineName } from '../target/target.ts'
import { toolVersion } from '../version.ts'
import { provesUnchanged } from './change-mark.ts'
import type { Backup } from './list.ts'
import type { Manifest } from './manifest.ts'
import { stillWhole } from './on-disk.ts'
import { rewriteManifest } from './rewrite-manifest.ts'

/** Why a backup that was there before is as good as a new one. */
export type Reused = 'same content' | 'nothing changed'

/** The backup of an operation; `reused`: it was there before, and still holds what is in the database now. */
export type Made = Backup & { readonly reused?: Reused }

type Content = Pick<DumpResult, 'tables' | 'schemaDigest' | 'properties'> & { readonly engine: EngineName }

/** Whether two dumps hold the same, as their digests say. */
export function sameContent(before: Manifest, now: Content): boolean {
  const known = contentKey(before)
  return known !== undefined && known === contentKey(now) && mayStand(before)
}

/**
 * The newest backup, where the server proves that nothing was changed since before its dump began, and its file is still
 * whole; undefined: a dump is needed.
 */
export async function provenSame(
  io: Io,
  latest: Backup,
  now: ChangeMark | undefined,
  reason: string,
): Promise<Made | undefined> {
  if (now?.unsettled !== undefined) io.terminal.detail(`A dump is made to be sure: ${now.unsettled}`)
  if (!provesUnchanged(latest.manifest.changeMark, now) || !mayStand(latest.manifest)) return undefined
  const seen = await seeAgain(io, latest, { reason })
  return seen === undefined ? undefined : { ...seen, reused: 'nothing changed' }
}

// Another version of this tool may dump more, or count otherwise.
function mayStand({ tool, disproven }: Manifest): boolean {
  return tool === toolVersion && disproven === undefined
}

/** All that a dump holds, as a text; undefined where a digest is missing. */
function contentKey({ engine, tables, schemaDigest, properties }: Content): string | undefined {
  if (schemaDigest === undefined || tables.some(({ digest }) => digest === undefined)) return undefined
  const rows = tables.map(({ name, rows: count, digest, columns }) => [name, count, digest, columns])
  return JSON.stringify([engine, schemaDigest, sorted(rows), sorted(Object.entries(properties))])
}

function sorted<T extends readonly unknown[]>(named: readonly T[]): readonly T[] {
  return named.toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1))
}

type Seeing = { readonly reason: string; readonly changeMark?: ChangeMark['values'] }

/**
 * Notes in the manifest of a backup that the database still holds the same. Undefined where it is no backup any more: its
 * file is not what was written, which is said, or its manifest is gone.
 */
export async function seeAgain(io: Io, backup: Backup, seeing: Seeing): Promise<Backup | undefined> {
  const whole = await stillWhole(io, backup)
  if ('problem' in whole) {
    io.terminal.warn(`${backup.file} is not whole any more, so another backup is made. ${whole.problem}`)
    return undefined
  }
  try {
    const manifest = await rewriteManifest(backup.path, (now) => seenAgain({ ...now, ...whole }, seeing, io.now()))
    return { ...backup, manifest }
  } catch (error) {
    if (error instanceof Failure) return undefined
    io.terminal.warn(
      `The manifest of ${backup.file} could not be written (${messageOf(error)}); nothing else is affected.`,
    )
    return backup
  }
}

// The mark of now says as much as the one of then, and is the one that the server will still show next time.
function seenAgain(manifest: Manifest, { reason, changeMark }: Seeing, now: Date): Manifest {
  const count = (manifest.seenAgain?.count ?? 0) + 1
  const mark = changeMark === undefined ? {} : { changeMark }
  return { ...manifest, ...mark, seenAgain: { at: now.toISOString(), count, reason } }
}
