import { accessSync, closeSync, constants, lstatSync, openSync, readSync, statSync } from 'node:fs'
import type { Environment } from './io.ts'

export type MissingCommand = { readonly missing: 'not-found' | 'not-executable'; readonly reason: string }

export type FoundCommand = { readonly path: string } | MissingCommand

// What execvp looks through when there is no PATH at all (confstr _CS_PATH).
const pathWithoutPath = '/bin:/usr/bin'

/**
 * Which file `execvp` would run for the command's first word, or why there is none: `not-found` is a shell's 127,
 * `not-executable` its 126. Touches nothing.
 */
export function findCommand(command: readonly string[], environment: Environment, cwd: string): FoundCommand {
  const word = command[0] ?? ''
  if (word === '') return { missing: 'not-found', reason: 'the name of the command is empty' }
  return word.includes('/') ? findFile(word, cwd) : findInPath(word, environment['PATH'] ?? pathWithoutPath, cwd)
}

/** The places where a name without a slash is looked for; an empty entry of PATH is the working directory. */
export function candidatesInPath(name: string, path: string): string[] {
  return path.split(':').map((folder) => `${folder === '' ? '.' : folder.replace(/\/+$/, '')}/${name}`)
}

function findFile(path: string, cwd: string): FoundCommand {
  const problem = problemOf(path, cwd)
  if (problem === undefined) return { path }
  return { missing: problem.missing, reason: `${path} ${problem.reason}` }
}

// As execvp does: what cannot be executed is passed over, and told only when nothing better comes.
function findInPath(name: string, path: string, cwd: string): FoundCommand {
  let refused: FoundCommand | undefined
  for (const candidate of candidatesInPath(name, path)) {
    const found = findFile(candidate, cwd)
    if ('path' in found) return found
    if (found.missing === 'not-executable' && !isFolder(candidate, cwd)) refused ??= found
  }
  return refused ?? { missing: 'not-found', reason: `${name} is in no folder of PATH (${path})` }
}

function problemOf(path: string, cwd: string): MissingCommand | undefined {
  const file = at(cwd, path)
  try {
    if (!statSync(file).isFile()) return { missing: 'not-executable', reason: notFile }
    accessSync(file, constants.X_OK)
    return interpreterProblem(file, cwd)
  } catch (error) {
    return absence(file, (error as NodeJS.ErrnoException).code)
  }
}

// Not `resolve`: beyond a link, `..` is not the folder before it, and a slash at the end asks for a folder.
function at(cwd: string, path: string): string {
  return path.startsWith('/') ? path : `${cwd}/${path}`
}

const notFile = 'is not a file'

function absence(file: string, code: string | undefined): MissingCommand {
  if (code === 'EACCES') return { missing: 'not-executable', reason: 'may not be executed (permission denied)' }
  if (isLink(file)) return { missing: 'not-found', reason: 'is a link to a file that is not there' }
  return { missing: 'not-found', reason: 'does not exist' }
}

// The kernel reports a missing interpreter as if the script itself were missing.
function interpreterProblem(file: string, cwd: string): MissingCommand | undefined {
  const interpreter = interpreterOf(firstBytes(file))
  if (interpreter === undefined || isExecutable(at(cwd, interpreter))) return undefined
  return {
    missing: 'not-executable',
    reason: `needs the interpreter ${JSON.stringify(interpreter)}, which is not there`,
  }
}

/** The interpreter that the first line of a script names; a carriage return in it is part of its name, as for the kernel. */
export function interpreterOf(beginning: string): string | undefined {
  return /^#![ \t]*([^ \t\n\0]+)/.exec(beginning)?.[1]
}

const longestFirstLine = 256

function firstBytes(file: string): string {
  try {
    const descriptor = openSync(file, 'r')
    try {
      const bytes = Buffer.alloc(longestFirstLine)
      return bytes.toString('utf8', 0, readSync(descriptor, bytes))
    } finally {
      closeSync(descriptor)
    }
  } catch {
    return '' // a program may be executable without being readable
  }
}

function isExecutable(file: string): boolean {
  return holds(() => {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  })
}

function isFolder(path: string, cwd: string): boolean {
  return holds(() => statSync(at(cwd, path)).isDirectory())
}

function isLink(file: string): boolean {
  return holds(() => lstatSync(file).isSymbolicLink())
}

function holds(check: () => boolean): boolean {
  try {
    return check()
  } catch {
    return false
  }
}
