import type { Backup } from '../backup/list.ts'
import { manifestName } from '../backup/names.ts'
import type { Protected } from '../backup/prepare.ts'
import { exists, sizeOf } from '../effects/files.ts'

/** The files of backups that are gone or cut, or have lost their manifest. */
export async function lostBackups(backups: readonly Protected[]): Promise<readonly string[]> {
  const made = backups.flatMap(({ outcome }) => ('backup' in outcome ? [outcome.backup] : []))
  const lost = await Promise.all(made.map(isLost))
  return made.filter((_, index) => lost[index]).map(({ file }) => file)
}

async function isLost({ path, manifest }: Backup): Promise<boolean> {
  return (await sizeOf(path)) !== manifest.storedBytes || !(await exists(manifestName(path)))
}
