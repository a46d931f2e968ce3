import { readIfThere } from '../effects/files.ts'
import type { TableRows } from '../engines/engine.ts'
import { messageOf } from '../failure.ts'
import type { EngineName } from '../target/target.ts'
import { problemOf, soundNotes } from './manifest-fields.ts'
import { manifestName } from './names.ts'

/** What stands beside a backup and makes it one. Sizes in bytes; `sha256` is of the stored file, so `sha256sum` checks it. */
export type Manifest = ManifestNotes & {
  readonly version: 1
  readonly file: string
  readonly engine: EngineName
  readonly server: string
  readonly client: string
  /** The target's URL without its password. */
  readonly target: string
  /** UTC, ISO 8601. */
  readonly createdAt: string
  readonly reason: string
  /** Before compression. */
  readonly bytes: number
  /** On the disk. */
  readonly storedBytes: number
  readonly sha256: string
  readonly tables: readonly TableRows[]
  /** Of all in the dump that is no row. */
  readonly schemaDigest?: string
  /** What the engine needs besides the dump to make the database anew. */
  readonly properties: Readonly<Record<string, string>>
  readonly notes: readonly string[]
  /** The version of db-seatbelt. */
  readonly tool: string
}

/** What only saves work, or is only told: a backup without it is as good. */
export type ManifestNotes = {
  readonly onDisk?: OnDisk
  /** What the server counted before the dump began: as long as it counts the same, nothing was changed. */
  readonly changeMark?: Readonly<Record<string, string>>
  readonly seenAgain?: SeenAgain
  /** When it was restored into a scratch database, and every table was as it was dumped. UTC, ISO 8601. */
  readonly proven?: string
  /** When it was restored into a scratch database, and something was not as it was dumped. UTC, ISO 8601. */
  readonly disproven?: string
}

/** What the file system said of the file when its SHA-256 was computed: while it says the same, nobody wrote to it. */
export type OnDisk = {
  readonly inode: string
  /** Nanoseconds since 1970. */
  readonly modified: string
  /** When it was hashed. UTC, ISO 8601. */
  readonly hashed: string
}

/** The last time that the database still held what is in this backup, and no other was kept. */
export type SeenAgain = {
  /** UTC, ISO 8601. */
  readonly at: string
  readonly count: number
  /** Why a backup was wanted that time: `safe-test npm test`. */
  readonly reason: string
}

export type ManifestReading =
  | { readonly state: 'read'; readonly manifest: Manifest }
  | { readonly state: 'absent' }
  | { readonly state: 'broken'; readonly problem: string }

/** Reads the manifest beside a backup file. */
export async function readManifest(backupPath: string): Promise<ManifestReading> {
  try {
    const text = await readIfThere(manifestName(backupPath))
    return text === undefined ? { state: 'absent' } : parseManifest(text)
  } catch (error) {
    // One manifest that belongs to root must not hide all the others.
    return { state: 'broken', problem: `cannot be read (${messageOf(error)})` }
  }
}

export function parseManifest(text: string): ManifestReading {
  try {
    const value: unknown = JSON.parse(text)
    const problem = problemOf(value)
    return problem === undefined
      ? { state: 'read', manifest: withDefaults(value as Manifest) }
      : { state: 'broken', problem }
  } catch (error) {
    return { state: 'broken', problem: `is not valid JSON (${messageOf(error)})` }
  }
}

function withDefaults({ onDisk, changeMark, seenAgain, proven, disproven, ...fields }: Manifest): Manifest {
  const notes = soundNotes({ onDisk, changeMark, seenAgain, proven, disproven })
  return { ...fields, properties: fields.properties ?? {}, notes: fields.notes ?? [], ...notes }
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

export function totalRows(tables: readonly TableRows[]): number {
  return tables.reduce((sum, table) => sum + table.rows, 0)
}
