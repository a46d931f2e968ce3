import { type Dirent, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

/** Files that may say which database a project uses, each with what would be another if it was changed. */
export type ConfigurationFiles = { readonly folder: string; readonly states: ReadonlyMap<string, string> }

const deepest = 4
const mostFiles = 5_000

// Not the manifests that we write ourselves.
const configuration =
  /^\.env|^Makefile$|^(?!database_.*\.json$).*\.(?:php|py|rb|ya?ml|json5?|toml|ini|cfg|conf|cnf|xml|neon|prisma|properties|[cm]?[jt]sx?)$/
const others =
  /^(?:\.(?!config$).*|node_modules|vendor|storage|tmp|logs?|var|public|static|assets|dist|build|target|coverage|venv|__pycache__|backups)$/

/**
 * The configuration files below a folder, as they are now: their sizes, times and numbers, those that lie higher first.
 * Bounded in depth and number, so that it takes milliseconds; read in one go, before anything else can happen.
 */
export function configurationFiles(folder: string): ConfigurationFiles {
  const states = new Map<string, string>()
  let level: readonly string[] = [folder]
  for (let depth = 0; depth <= deepest && states.size < mostFiles; depth++)
    level = level.flatMap((each) => collect(each, states))
  return { folder, states }
}

/** Adds the files of one folder; returns the folders in it. */
function collect(folder: string, states: Map<string, string>): readonly string[] {
  const entries = entriesOf(folder)
  const files = entries.filter((entry) => !entry.isDirectory() && configuration.test(entry.name))
  for (const { name } of files.slice(0, mostFiles - states.size)) addState(join(folder, name), states)
  const folders = entries.filter((entry) => entry.isDirectory() && !others.test(entry.name))
  return folders.map(({ name }) => join(folder, name))
}

function entriesOf(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch {
    return []
  }
}

function addState(path: string, states: Map<string, string>): void {
  const found = statSync(path, { throwIfNoEntry: false, bigint: true })
  if (found?.isFile() === true) states.set(path, `${found.ino} ${found.size} ${found.mtimeNs} ${found.ctimeNs}`)
}

/** Whether a file was changed, came or went since then. */
export function isChanged({ folder, states }: ConfigurationFiles): boolean {
  const now = configurationFiles(folder).states
  return now.size !== states.size || [...now].some(([path, state]) => states.get(path) !== state)
}
