import { rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { removeIfThere, syncFolder, takeOwnerOf, writeSynced } from '../effects/files.ts'
import { exitCode, Failure } from '../failure.ts'
import { temporaryName } from './folder.ts'
import { type Manifest, manifestText, readManifest } from './manifest.ts'
import { manifestName } from './names.ts'

/**
 * Changes the manifest of the backup at `path` as it is now, and returns it. Whoever reads it, and whoever comes after a kill,
 * finds the old one or the new one; it stays its owner's. Throws where it cannot be written.
 */
export async function rewriteManifest(path: string, change: (manifest: Manifest) => Manifest): Promise<Manifest> {
  const reading = await readManifest(path)
  if (reading.state !== 'read') throw new Failure(exitCode.backupNotWhole, { what: `${path} has no manifest any more` })
  const manifest = change(reading.manifest)
  await replaceManifest(manifestName(path), manifestText(manifest))
  return manifest
}

async function replaceManifest(name: string, text: string): Promise<void> {
  const waiting = join(dirname(name), temporaryName('manifest'))
  try {
    await writeSynced(waiting, text)
    await takeOwnerOf(waiting, name)
    await rename(waiting, name)
    await syncFolder(dirname(name))
  } finally {
    await removeIfThere(waiting)
  }
}
