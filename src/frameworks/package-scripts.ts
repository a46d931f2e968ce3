import { glob, readFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { shellWords } from '../shell-words.ts'
import type { Call } from './framework.ts'
import { packageProgram, shellText } from './launchers.ts'
import { leadingOptions, optionsAnywhere, type ReadOptions } from './options-in-words.ts'
import { joined, type Launched } from './started.ts'

const managers = new Set(['npm', 'pnpm', 'yarn', 'bun', 'composer'])

export function isPackageManager(program: string): boolean {
  return managers.has(basename(program))
}

/** What a package manager is asked to do. */
type ScriptCall = {
  /** `npm -w NAME`. */
  readonly workspace?: string
  /** `bun --env-file F`; earlier ones win. */
  readonly files?: readonly string[]
} & (
  | { readonly kind: 'script'; readonly name: string; readonly args: readonly string[]; readonly folder: string }
  | { readonly kind: 'program'; readonly words: readonly string[]; readonly folder: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'opaque'; readonly because: string }
)

const folderOptions = ['--prefix', '-C', '--dir', '--cwd', '--working-dir', '-d']
const workspaceOptions = ['-w', '--workspace', '-F', '--filter']
const valued = new Set([
  ...folderOptions,
  ...workspaceOptions,
  '-p',
  '--package',
  '--env-file',
  '-c',
  '--call',
  '--script-shell',
])

/** Which script or program `npm …`, `pnpm …`, `yarn …`, `bun …` starts, and in which folder. */
function scriptCallOf(words: readonly string[], cwd: string): ScriptCall {
  const manager = basename(words[0] ?? '')
  const { options, verb, rest } = manager === 'npm' ? npmWords(words.slice(1)) : otherWords(words.slice(1))
  const all = (names: readonly string[]) => names.flatMap((name) => options.get(name) ?? [])
  const folder = all(folderOptions).reduce((from, next) => resolve(from, next), cwd)
  const workspaces = all(manager === 'composer' ? [] : workspaceOptions)
  const [workspace] = workspaces
  const everywhere =
    ['-r', '--recursive', '--workspaces', '-ws'].some((name) => options.has(name)) || verb === 'workspaces'
  if (everywhere || workspaces.length > 1 || (workspace !== undefined && manager !== 'npm') || verb === 'workspace')
    return { kind: 'opaque', because: `${manager} runs it in workspaces` }
  if (options.has('--script-shell')) return { kind: 'opaque', because: `${manager} runs it in a shell of its own` }
  const files =
    manager === 'bun'
      ? all(['--env-file'])
          .flatMap((list) => list.split(','))
          .toReversed()
      : []
  const call = textOf(all(['-c', '--call']), manager, verb, folder) ?? callOfVerb(manager, verb, rest, folder)
  const placed = workspace === undefined ? call : { ...call, workspace }
  return files.length === 0 ? placed : { ...placed, files }
}

function textOf(
  texts: readonly string[],
  manager: string,
  verb: string | undefined,
  folder: string,
): ScriptCall | undefined {
  const text = texts.at(-1)
  const executes = manager === 'npm' && (verb === 'exec' || verb === 'x')
  return executes && text !== undefined ? { kind: 'program', words: ['sh', '-c', text], folder } : undefined
}

type Words = ReadOptions & { readonly verb: string | undefined }

// npm takes its options anywhere before `--`, also behind a script's name.
function npmWords(words: readonly string[]): Words {
  const end = words.indexOf('--')
  const { options, rest } = optionsAnywhere(end < 0 ? words : words.slice(0, end), valued)
  return { options, verb: rest[0], rest: [...rest.slice(1), ...(end < 0 ? [] : words.slice(end + 1))] }
}

const starters = new Set(['run', 'run-script', 'exec', 'x', 'dlx'])

// The others hand everything behind the script's name on.
function otherWords(words: readonly string[]): Words {
  const outer = leadingOptions(words, valued)
  const after = outer.rest.slice(1)
  const own = starters.has(outer.rest[0] ?? '')
  const inner: ReadOptions = own ? leadingOptions(after, valued) : { options: new Map(), rest: after }
  const names = [...new Set([...outer.options.keys(), ...inner.options.keys()])]
  const options = new Map(
    names.map((name) => [name, [...(outer.options.get(name) ?? []), ...(inner.options.get(name) ?? [])]]),
  )
  return { options, verb: outer.rest[0], rest: inner.rest }
}

function callOfVerb(manager: string, verb: string | undefined, rest: readonly string[], folder: string): ScriptCall {
  if (verb === undefined) return { kind: 'other' }
  if (['run', 'run-script', 'rum', 'urn'].includes(verb)) return scriptOrOther(manager, rest, folder)
  if (['exec', 'x', 'dlx'].includes(verb)) return { kind: 'program', words: rest, folder }
  if (manager === 'bun' && verb === 'test') return { kind: 'other' }
  const script = { kind: 'script', args: argumentsOf(manager, rest), folder } as const
  if (['test', 't', 'tst'].includes(verb)) return { ...script, name: 'test' }
  if (['start', 'stop', 'restart'].includes(verb)) return { ...script, name: verb }
  if (manager === 'bun' && /[./]/.test(verb)) return { kind: 'other' }
  // pnpm, yarn, bun and composer run a script, else a program of the project, by its bare name
  return manager === 'npm' ? { kind: 'other' } : { ...script, name: verb }
}

function scriptOrOther(manager: string, rest: readonly string[], folder: string): ScriptCall {
  const [name, ...args] = rest
  return name === undefined ? { kind: 'other' } : { kind: 'script', name, args: argumentsOf(manager, args), folder }
}

// npm's own `--` is gone already.
function argumentsOf(manager: string, rest: readonly string[]): readonly string[] {
  return manager !== 'npm' && rest[0] === '--' ? rest.slice(1) : rest
}

/** Sees through a package manager's call by reading the script's text, with what runs before and after it. */
export async function throughPackageManager(call: Call): Promise<Launched | undefined> {
  const asked = scriptCallOf(call.words, call.cwd)
  if (asked.kind === 'other') return undefined
  if (asked.kind === 'opaque') return { opaque: asked.because }
  const folder = asked.workspace === undefined ? asked.folder : await workspaceFolder(asked.folder, asked.workspace)
  if (folder === undefined) return { opaque: `the workspace "${asked.workspace}" was not found` }
  const via = [...call.via, call.words.join(' ')]
  const inside = { ...call, via, cwd: folder, envFiles: [...call.envFiles, ...(asked.files ?? [])] }
  if (asked.kind === 'program') return packageProgram(inside, asked.words)
  return throughScript(inside, { ...asked, folder })
}

async function throughScript(
  call: Call,
  asked: Extract<ScriptCall, { kind: 'script' }>,
): Promise<Launched | undefined> {
  const manager = basename(call.words[0] ?? '')
  const found = await scriptsAround(asked.folder, manager)
  const text = found?.scripts[asked.name]
  if (found === undefined || text === undefined) return withoutScript(call, asked, manager)
  const { folder, scripts } = found
  if (manager === 'composer') return throughComposer({ ...call, cwd: folder }, text, asked.args)
  const main = [text.join(' && '), shellWords(asked.args)].filter((part) => part !== '').join(' ')
  const around = (when: string) => scripts[`${when}${asked.name}`] ?? []
  const texts = [...around('pre'), main, ...around('post')]
  return joined(texts.map((part) => shellText({ ...call, cwd: folder, words: [`package.json: ${part}`] }, part)))
}

// What pnpm, yarn and bun do not find among the scripts is a program of the project; composer's own commands start none.
function withoutScript(
  call: Call,
  { name, args, folder }: Extract<ScriptCall, { kind: 'script' }>,
  manager: string,
): Launched | undefined {
  if (manager === 'npm') return { opaque: `no script "${name}" was found` }
  return manager === 'composer' ? undefined : { calls: [{ ...call, words: [name, ...args], cwd: folder }] }
}

// Composer, "Scripts": @php, @composer, @another-script, @putenv NAME=VALUE, Class::method; the user's arguments go to each.
function throughComposer(call: Call, lines: readonly string[], args: readonly string[]): Launched {
  const environment = { ...call.environment }
  const parts = lines.map((line): Launched => {
    const put = /^@putenv (\w+)=(.*)$/.exec(line)
    if (put?.[1] !== undefined) environment[put[1]] = put[2]
    if (put !== null) return { calls: [] }
    if (/^[\w\\]+(?:::\w+)?$/.test(line) && line.includes('\\')) return { opaque: `composer calls ${line}` }
    const spelled = line
      .replace(/^@php\b/, 'php')
      .replace(/^@composer\b/, 'composer')
      .replace(/^@(?=[\w:-])/, 'composer run ')
    const text = spelled.includes('@no_additional_args')
      ? spelled.replace('@no_additional_args', '')
      : [spelled, shellWords(args)].join(' ').trim()
    return shellText({ ...call, environment: { ...environment }, words: [`composer.json: ${line}`] }, text)
  })
  return joined(parts)
}

type Scripts = Readonly<Record<string, readonly string[] | undefined>>
type Found = { readonly folder: string; readonly scripts: Scripts }

/** The scripts of the nearest package.json (npm looks upwards too), or of composer's own file in the folder. */
async function scriptsAround(start: string, manager: string): Promise<Found | undefined> {
  if (manager === 'composer') {
    const scripts = await scriptsIn(join(start, 'composer.json'))
    return scripts && { folder: start, scripts }
  }
  for (let folder = start; ; folder = dirname(folder)) {
    const scripts = await scriptsIn(join(folder, 'package.json'))
    if (scripts !== undefined) return { folder, scripts }
    if (folder === dirname(folder)) return undefined
  }
}

type Manifest = { readonly name?: string; readonly scripts?: Record<string, unknown>; readonly workspaces?: unknown }

async function manifestIn(path: string): Promise<Manifest | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Manifest
  } catch {
    return undefined
  }
}

async function scriptsIn(path: string): Promise<Scripts | undefined> {
  const manifest = await manifestIn(path)
  if (manifest === undefined) return undefined
  const pairs = Object.entries(manifest.scripts ?? {})
  return Object.fromEntries(
    pairs.map(([name, text]) => [name, Array.isArray(text) ? text.map(String) : [String(text)]]),
  )
}

/** The folder of an npm workspace, named by its folder or by its package's name. */
async function workspaceFolder(root: string, name: string): Promise<string | undefined> {
  const direct = resolve(root, name)
  if ((await manifestIn(join(direct, 'package.json'))) !== undefined) return direct
  const stated = (await manifestIn(join(root, 'package.json')))?.workspaces
  const patterns = Array.isArray(stated) ? stated.map(String) : []
  for (const pattern of patterns) {
    for await (const file of glob(`${pattern}/package.json`, { cwd: root }))
      if ((await manifestIn(join(root, file)))?.name === name) return dirname(join(root, file))
  }
  return undefined
}
