import { basename, resolve } from 'node:path'
import type { Environment, Io } from '../effects/io.ts'
import { layered } from '../environment/env-chains.ts'
import type { Value, Values } from '../environment/env-file.ts'
import { answerMarker, askProgram } from './ask.ts'
import type { Call } from './framework.ts'
import { loadedEnvironment } from './loaded-environment.ts'

/** What a project's configuration says, and the env files that it read on the way. */
export type Told = { readonly value: unknown; readonly values: Values; readonly files: readonly string[] }

export type Untold = { readonly problem: string }

/** A tool of the project: how it is called, and the packages that hold it. */
export type Tool = { readonly programs: readonly string[]; readonly packages: readonly string[] }

/** Whether the call starts the tool: `knex`, `knex@3`, `node_modules/.bin/knex`, `node_modules/knex/bin/cli.js`. */
export function startsTool({ words }: Call, { programs, packages }: Tool): boolean {
  const program = (words[0] ?? '').replace(/(?<=.)@[\w.^~*-]+$/, '')
  const inPackage = packages.some((name) => program.includes(`node_modules/${name}/`))
  return inPackage || programs.includes(basename(program)) || packages.includes(program)
}

/** The question to a tool's own package, as the body of an async function in the project's Node. */
export type Question = {
  /** JavaScript; `given` is what is asked, `folderOf`, `requireFrom`, `reveal` are there, what it returns is the answer. */
  readonly script: string
  readonly given: Readonly<Record<string, unknown>>
  /** Variables that the tool itself sets before it loads its configuration, where they are not set yet. */
  readonly preset?: Values
  /** Arguments for Node that the tool's own start-up adds. */
  readonly flags?: readonly string[]
}

/**
 * Asks the configuration of a project through the project's own Node, the loader that the call names (`tsx`, `node -r X`) and
 * the tool's own package, in the call's folder and environment.
 */
export async function askNode(io: Io, call: Call, question: Question): Promise<Told | Untold> {
  // What is set already wins over what a tool loads; in the environment and not in an argument, since it holds passwords.
  const settings: Values = layered([question.preset ?? new Map(), await settingsOf(call)])
  const { program, flags } = runtimeOf(call)
  const given = JSON.stringify({ ...question.given, argv: call.words })
  const asked = { ...call, environment: { ...quickLoading, ...plain(settings) } }
  const answer = await askProgram(io, asked, program, [
    ...flags,
    ...(question.flags ?? []),
    '-e',
    `${prelude}\nrun(async () => {${question.script}\n})`,
    given,
  ])
  return 'problem' in answer ? answer : toldBy(answer.value, settings)
}

/** What the call finds in its environment: the env files that its line loads, and its variables over them. */
export async function settingsOf(call: Call): Promise<Values> {
  return (await loadedEnvironment(call)).values
}

// Types are checked when the command itself runs: that takes ts-node longer than we wait.
const quickLoading: Environment = { TS_NODE_TRANSPILE_ONLY: 'true' }

function plain(values: Values): Record<string, string> {
  return Object.fromEntries([...values].map(([key, { value }]) => [key, value]))
}

/** The runtime and loader that the call's line named before see-through stripped them. */
function runtimeOf(call: Call): { readonly program: string; readonly flags: readonly string[] } {
  const launched = call.via.map((line) => line.split(/\s+/))
  const line = launched.findLast(([program = '']) => runtimes.has(basename(program)))
  const [program = '', ...args] = line ?? []
  switch (basename(program)) {
    case 'tsx':
      return { program: 'node', flags: ['--import', 'tsx'] }
    case 'ts-node':
      return { program: 'node', flags: ['-r', 'ts-node/register'] }
    case 'bun':
    case 'bunx':
      return args.includes('--bun') || args.includes('-b')
        ? { program: 'bun', flags: [] }
        : { program: 'node', flags: [] }
    case 'node':
      return { program, flags: loadersAmong(args) }
    default:
      return { program: 'node', flags: [] }
  }
}

const runtimes = new Set(['node', 'tsx', 'ts-node', 'bun', 'bunx'])

const loaderOptions = new Set([
  '-r',
  '--require',
  '--import',
  '--loader',
  '--experimental-loader',
  '-C',
  '--conditions',
])

function loadersAmong(args: readonly string[]): readonly string[] {
  const flags: string[] = []
  for (let index = 0; (args[index] ?? '').startsWith('-'); index++) {
    const word = args[index] ?? ''
    if (loaderOptions.has(word)) flags.push(word, args[++index] ?? '')
    else if (/^--(?:require|import|loader|experimental-[\w-]+|conditions)(?:=|$)/.test(word)) flags.push(word)
  }
  return flags
}

type Reply = {
  readonly value?: unknown
  readonly problem?: string
  readonly files?: readonly string[]
  readonly set?: Readonly<Record<string, string>>
}

function toldBy(reply: unknown, settings: Values): Told | Untold {
  const { value, problem, files = [], set = {} } = reply as Reply
  if (problem !== undefined) return { problem }
  const label = files.length > 0 ? files.join(', ') : 'configuration'
  const loaded = Object.entries(set).map(([key, text]): [string, Value] => [key, { value: text, label }])
  return { value, values: new Map([...settings, ...loaded]), files }
}

/** The keys whose values hold the text, so that a database is shown with the variable that named it. */
export function keysHolding(values: Values, text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return []
  return [...values].filter(([, { value }]) => value === text).map(([key]) => key)
}

/** A path of the project as a person would write it. */
export function shownPath(call: Call, path: string): string {
  const absolute = resolve(call.cwd, path)
  return absolute.startsWith(`${call.cwd}/`) ? absolute.slice(call.cwd.length + 1) : absolute
}

// Env files are recognised as they are read, whoever reads them: the answer then names them. Only names leave the process.
const prelude = `
const fs = require('node:fs'), path = require('node:path'), url = require('node:url'), { createRequire } = require('node:module')
const given = JSON.parse(process.argv[1] ?? process.argv.at(-1))
process.argv = [process.execPath, ...given.argv]
const started = process.cwd(), files = new Set()
for (const [owner, name] of [[fs, 'readFileSync'], [fs, 'readFile'], [fs.promises, 'readFile']]) {
  const original = owner[name]
  owner[name] = function (file, ...rest) {
    const text = typeof file === 'string' ? file : file instanceof URL ? url.fileURLToPath(file) : ''
    const read = original.call(this, file, ...rest)
    if (/^\\.env(\\..+)?$|\\.env$/.test(path.basename(text)) && fs.existsSync(text)) files.add(path.relative(started, path.resolve(text)))
    return read
  }
}
const before = { ...process.env }
const end = (reply) => {
  const set = Object.fromEntries(Object.entries(process.env).filter(([key, value]) => before[key] !== value))
  fs.writeSync(1, '\\n${answerMarker}' + JSON.stringify({ ...reply, files: [...files], set }) + '\\n')
  process.exit(0)
}
const fail = (error) => end({ problem: String(error?.message ?? error).split('\\n')[0].replace(/:\\/\\/[^@\\s]*@/g, '://***@') })
const folderOf = (name, from = process.cwd()) => {
  for (let folder = path.resolve(from); ; folder = path.dirname(folder)) {
    const found = path.join(folder, 'node_modules', name)
    if (fs.existsSync(found)) return fs.realpathSync(found)
    if (folder === path.dirname(folder)) throw new Error(name + ' is not installed in the project')
  }
}
const requireFrom = (folder) => createRequire(path.join(folder, 'x.js'))
const names = ['url', 'uri', 'connectionString', 'host', 'hostname', 'server', 'port', 'user', 'username', 'password', 'database', 'socketPath',
  'socket', 'filename', 'storage']
const plainTypes = new Set(['string', 'number', 'boolean'])
const reveal = (settings) => {
  if (settings === null || typeof settings !== 'object') return settings
  const kept = names.filter((name) => plainTypes.has(typeof settings[name])).map((name) => [name, settings[name]])
  return { ...Object.fromEntries(kept), ssl: Boolean(settings.ssl) && settings.ssl !== 'disable' }
}
const run = (question) => { process.on('uncaughtException', fail); process.on('unhandledRejection', fail); question().then((value) => end({ value }), fail) }
`
