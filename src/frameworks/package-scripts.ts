import { readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { shellWords } from '../shell-words.ts'
import type { Call } from './framework.ts'
import { type Launched, shellText } from './launchers.ts'
import { leadingOptions } from './options-in-words.ts'

const managers = new Set(['npm', 'pnpm', 'yarn', 'bun', 'composer'])

export function isPackageManager(program: string): boolean {
  return managers.has(basename(program))
}

/** What a package manager is asked to do. */
export type ScriptCall =
  | { readonly kind: 'script'; readonly name: string; readonly args: readonly string[]; readonly folder: string }
  | { readonly kind: 'program'; readonly words: readonly string[]; readonly folder: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'opaque'; readonly because: string }

const valued = new Set([
  '--prefix',
  '-C',
  '--dir',
  '--cwd',
  '-w',
  '--workspace',
  '-F',
  '--filter',
  '-p',
  '--package',
  '--working-dir',
  '-d',
])

/** Which script or program `npm …`, `pnpm …`, `yarn …`, `bun …` starts, and in which folder. */
export function scriptCallOf(words: readonly string[], cwd: string): ScriptCall {
  const manager = basename(words[0] ?? '')
  const { options, rest } = leadingOptions(words.slice(1), valued)
  const [verb, ...after] = rest
  const inner = leadingOptions(after, valued)
  const all = (names: readonly string[]) =>
    names.flatMap((name) => [...(options.get(name) ?? []), ...(inner.options.get(name) ?? [])])
  if (all(['-w', '--workspace', '-F', '--filter']).length > 0 || options.has('-r') || options.has('--workspaces')) {
    return { kind: 'opaque', because: `${manager} runs it in workspaces` }
  }
  const folder = resolve(cwd, all(['--prefix', '-C', '--dir', '--cwd', '--working-dir', '-d']).at(-1) ?? '.')
  return callOfVerb(manager, verb, inner.rest, folder)
}

function callOfVerb(manager: string, verb: string | undefined, rest: readonly string[], folder: string): ScriptCall {
  if (verb === undefined) return { kind: 'other' }
  if (['run', 'run-script', 'rum', 'urn'].includes(verb)) return scriptOrOther(rest, folder)
  if (['exec', 'x', 'dlx'].includes(verb)) return { kind: 'program', words: rest, folder }
  if (manager === 'bun') return { kind: 'other' }
  if (['test', 't', 'tst'].includes(verb)) return { kind: 'script', name: 'test', args: withoutSeparator(rest), folder }
  if (['start', 'stop', 'restart'].includes(verb))
    return { kind: 'script', name: verb, args: withoutSeparator(rest), folder }
  // pnpm, yarn and composer run a script, else a program of the project, by its bare name
  return manager === 'npm' ? { kind: 'other' } : { kind: 'script', name: verb, args: withoutSeparator(rest), folder }
}

function scriptOrOther(rest: readonly string[], folder: string): ScriptCall {
  const [name, ...args] = rest
  return name === undefined ? { kind: 'other' } : { kind: 'script', name, args: withoutSeparator(args), folder }
}

function withoutSeparator(args: readonly string[]): readonly string[] {
  const at = args.indexOf('--')
  return at < 0 ? args : [...args.slice(0, at), ...args.slice(at + 1)]
}

/** Sees through a package manager's call by reading the script's text, with what runs before and after it. */
export async function throughPackageManager(call: Call): Promise<Launched | undefined> {
  const asked = scriptCallOf(call.words, call.cwd)
  if (asked.kind === 'other') return undefined
  if (asked.kind === 'opaque') return { opaque: asked.because }
  const via = [...call.via, call.words.join(' ')]
  if (asked.kind === 'program') return { calls: [{ ...call, words: asked.words, cwd: asked.folder, via }] }
  return throughScript({ ...call, via }, asked)
}

async function throughScript(
  call: Call,
  asked: Extract<ScriptCall, { kind: 'script' }>,
): Promise<Launched | undefined> {
  const found = await scriptsAround(asked.folder)
  const text = found?.scripts[asked.name]
  if (found === undefined || text === undefined) {
    const direct = call.words[0] !== 'npm'
    return direct
      ? { calls: [{ ...call, words: [asked.name, ...asked.args], cwd: asked.folder }] }
      : { opaque: `no script "${asked.name}" was found` }
  }
  const { folder, scripts } = found
  const main = [text, shellWords(asked.args)].filter((part) => part !== '').join(' ')
  const texts = [scripts[`pre${asked.name}`], main, scripts[`post${asked.name}`]].filter((part) => part !== undefined)
  return joined(texts.map((part) => shellText({ ...call, cwd: folder, words: [`package.json: ${part}`] }, part)))
}

function joined(parts: readonly Launched[]): Launched {
  const opaque = parts.find((part) => 'opaque' in part)
  return opaque ?? { calls: parts.flatMap((part) => ('calls' in part ? part.calls : [])) }
}

type Scripts = { readonly folder: string; readonly scripts: Readonly<Record<string, string | undefined>> }

/** The scripts of the nearest package.json (npm looks upwards too) or composer.json. */
async function scriptsAround(start: string): Promise<Scripts | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    const scripts = (await scriptsIn(join(folder, 'package.json'))) ?? (await scriptsIn(join(folder, 'composer.json')))
    if (scripts !== undefined) return { folder, scripts }
    if (folder === dirname(folder)) return undefined
  }
}

async function scriptsIn(path: string): Promise<Scripts['scripts'] | undefined> {
  try {
    const content = JSON.parse(await readFile(path, 'utf8')) as { scripts?: Record<string, unknown> }
    const pairs = Object.entries(content.scripts ?? {}).map(([name, text]) => [
      name,
      Array.isArray(text) ? text.join(' && ') : String(text),
    ])
    return Object.fromEntries(pairs)
  } catch {
    return undefined
  }
}
