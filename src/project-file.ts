import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { replaceText } from './effects/files.ts'
import { withListEntry } from './effects/json-text.ts'
import { exitCode, Failure, messageOf } from './failure.ts'
import { type OptionName, optionDefinitions, type RawOptions, type RawPatterns } from './options.ts'
import { parseUrl } from './target/url.ts'

export const projectFileName = 'seatbelt.json'

export type ProjectFile = {
  /** The folder that the backup folder belongs to: the nearest upwards with a `seatbelt.json`, else the working directory. */
  readonly root: string
  readonly name: string
  readonly options: RawOptions
  readonly patterns: RawPatterns
}

/** Reads the nearest `seatbelt.json` upwards. Throws a `Failure` (2) that names the file and key at fault. */
export async function readProjectFile(cwd: string): Promise<ProjectFile> {
  for (let folder = cwd; ; folder = dirname(folder)) {
    const content = await contentOf(join(folder, projectFileName))
    if (content !== undefined)
      return { root: folder, name: projectFileName, ...parseProjectFile(content, join(folder, projectFileName)) }
    if (folder === dirname(folder)) return { root: cwd, name: projectFileName, options: {}, patterns: {} }
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Failure(exitCode.usage, { what: `${path} cannot be read (${code ?? messageOf(error)})` })
  }
}

const patternKeys = ['productionNames', 'safeNames', 'customerIdentifiers', 'testDatabases'] as const

/** Checks every key: an unknown one is a mistake that would otherwise stay unseen. */
export function parseProjectFile(content: string, path: string): { options: RawOptions; patterns: RawPatterns } {
  const entries = Object.entries(parsed(content, path))
  const isPattern = (key: string) => (patternKeys as readonly string[]).includes(key)
  for (const [key] of entries) if (!isPattern(key) && !isFileOption(key)) throw unknownKey(key, path)
  for (const [key, value] of entries) if (isPattern(key)) requireTexts(key, value, path)
  requireUrls(entries, path)
  return {
    options: Object.fromEntries(entries.filter(([key]) => !isPattern(key))) as RawOptions,
    patterns: Object.fromEntries(entries.filter(([key]) => isPattern(key))) as RawPatterns,
  }
}

function parsed(content: string, path: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(content.replace(/^\uFEFF/, ''))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (error) {
    throw new Failure(exitCode.usage, { what: `${path} is not valid JSON`, why: [messageOf(error)] })
  }
  throw new Failure(exitCode.usage, { what: `${path} must hold one JSON object` })
}

function isFileOption(key: string): key is OptionName {
  return key in optionDefinitions && optionDefinitions[key as OptionName].inFile === true
}

function unknownKey(key: string, path: string): Failure {
  const known = [...Object.keys(optionDefinitions).filter(isFileOption), ...patternKeys]
  return new Failure(exitCode.usage, {
    what: `${path}: unknown key "${key}"`,
    next: [`Known keys: ${known.join(', ')}`],
  })
}

function requireTexts(key: string, value: unknown, path: string): void {
  const good = Array.isArray(value) && value.every((entry) => typeof entry === 'string' && entry !== '')
  if (!good) throw new Failure(exitCode.usage, { what: `${path}: ${key} must be a list of texts` })
}

function requireUrls(entries: readonly (readonly [string, unknown])[], path: string): void {
  const urls = entries.flatMap(([key, value]) => (key === 'testDatabases' ? (value as string[]) : []))
  for (const url of urls) {
    const stated = parseUrl(url, '/')
    const problem =
      'problem' in stated ? stated.problem : stated.database === undefined ? 'names no database' : undefined
    if (problem !== undefined)
      throw new Failure(exitCode.usage, { what: `${path}: an entry of testDatabases ${problem}`, next: [example] })
  }
}

const example = 'Give URLs such as postgres://127.0.0.1:5432/shop or sqlite:path/to/file.sqlite'

/** Notes in the project file that a database is for tests, and leaves all else in it as it is written; makes the file where there is none. */
export async function rememberTestDatabase(root: string, url: string): Promise<void> {
  const path = join(root, projectFileName)
  const text = (await contentOf(path)) ?? '{}\n'
  parseProjectFile(text, path)
  await replaceText(path, withListEntry(text, 'testDatabases', url))
}
