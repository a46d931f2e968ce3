import type { Environment } from '../effects/io.ts'
import { type EnvFile, readEnvFile, type Values } from './env-file.ts'

/** Env files that loaders read as one, later files over earlier ones. */
export type EnvChain = { readonly labels: readonly string[]; readonly values: Values }

export type EnvReading = {
  readonly chains: readonly EnvChain[]
  /** Env files that are there and cannot be read, as sentences. */
  readonly problems: readonly string[]
}

/** Tests put the testing files first, all else puts `.env` first. */
export type Purpose = 'test' | 'other'

/** Variables that choose an env file by its name. */
export const environmentNames = ['APP_ENV', 'NODE_ENV', 'RAILS_ENV', 'DJANGO_ENV'] as const

/** The chains that are looked for, by name, most likely first. */
export function chainNames(purpose: Purpose, environment: Environment): readonly (readonly string[])[] {
  const testing = [['.env.testing'], ['.env.test', '.env.test.local']]
  const plain = [['.env', '.env.local']]
  const named = namedEnvironments(environment).map((name) => [`.env.${name}`, `.env.${name}.local`])
  const ordered = purpose === 'test' ? [...testing, ...named, ...plain] : [...named, ...plain, ...testing]
  const seen = new Set<string>()
  return ordered.filter(([first]) => first !== undefined && !seen.has(first) && seen.add(first))
}

function namedEnvironments(environment: Environment): readonly string[] {
  const names = environmentNames.map((key) => environment[key] ?? '')
  return [...new Set(names.filter((name) => /^[\w-][\w.-]*$/.test(name)))]
}

/** Reads every chain of which at least one file exists. */
export async function readEnvChains(cwd: string, purpose: Purpose, environment: Environment): Promise<EnvReading> {
  const read = await Promise.all(
    chainNames(purpose, environment).map((names) =>
      Promise.all(names.map((name) => readEnvFile(cwd, name, environment))),
    ),
  )
  return { chains: read.flatMap(chainsOf), problems: problemsOf(read.flat()) }
}

/** What files that are read as one say: once as they stand, and once more where a bare `$VAR` changes what they say. */
export function chainsOf(files: readonly EnvFile[]): readonly EnvChain[] {
  const found = files.filter((file) => file.state === 'read')
  if (found.length === 0) return []
  const labels = found.map((file) => file.label)
  const literal = layered(found.map((file) => file.values))
  const expanded = layered(found.map((file) => file.expanded))
  const differs = [...expanded].some(([key, { value }]) => literal.get(key)?.value !== value)
  return [{ labels, values: literal }, ...(differs ? [{ labels, values: expanded }] : [])]
}

/** The problems of files that are there and cannot be read: "`.env` is a folder, not a file". */
function problemsOf(files: readonly EnvFile[]): readonly string[] {
  return files.flatMap((file) => (file.state === 'problem' ? [`${file.label} ${file.problem}`] : []))
}

/** Later layers win, key by key; each value keeps its label. */
export function layered(layers: readonly Values[]): Values {
  return new Map(layers.flatMap((layer) => [...layer]))
}
