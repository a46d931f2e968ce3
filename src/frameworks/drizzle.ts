import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parse } from 'dotenv'
import type { Io } from '../effects/io.ts'
import type { Values } from '../environment/env-file.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { askNode, settingsOf, shownPath, startsTool, type Told, type Tool } from './node-configuration.ts'
import { engineOfClient, type Settings } from './node-connection.ts'
import { harmless, recognised, unknown } from './node-recognition.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'

const tool: Tool = { programs: ['drizzle-kit'], packages: ['drizzle-kit'] }

// pull only reads; generate, check, up, drop and export work on files.
const writing = new Set(['push', 'migrate', 'studio'])

/** Drizzle Kit (https://orm.drizzle.team/docs/drizzle-config-file; `drizzleConfigFromFile` in its `bin.cjs`); it loads `.env` itself. */
export const drizzle: Framework = {
  name: 'Drizzle',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), new Set(['--config'])).rest[0]?.replace(/:.*$/, '') ?? ''
    if (!writing.has(command)) return harmless(`drizzle-kit ${command} changes no database`)
    const onLine = command === 'push' ? optionsOf(call.words) : undefined
    return onLine === undefined ? ofConfig(io, call, command) : ofLine(call, command, onLine)
  },
}

type Configuration = {
  readonly dialect: string
  readonly driver?: string
  readonly credentials: Settings
  readonly file: string
}

// push takes its connection from the line, and then reads no configuration file.
const credentialNames = ['url', 'host', 'port', 'user', 'password', 'database'] as const

/** The credentials on the line of `drizzle-kit push`; undefined where the configuration file counts. */
function optionsOf(words: readonly string[]): Configuration | undefined {
  const last = (name: string) => valuesOf(words, [name]).at(-1)
  const pairs = credentialNames.map((name) => [name, last(`--${name}`)] as const)
  const credentials = Object.fromEntries(pairs.filter(([, value]) => value !== undefined))
  const dialect = last('--dialect')
  if (dialect === undefined || Object.keys(credentials).length === 0) return undefined
  const driver = last('--driver')
  return { dialect, ...(driver === undefined ? {} : { driver }), credentials, file: 'command line' }
}

async function ofLine(call: Call, command: string, configuration: Configuration): Promise<Recognition> {
  return recognition(
    call,
    command,
    configuration,
    { value: undefined, values: await settingsOf(call), files: [] },
    'rules',
  )
}

async function ofConfig(io: Io, call: Call, command: string): Promise<Recognition> {
  const preset = await ownEnvFile(call)
  const given = { config: valuesOf(call.words, ['--config']).at(-1) }
  const told = await askNode(io, call, { script, given, preset })
  if ('problem' in told) return unknown(`drizzle-kit was asked for its configuration and gave none: ${told.problem}`)
  const file = preset.size > 0 && !told.files.includes('.env') ? ['.env'] : []
  return recognition(call, command, told.value as Configuration, { ...told, files: [...file, ...told.files] }, 'asked')
}

// With `dotenv/config`, bundled in bin.cjs: `.env` of the working directory, unexpanded, existing variables win.
async function ownEnvFile(call: Call): Promise<Values> {
  const text = await readFile(resolve(call.cwd, '.env'), 'utf8').catch(() => '')
  return new Map(Object.entries(parse(text)).map(([key, value]) => [key, { value, label: '.env' }]))
}

function recognition(
  call: Call,
  command: string,
  found: Configuration,
  told: Told,
  by: 'asked' | 'rules',
): Recognition {
  const { dialect, driver, credentials } = found
  const label = by === 'asked' ? shownPath(call, found.file) : found.file
  if (driver !== undefined && driver !== 'd1-http')
    return unknown(`${label} uses the driver ${driver}, which is not handled here`)
  const engine = engineOfClient(dialect === 'turso' ? 'sqlite' : dialect)
  if (engine === undefined || driver !== undefined)
    return unknown(`${label} names an engine that is not handled here (${dialect})`)
  return recognised(call, told, {
    settings: credentials,
    driver: { engine, folder: call.cwd, environment: told.values },
    by,
    label,
    reason: `drizzle-kit ${command} uses ${label}`,
  })
}

const script = `
  const need = requireFrom(folderOf('drizzle-kit'))
  const standard = ['ts', 'js', 'json'].map((type) => 'drizzle.config.' + type).find((name) => fs.existsSync(name))
  const file = path.resolve(given.config ?? standard ?? 'drizzle.config.json')
  if (!fs.existsSync(file)) throw new Error(path.basename(file) + ' does not exist')
  const register = () => {
    try { need('tsx/cjs/api').register() } catch { need('esbuild-register/dist/node').register({ format: 'cjs', loader: 'ts' }) }
  }
  if (typeof globalThis.Bun === 'undefined') register()
  const loaded = requireFrom(process.cwd())(file), config = loaded.default ?? loaded
  return { dialect: config.dialect ?? config.driver, driver: config.dialect ? config.driver : undefined, credentials: reveal(config.dbCredentials ?? {}), file }
`
