import { readFile } from 'node:fs/promises'
import { isAbsolute, relative, resolve } from 'node:path'
import { parse } from 'dotenv'
import { expand } from 'dotenv-expand'
import type { Environment } from '../effects/io.ts'

/** A setting with the place that it was read from: an env file relative to the working directory, or `environment`. */
export type Value = { readonly value: string; readonly label: string }

export type Values = ReadonlyMap<string, Value>

export const environmentLabel = 'environment'

/** An env file as it was found; `problem` where something stands there that cannot be read as one. */
export type EnvFile =
  | {
      readonly state: 'read'
      readonly label: string
      readonly values: Values
      /** The same as loaders read it that put in a bare `$VAR`. */
      readonly expanded: Values
    }
  | { readonly state: 'absent'; readonly label: string }
  | { readonly state: 'problem'; readonly label: string; readonly problem: string }

/** Reads one env file; never merged into any process's environment. */
export async function readEnvFile(cwd: string, file: string, environment: Environment): Promise<EnvFile> {
  const label = labelOf(cwd, file)
  try {
    const text = await readFile(resolve(cwd, file), 'utf8')
    const read = (reading: 'literal' | 'expanded') => labelled(parseEnvText(text, environment, reading), label)
    return { state: 'read', label, values: read('literal'), expanded: read('expanded') }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? { state: 'absent', label }
      : { state: 'problem', label, problem: problemOf(code) }
  }
}

/** The path as a person would write it: relative while it stays inside the working directory. */
function labelOf(cwd: string, file: string): string {
  const path = relative(cwd, resolve(cwd, file))
  return path.startsWith('..') || isAbsolute(path) ? file : path
}

function problemOf(code: string | undefined): string {
  if (code === 'EISDIR') return 'is a folder, not a file'
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read: permission denied'
  return `cannot be read (${code ?? 'unknown error'})`
}

function labelled(record: Readonly<Record<string, string>>, label: string): Values {
  return new Map(Object.entries(record).map(([key, value]) => [key, { value, label }]))
}

/**
 * The keys and values of an env file's text as dotenv reads them: BOM, CRLF, quotes, `export`, comments.
 *
 * `${VAR}` is put in as every loader that expands does it. A bare `$VAR` stays in the `literal` reading (dotenv, phpdotenv)
 * and is put in by the `expanded` one (dotenv-expand, Symfony, Compose) where such a variable is there: loaders disagree,
 * so both readings count. Single-quoted values are literal in both.
 */
export function parseEnvText(
  text: string,
  environment: Environment,
  reading: 'literal' | 'expanded' = 'literal',
): Readonly<Record<string, string>> {
  const plain = text.replace(/^\uFEFF/, '')
  const parsed = parse(plain)
  const literal = singleQuotedKeys(plain)
  const isReference = (name: string) => reading === 'expanded' && (name in parsed || environment[name] !== undefined)
  const guarded = mapped(parsed, (value, key) => {
    if (literal.has(key)) return value.replaceAll('$', dollar)
    return value.replace(/\$(?!\{)(\w*)/g, (found, name: string) => (isReference(name) ? found : `${dollar}${name}`))
  })
  const outer = mapped(definedOnly(environment), (value) => value.replaceAll('$', dollar))
  return mapped(parsed, (value, key) => (value.includes('$') ? expandOne(key, guarded, outer) : value))
}

// No value holds a NUL: it stands for a `$` that means itself, which dotenv-expand would read again in what it put in.
const dollar = '\0'

type Texts = Readonly<Record<string, string>>

function expandOne(key: string, parsed: Texts, { [key]: _, ...others }: Texts): string {
  const expanded = expand({ parsed: { ...parsed }, processEnv: others }).parsed?.[key] ?? ''
  return expanded.replaceAll(dollar, '$')
}

function mapped(record: Texts, change: (value: string, key: string) => string): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value, key)]))
}

function definedOnly(environment: Environment): Texts {
  return Object.fromEntries(
    Object.entries(environment).filter((pair): pair is [string, string] => pair[1] !== undefined),
  )
}

function singleQuotedKeys(text: string): ReadonlySet<string> {
  const lines = text.matchAll(/^[ \t]*(?:export[ \t]+)?([\w.-]+)[ \t]*[=:][ \t]*'/gm)
  return new Set([...lines].map((match) => match[1] ?? ''))
}
