import type { FileTree } from '../../src/engines/client-folders.ts'

/** A machine with these files and no others. */
export function treeOf(paths: readonly string[]): FileTree {
  return {
    list: (folder) => [...new Set(paths.flatMap((path) => nextName(path, `${folder}/`)))],
    has: (path) => paths.includes(path),
  }
}

function nextName(path: string, folder: string): string[] {
  return path.startsWith(folder) ? path.slice(folder.length).split('/').slice(0, 1) : []
}
