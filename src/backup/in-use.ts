import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readIfThere, removeIfThere, writeSynced } from '../effects/files.ts'
import type { Io } from '../effects/io.ts'
import { messageOf } from '../failure.ts'
import { type BackupFolder, isLeftBehind, isTemporaryName, temporaryName } from './folder.ts'

// A mark is a file beside the backup, named as our temporary files are: machine and process stand in its name, so that one
// whose run was killed counts for nothing, and is cleared with the rest. That of another machine counts for a day.
const ours = new Set<string>()

/**
 * Keeps other runs from rotating a backup out for as long as this process runs: a command depends on it. That it cannot be
 * done is said, and is no reason to stop: the backup is there.
 */
export async function markInUse(io: Io, folder: BackupFolder, file: string): Promise<void> {
  const path = join(folder.path, temporaryName('in-use'))
  ours.add(path)
  try {
    await writeSynced(path, `${file}\n`)
  } catch (error) {
    io.terminal.warn(`${file} could not be marked as in use (${messageOf(error)}): another run may rotate it out.`)
  }
}

/** Takes back all marks of this process. Never throws: nobody heeds those of a process that has ended. */
export async function releaseInUse(): Promise<void> {
  for (const path of ours) await removeIfThere(path).catch(() => undefined)
  ours.clear()
}

/** The files that commands at work depend on, in any process. */
export async function filesInUse(folder: BackupFolder): Promise<readonly string[]> {
  const names = await readdir(folder.path).catch(() => [])
  const marks = names.filter((name) => isTemporaryName(name, 'in-use'))
  return (await Promise.all(marks.map((name) => fileOf(folder, name)))).flat()
}

async function fileOf(folder: BackupFolder, mark: string): Promise<readonly string[]> {
  // Taken back meanwhile.
  if (await isLeftBehind(folder, mark).catch(() => true)) return []
  const text = await readIfThere(join(folder.path, mark))
  return text === undefined ? [] : [text.trim()]
}
