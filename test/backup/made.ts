import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BackupFolder } from '../../src/backup/folder.ts'
import { type Manifest, manifestText } from '../../src/backup/manifest.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** A real folder for backups, empty. */
export function emptyFolder(): BackupFolder {
  const path = join(temporaryFolder(), 'backups')
  mkdirSync(path)
  return { path, shown: 'backups' }
}

/** A manifest that is right for a file of these bytes. */
export function manifestOf(parts: Partial<Manifest> & { readonly file: string }, bytes = 'dump'): Manifest {
  return {
    version: 1,
    engine: 'postgres',
    server: '15.20',
    client: 'pg_dump 15.20',
    target: 'postgres://app@db:5432/shop',
    createdAt: '2026-11-20T10:00:00.000Z',
    reason: 'safe-test npm test',
    bytes: Buffer.byteLength(bytes),
    storedBytes: Buffer.byteLength(bytes),
    sha256: createHash('sha256').update(bytes).digest('hex'),
    tables: [{ name: 'public.users', rows: 1204 }],
    properties: {},
    notes: [],
    tool: '0.1.0',
    ...parts,
  }
}

/** A finished backup in the folder: the file and its manifest. */
export function makeBackup(
  folder: BackupFolder,
  parts: Partial<Manifest> & { readonly file: string },
  bytes = 'dump',
): Manifest {
  const manifest = manifestOf(parts, bytes)
  writeFileSync(join(folder.path, manifest.file), bytes)
  writeFileSync(join(folder.path, `${manifest.file}.json`), manifestText(manifest))
  return manifest
}
