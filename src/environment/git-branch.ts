import { readFile, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'

/** The branch that is checked out, and the file that says so, as a person would write its path. */
export type GitBranch = { readonly name: string; readonly source: string }

/**
 * The branch of the nearest repository upwards, read from its files (gitrepository-layout(5)); no git is started.
 * Undefined without one, and while no branch is checked out.
 */
export async function gitBranch(cwd: string): Promise<GitBranch | undefined> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const directory = await gitDirectory(folder)
    if (directory !== undefined) return branchIn(directory, cwd)
    if (folder === dirname(folder)) return undefined
  }
}

// In a worktree and in a submodule `.git` is a file that names the directory.
async function gitDirectory(folder: string): Promise<string | undefined> {
  const path = join(folder, '.git')
  const found = await stat(path).catch(() => undefined)
  if (found?.isDirectory() === true) return path
  const named = /^gitdir: (.+)$/m.exec((await textOf(path)) ?? '')?.[1]
  return named === undefined ? undefined : resolve(folder, named)
}

async function branchIn(directory: string, cwd: string): Promise<GitBranch | undefined> {
  const head = join(directory, 'HEAD')
  const name = /^ref: refs\/heads\/(.+)$/m.exec((await textOf(head)) ?? '')?.[1]
  return name === undefined ? undefined : { name, source: relative(cwd, head) }
}

// Only a plain file: a pipe of that name would be waited on for ever.
async function textOf(path: string): Promise<string | undefined> {
  try {
    return (await stat(path)).isFile() ? await readFile(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}
