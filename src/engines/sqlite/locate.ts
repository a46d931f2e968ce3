import type { Stats } from 'node:fs'
import { access, constants, readlink, realpath, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import { shellWords } from '../../shell-words.ts'
import type { NothingToLose } from '../engine.ts'

/** A database file that is there: its path with every link followed, as SQLite names its `-wal` and `-journal` after. */
export type Located = { readonly state: 'there'; readonly path: string }

/** Finds the file of a target without opening it. Throws a `Failure` (11) for what cannot be a database. */
export async function locate(path: string): Promise<Located | NothingToLose> {
  if (path === ':memory:') return nothing('the database is in memory: it ends with the program')
  if (path === '') throw unreachable('the name of the SQLite file is empty', ['set the path of the database file'])
  const found = await statOf(path)
  if (found === undefined) return nothing(`SQLite file ${onOneLine(path)} does not exist yet`)
  if (!found.isFile()) throw notAFile(path, found)
  if (found.size === 0) return nothing(`SQLite file ${onOneLine(path)} is empty`)
  await access(path, constants.R_OK).catch((error) => {
    throw unreadable(path, error)
  })
  return { state: 'there', path: await realpath(path) }
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
}

/** The file that a restore replaces: the one that a symbolic link points to, also when that is not there. */
export async function liveFileOf(path: string): Promise<string> {
  if (path === ':memory:' || path === '') throw new Error('a database in memory cannot be restored')
  try {
    return await realpath(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const link = await readlink(path).catch(() => undefined)
    if (link !== undefined) return liveFileOf(resolve(dirname(path), link))
    return join(await realpath(dirname(path)), basename(path))
  }
}

function nothing(reason: string): NothingToLose {
  return { state: 'nothing', reason }
}

function notAFile(path: string, found: Stats): Failure {
  const kind = found.isDirectory() ? 'a folder' : 'no regular file'
  return unreachable(`${onOneLine(path)} is ${kind}, not a SQLite database`, [
    'give the path of the database file itself',
  ])
}

function unreadable(path: string, error: unknown): Failure {
  const why = [messageOf(error)]
  return unreachable(
    `SQLite file ${onOneLine(path)} cannot be read`,
    [`check its rights: ${shellWords(['ls', '-l', path])}`],
    why,
    error,
  )
}

/** A `Failure` (11). */
export function unreachable(
  what: string,
  next: readonly string[],
  why: readonly string[] = [],
  cause?: unknown,
): Failure {
  return new Failure(exitCode.cannotConnect, { what, why, next }, cause)
}
