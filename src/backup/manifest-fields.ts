import { basename } from 'node:path'
import type { TableRows } from '../engines/engine.ts'
import type { EngineName } from '../target/target.ts'
import type { ManifestNotes, OnDisk, SeenAgain } from './manifest.ts'

/** Why a value is no manifest: something is not as it must be that finding, checking or restoring the backup relies on. */
export function problemOf(value: unknown): string | undefined {
  if (typeof value !== 'object' || value === null) return 'is not a manifest'
  const fields = value as Record<string, unknown>
  if (fields['version'] !== 1) return `has version ${JSON.stringify(fields['version'])}; this tool reads version 1`
  return lacking(fields) ?? misnamed(fields) ?? mistaken(fields)
}

const texts = ['file', 'server', 'client', 'target', 'createdAt', 'reason', 'sha256', 'tool'] as const
const numbers = ['bytes', 'storedBytes'] as const

function lacking(fields: Record<string, unknown>): string | undefined {
  const badText = texts.find((key) => typeof fields[key] !== 'string')
  const bad = badText ?? numbers.find((key) => !isCount(fields[key]))
  return bad === undefined ? undefined : `lacks "${bad}"`
}

function misnamed(fields: Record<string, unknown>): string | undefined {
  if (!isEngine(fields['engine'])) return `names the engine ${JSON.stringify(fields['engine'])}`
  const file = String(fields['file'])
  return file === basename(file) && !['', '.', '..'].includes(file) ? undefined : 'names a file outside its folder'
}

function mistaken(fields: Record<string, unknown>): string | undefined {
  if (!isTime(fields['createdAt'])) return 'has no date in "createdAt"'
  if (!isListOf(fields['tables'], isTable)) return 'has no list of tables'
  if (!isOptional(fields['schemaDigest'], isText)) return 'has no text in "schemaDigest"'
  if (!isOptional(fields['properties'], isRecordOfTexts)) return 'has no texts in "properties"'
  return isOptional(fields['notes'], (notes) => isListOf(notes, isText)) ? undefined : 'has no list of texts in "notes"'
}

/** The notes that are what they should be. A broken one is passed over: without it, the work that it saves is done. */
export function soundNotes(fields: { readonly [Key in keyof ManifestNotes]: unknown }): ManifestNotes {
  const { onDisk, changeMark, seenAgain, proven, disproven } = fields
  return {
    ...(isOnDisk(onDisk) ? { onDisk } : {}),
    ...(isRecordOfTexts(changeMark) ? { changeMark } : {}),
    ...(isSeenAgain(seenAgain) ? { seenAgain } : {}),
    ...(isTime(proven) ? { proven } : {}),
    ...(isTime(disproven) ? { disproven } : {}),
  }
}

function isEngine(value: unknown): value is EngineName {
  return value === 'postgres' || value === 'mysql' || value === 'sqlite'
}

function isTable(value: unknown): value is TableRows {
  const { name, rows, digest, columns } = fieldsOf(value)
  const known = isOptional(digest, isText) && isOptional(columns, (names) => isListOf(names, isText))
  return isText(name) && isCount(rows) && known
}

function isOnDisk(value: unknown): value is OnDisk {
  const { inode, modified, hashed } = fieldsOf(value)
  return isText(inode) && isText(modified) && isTime(hashed)
}

function isSeenAgain(value: unknown): value is SeenAgain {
  const { at, count, reason } = fieldsOf(value)
  return isTime(at) && isCount(count) && isText(reason)
}

function fieldsOf(value: unknown): { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0
}

function isTime(value: unknown): value is string {
  return isText(value) && !Number.isNaN(Date.parse(value))
}

function isRecordOfTexts(value: unknown): value is Readonly<Record<string, string>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.values(value).every(isText)
}

function isListOf<T>(value: unknown, isOne: (entry: unknown) => entry is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne)
}

function isOptional(value: unknown, isOne: (present: unknown) => boolean): boolean {
  return value === undefined || isOne(value)
}
