import { readIfThere } from '../effects/files.ts'
import type { TableRows } from '../engines/engine.ts'
import { messageOf } from '../failure.ts'
import type { EngineName } from '../target/target.ts'
import { manifestName } from './names.ts'

/** What stands beside a backup and makes it one. Sizes in bytes; `sha256` is of the stored file, so `sha256sum` checks it. */
export type Manifest = {
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
  /** What the engine needs besides the dump to make the database anew. */
  readonly properties: Readonly<Record<string, string>>
  readonly notes: readonly string[]
  /** The version of db-seatbelt. */
  readonly tool: string
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

function withDefaults(manifest: Manifest): Manifest {
  return { ...manifest, properties: manifest.properties ?? {}, notes: manifest.notes ?? [] }
}

const texts = ['file', 'server', 'client', 'target', 'createdAt', 'reason', 'sha256', 'tool'] as const
const numbers = ['bytes', 'storedBytes'] as const

function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is not a manifest'
  const fields = value as Record<string, unknown>
  if (fields['version'] !== 1) return `has version ${JSON.stringify(fields['version'])}; this tool reads version 1`
  const badText = texts.find((key) => typeof fields[key] !== 'string')
  const badNumber = numbers.find((key) => !Number.isSafeInteger(fields[key]) || Number(fields[key]) < 0)
  const bad = badText ?? badNumber
  if (bad !== undefined) return `lacks "${bad}"`
  if (!isEngine(fields['engine'])) return `names the engine ${JSON.stringify(fields['engine'])}`
  if (String(fields['file']).includes('/')) return 'names a file outside its folder'
  if (Number.isNaN(Date.parse(String(fields['createdAt'])))) return 'has no date in "createdAt"'
  return isTables(fields['tables']) ? undefined : 'has no list of tables'
}

function isEngine(value: unknown): value is EngineName {
  return value === 'postgres' || value === 'mysql' || value === 'sqlite'
}

function isTables(value: unknown): value is readonly TableRows[] {
  return (
    Array.isArray(value) && value.every((table) => typeof table?.name === 'string' && Number.isSafeInteger(table?.rows))
  )
}

export function manifestText(manifest: Manifest): string {
  return `${JSON.stringify(manifest, null, 2)}\n`
}

export function totalRows(tables: readonly TableRows[]): number {
  return tables.reduce((sum, table) => sum + table.rows, 0)
}
