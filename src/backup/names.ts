import type { Engine } from '../engines/engine.ts'
import type { Compression } from '../options.ts'
import { shortName, type Target } from '../target/target.ts'

const suffixes: Readonly<Record<Compression, string>> = { none: '', zstd: '.zst', gzip: '.gz' }

/** `database_shop_2026-11-20_23-20-58.sql`, local time; `attempt` 2 and up adds `-2`, `-3`, … for the same second. */
export function backupFileName(
  target: Target,
  extension: Engine['extension'],
  compression: Compression,
  now: Date,
  attempt: number,
): string {
  const again = attempt > 1 ? `-${attempt}` : ''
  return `database_${fileNamePart(target)}_${timestamp(now)}${again}.${extension}${suffixes[compression]}`
}

// Names of databases may hold anything; a file's name stays short, visible and free of what a shell would act on.
function fileNamePart(target: Target): string {
  const name = shortName(target).replace(/\.(?:sqlite3?|db3?)$/i, '')
  const safe = name.replace(/[^\p{L}\p{N}._-]+/gu, '_').replace(/^[.-]+/, '_')
  return shortened(safe, 120) || '_'
}

// File systems count bytes: 255 for a name, and ours grows by the time, the extension and `.json`.
function shortened(text: string, bytes: number): string {
  const characters = [...text.slice(0, bytes)]
  while (Buffer.byteLength(characters.join('')) > bytes) characters.pop()
  return characters.join('')
}

function timestamp(now: Date): string {
  const two = (value: number) => String(value).padStart(2, '0')
  const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`
  return `${date}_${two(now.getHours())}-${two(now.getMinutes())}-${two(now.getSeconds())}`
}

export function compressionOf(file: string): Compression {
  if (file.endsWith('.zst')) return 'zstd'
  return file.endsWith('.gz') ? 'gzip' : 'none'
}

/** The manifest's name beside a backup. */
export function manifestName(file: string): string {
  return `${file}.json`
}

/** Backups are recognised by their names only to find them; what they are, their manifests say. */
export function looksLikeBackup(file: string): boolean {
  return /\.(?:sql|sqlite)(?:\.zst|\.gz)?$/.test(file)
}
