import { existsSync, readdirSync } from 'node:fs'

/** The files of a machine, as far as they are looked at. */
export type FileTree = {
  /** The names in a folder; none where it cannot be read. */
  list(folder: string): readonly string[]
  has(path: string): boolean
}

export const thisMachine: FileTree = {
  list: (folder) => {
    try {
      return readdirSync(folder)
    } catch {
      return []
    }
  },
  has: existsSync,
}

/** A folder that holds client tools; `version` is what its path says of it, such as `16` or `10.11`. */
export type ToolFolder = { readonly folder: string; readonly version?: string }

/**
 * The folders of these layouts that hold one of the programs. A layout is a path; in one of its names `*` stands for
 * anything, mostly a version: `/usr/libexec/postgresql*`.
 */
export function toolFolders(
  layouts: readonly string[],
  programs: readonly string[],
  tree: FileTree = thisMachine,
): readonly ToolFolder[] {
  const holdsOne = ({ folder }: ToolFolder) => programs.some((name) => toolIn(folder, name, tree) !== undefined)
  return layouts.flatMap((layout) => foldersOf(layout, tree)).filter(holdsOne)
}

/** The path of a program in a folder, as its system names it; undefined where it is not there. */
export function toolIn(folder: string, program: string, tree: FileTree = thisMachine): string | undefined {
  return [`${folder}/${program}`, `${folder}/${program}.exe`].find(tree.has)
}

function foldersOf(layout: string, tree: FileTree): readonly ToolFolder[] {
  const match = /^(.*)\/([^/*]*)\*([^/*]*)(.*)$/.exec(layout)
  if (match === null) return [{ folder: layout }]
  const [, parent = '', before = '', after = '', rest = ''] = match
  return tree.list(parent).flatMap((name): ToolFolder[] => {
    if (!name.startsWith(before) || !name.endsWith(after)) return []
    const version = /\d+(?:\.\d+)*/.exec(name.slice(before.length))?.[0]
    const folder = `${parent}/${name}${rest}`
    return [{ folder, ...(version === undefined ? {} : { version }) }]
  })
}
