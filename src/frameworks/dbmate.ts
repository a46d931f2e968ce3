import { resolve } from 'node:path'
import { readEnvFile, type Values } from '../environment/env-file.ts'
import type { EngineName } from '../target/target.ts'
import { parseUrl, type Stated, type Unusable } from '../target/url.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { namedCandidate } from './named.ts'
import { settingsOf, startsTool } from './node-configuration.ts'
import { harmless, unknown } from './node-recognition.ts'
import { leadingOptions, type ReadOptions } from './options-in-words.ts'

const valued = new Set([
  ...['-u', '--url', '-e', '--env', '--env-file', '--driver', '-d', '--migrations-dir', '--migrations-table'],
  ...['-s', '--schema-file', '--wait-timeout', '--wait-interval'],
])

const harmlessCommands = new Set(['', 'new', 'n', 'status', 'dump', 'wait', 'help', 'h', 'create'])

/**
 * dbmate (https://github.com/amacneil/dbmate, "Command Line Options" and "Loading .env files"): `--url`, else the variable of `--env`
 * (`DATABASE_URL`); `.env`, or just the files of `--env-file`, where variables that are set already win.
 */
export const dbmate: Framework = {
  name: 'dbmate',
  async recognise(_io, call) {
    if (!startsTool(call, { programs: ['dbmate'], packages: ['dbmate'] })) return undefined
    const read = leadingOptions(call.words.slice(1), valued)
    const command = read.rest[0] ?? ''
    if (harmlessCommands.has(command) || read.options.has('--help') || read.options.has('--version'))
      return harmless(`dbmate ${command} changes no database`)
    return recognition(call, command, read)
  },
}

async function recognition(call: Call, command: string, { options }: ReadOptions): Promise<Recognition> {
  const { values, files } = await valuesFor(call, options.get('--env-file') ?? [])
  const last = (...names: string[]) => names.flatMap((name) => options.get(name) ?? []).at(-1) || undefined
  const flag = last('-u', '--url')
  const variable = last('-e', '--env') ?? 'DATABASE_URL'
  const found = values.get(variable)
  const url = flag ?? found?.value
  if (url === undefined || url === '') return unknown(`dbmate finds no URL in ${variable}`)
  const stated = readUrl(url, call.cwd)
  const label = flag === undefined ? (found?.label ?? variable) : '--url'
  if ('problem' in stated) return unknown(`${label} ${stated.problem}`)
  if (stated.database === undefined) return unknown(`${label} names no database`)
  const keys = flag === undefined ? [variable] : ['--url']
  const origin = {
    label,
    keys,
    reason: reasonOf(command, flag, variable, label),
    files: files.includes(label) ? [label] : [],
    values,
  }
  return { state: 'known', by: 'rules', candidates: [namedCandidate(stated, call, origin)], notes: [] }
}

function reasonOf(command: string, flag: string | undefined, variable: string, label: string): string {
  return flag === undefined ? `dbmate ${command} uses ${variable} of ${label}` : `dbmate ${command} is given --url`
}

// godotenv.Load, file after file: what is set already stays, so the first file and the environment win.
async function valuesFor(call: Call, named: readonly string[]): Promise<{ values: Values; files: readonly string[] }> {
  const outer = await settingsOf(call)
  const files = await Promise.all(
    (named.length > 0 ? named : ['.env']).map((file) => readEnvFile(call.cwd, file, call.environment)),
  )
  const read = files.filter((file) => file.state === 'read')
  const layers = [...read.map((file) => file.values)].reverse()
  return {
    values: new Map([...layers.flatMap((layer) => [...layer]), ...outer]),
    files: read.map((file) => file.label),
  }
}

function readUrl(url: string, cwd: string): Stated | Unusable {
  // sqlite:///x is absolute here, whatever is there (pkg/driver/sqlite); elsewhere it may be relative
  const absolute = /^sqlite3?:\/\/(\/[^/?].*?)(?:\?.*)?$/.exec(url)?.[1]
  if (absolute !== undefined) return { engine: 'sqlite', database: resolve(absolute) }
  const stated = parseUrl(url, cwd)
  return 'problem' in stated ? stated : { ...stated, ...placeOf(stated) }
}

const standardSocket = '/var/run/postgresql'

// pq and Go's MySQL driver go over TCP to `localhost`; dbmate gives pq the standard socket where no host is named.
function placeOf(stated: Stated): Partial<Stated> {
  const places: Record<EngineName, Partial<Stated>> = {
    sqlite: {},
    postgres: stated.host === undefined && stated.socket === undefined ? { socket: standardSocket } : {},
    mysql: stated.socket === undefined && (stated.host ?? 'localhost') === 'localhost' ? { host: '127.0.0.1' } : {},
  }
  return places[stated.engine]
}
