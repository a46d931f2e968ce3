import { constants, realpathSync } from 'node:fs'
import {
  access,
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  stat,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** Only the user who made it may read a backup: it holds customers' data. */
export const privateFile = 0o600
const privateFolder = 0o700

/** Makes the folder, private and ignored by git, where it is not there; an existing one stays as it is. */
export async function ensurePrivateFolder(folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: privateFolder })
  if (made === undefined) return
  await chmod(folder, privateFolder)
  await writeFile(join(folder, '.gitignore'), '*\n!.gitignore\n')
}

export async function requireWritable(folder: string): Promise<void> {
  await access(folder, constants.W_OK | constants.X_OK)
}

/** Until this returns, a rename in the folder may be undone by a power failure. */
export function syncFolder(folder: string): Promise<void> {
  return sync(folder, 'r')
}

export function syncFile(path: string): Promise<void> {
  return sync(path, 'r+')
}

async function sync(path: string, flags: 'r' | 'r+'): Promise<void> {
  const handle = await open(path, flags)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Writes a small file that is whole on the disk before this returns. */
export async function writeSynced(path: string, text: string): Promise<void> {
  const handle = await open(path, 'w', privateFile)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** Replaces a user's small file, or the one that a link leads to, in one step; makes it where it is not there. */
export async function replaceText(path: string, text: string): Promise<void> {
  const file = await realpath(path).catch(() => path)
  const waiting = `${file}.${process.pid}.tmp`
  try {
    await writeFile(waiting, text, { flag: 'wx' })
    if (await exists(file)) await takeOwnerOf(waiting, file)
    await rename(waiting, file)
  } catch (error) {
    await removeIfThere(waiting)
    throw error
  }
}

/** Gives a file the owner and the mode of another, which it will replace. Throws where that owner's file is not ours to make. */
export async function takeOwnerOf(path: string, other: string): Promise<void> {
  const [own, { uid, gid, mode }] = await Promise.all([stat(path), stat(other)])
  if (own.uid !== uid || own.gid !== gid) await chown(path, uid, gid)
  if ((own.mode & 0o777) !== (mode & 0o777)) await chmod(path, mode & 0o777)
}

/**
 * Gives a file its final name, and never takes another file's: false when the name is taken.
 * A hard link fails where a rename would silently replace; file systems without links get the check and the rename.
 */
export async function claimName(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path)
    await unlink(temporary)
    return true
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'EEXIST') return false
    if (code !== 'EPERM' && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP' && code !== 'ENOSYS') throw error
    if (await exists(path)) return false
    await rename(temporary, path)
    return true
  }
}

export async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

export async function isLink(path: string): Promise<boolean> {
  return lstat(path).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  )
}

/** The file's size in bytes; undefined when it is not there. */
export async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    (facts) => facts.size,
    () => undefined,
  )
}

/** The text, or undefined when there is no such file. */
export async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
}

export async function removeIfThere(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
}

/** Where a path leads, as far as it is there: a file that is gone is still the one of its folder. */
export function realPathOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    const folder = dirname(path)
    return folder === path ? path : join(realPathOf(folder), basename(path))
  }
}
