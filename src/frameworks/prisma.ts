import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Io } from '../effects/io.ts'
import type { Values } from '../environment/env-file.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { namedByUrl } from './named.ts'
import {
  askNode,
  keysHolding,
  settingsOf,
  shownPath,
  startsTool,
  type Told,
  type Tool,
  type Untold,
} from './node-configuration.ts'
import { harmless, unknown } from './node-recognition.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'
import { type Loaded, loadedByPrisma } from './prisma-environment.ts'
import { findSchema, type Schema, type SchemaValue, shownSchema } from './prisma-schema.ts'

const tool: Tool = { programs: ['prisma', 'prisma2'], packages: ['prisma'] }

const writing = /^(?:migrate (?:dev|deploy|reset|resolve|up|down|save)|db (?:push|execute|seed|drop)|studio)\b/

/**
 * Prisma (https://www.prisma.io/docs/orm/reference/prisma-cli-reference and prisma-config-reference). 6 reads the schema's datasource and
 * loads env files itself, unless there is a prisma.config.ts; 7 loads none, and the configuration alone names the database.
 */
export const prisma: Framework = {
  name: 'Prisma',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), new Set(['--config', '--schema']))
      .rest.slice(0, 2)
      .join(' ')
    if (!writing.test(command) || call.words.includes('--help') || call.words.includes('-h'))
      return harmless(`prisma ${command} changes no database`)
    const url = valuesOf(call.words, ['--url']).at(-1)
    if (url !== undefined)
      return ofUrl(call, {
        url,
        command,
        label: '--url',
        folder: call.cwd,
        by: 'rules',
        files: [],
        values: await settingsOf(call),
      })
    return recognise(io, call, command)
  },
}

type Configuration = {
  readonly version?: string
  readonly file?: string
  readonly schema?: string
  readonly url?: string
  readonly directUrl?: string
  readonly adapter?: boolean
}

async function recognise(io: Io, call: Call, command: string): Promise<Recognition> {
  const told = await configurationOf(io, call)
  if ('problem' in told) return unknown(`prisma was asked for its configuration and gave none: ${told.problem}`)
  const configuration = told.value as Configuration
  const major = Number.parseInt(configuration.version ?? '', 10)
  if (Number.isNaN(major))
    return unknown('prisma is not installed in the project, and its versions differ in what they read')
  return major >= 7 ? ofConfiguration(call, command, configuration, told) : ofSchema(call, command, configuration, told)
}

// Only a project with a configuration file needs to be asked; without one Prisma 6 has its rules.
async function configurationOf(io: Io, call: Call): Promise<Told | Untold> {
  const named = valuesOf(call.words, ['--config']).at(-1)
  const version = await installedVersion(call.cwd)
  const plain = named === undefined && Number.parseInt(version ?? '', 10) < 7 && !hasConfiguration(call.cwd)
  if (plain) return { value: { version }, values: await settingsOf(call), files: [] }
  return askNode(io, call, { script, given: { config: named } })
}

const extensions = ['js', 'ts', 'mjs', 'cjs', 'mts', 'cts']

function hasConfiguration(cwd: string): boolean {
  return extensions.some(
    (type) => existsSync(join(cwd, `prisma.config.${type}`)) || existsSync(join(cwd, `.config/prisma.${type}`)),
  )
}

async function installedVersion(start: string): Promise<string | undefined> {
  for (let folder = start; ; folder = dirname(folder)) {
    const text = await readFile(join(folder, 'node_modules/prisma/package.json'), 'utf8').catch(() => undefined)
    if (text !== undefined) return (JSON.parse(text) as { version?: string }).version
    if (folder === dirname(folder)) return declaredVersion(start)
  }
}

async function declaredVersion(cwd: string): Promise<string | undefined> {
  const text = await readFile(join(cwd, 'package.json'), 'utf8').catch(() => '{}')
  return /"prisma"\s*:\s*"\D{0,2}(\d+)[^"]*"/.exec(text)?.[1]
}

// 7: what the configuration names; a relative SQLite path counts from the configuration's folder.
function ofConfiguration(call: Call, command: string, { file, url }: Configuration, told: Told): Recognition {
  if (file === undefined) return unknown('prisma 7 reads its database from prisma.config.ts, and there is none')
  const label = shownPath(call, file)
  if (command.startsWith('db seed'))
    return unknown(`prisma db seed runs a program that chooses its own connection (${label})`)
  if (url === undefined) return unknown(`${label} names no datasource.url`)
  return ofConfigured(call, { command, file, url }, told)
}

async function ofSchema(call: Call, command: string, configuration: Configuration, told: Told): Promise<Recognition> {
  if (configuration.adapter === true) return unknown('prisma.config connects through an adapter of its own')
  const schema = await findSchema(call, valuesOf(call.words, ['--schema']).at(-1) ?? configuration.schema)
  if (configuration.url !== undefined) return ofOverriding(call, command, configuration, told)
  if (schema === undefined) return unknown('prisma finds no schema with a datasource')
  // A configuration file stops Prisma from loading env files: only what that file loaded itself counts.
  const loaded: Loaded = configuration.file === undefined ? await loadedByPrisma(call, schema.path) : told
  if ('problem' in loaded) return unknown(loaded.problem)
  return ofDatasource(call, command, schema, loaded)
}

// 6.18 and later: `datasource` of the configuration beats the schema's block.
function ofOverriding(
  call: Call,
  command: string,
  { file = '', url = '', directUrl }: Configuration,
  told: Told,
): Recognition {
  const label = shownPath(call, file)
  const used = command.startsWith('db seed') ? url : (directUrl ?? url)
  if (/^file:(?!\/)/.test(used))
    return unknown(`${label} names a relative file, which versions of Prisma 6 count from different folders`)
  return ofConfigured(call, { command, file, url: used }, told)
}

type Configured = { readonly command: string; readonly file: string; readonly url: string }

function ofConfigured(call: Call, { command, file, url }: Configured, { files, values }: Told): Recognition {
  return ofUrl(call, { url, command, label: shownPath(call, file), folder: dirname(file), by: 'asked', files, values })
}

type Environment = { readonly values: Values; readonly files: readonly string[] }

function ofDatasource(call: Call, command: string, schema: Schema, { values, files }: Environment): Recognition {
  const { provider, url, directUrl } = schema.datasource
  const label = shownSchema(call, schema)
  if (!['postgresql', 'postgres', 'mysql', 'sqlite'].includes(provider))
    return unknown(`${label} names an engine that is not handled here (${provider})`)
  // Migrate and db push go around a pooler; the client that seeds does not.
  const used = command.startsWith('db seed') ? url : (directUrl ?? url)
  const text = textOf(used, values)
  if (text === undefined) return unknown(`${label} takes its url from ${nameOf(used)}, which is not set`)
  return ofUrl(call, { url: text, command, label, folder: dirname(schema.file), by: 'rules', files, values })
}

function textOf(value: SchemaValue | undefined, values: Values): string | undefined {
  if (value === undefined) return undefined
  return 'literal' in value ? value.literal : values.get(value.variable)?.value || undefined
}

function nameOf(value: SchemaValue | undefined): string {
  return value !== undefined && 'variable' in value ? value.variable : 'nothing'
}

type UrlFound = {
  readonly url: string
  readonly command: string
  readonly label: string
  readonly folder: string
  readonly by: 'asked' | 'rules'
  readonly files: readonly string[]
  readonly values: Values
}

function ofUrl(call: Call, found: UrlFound): Recognition {
  const { url, command, label, folder, by, files, values } = found
  if (/^prisma(?:\+\w+)?:/.test(url))
    return unknown(`${label} goes through Prisma's own service; its database is not named`)
  const keys = keysHolding(values, url)
  const origins = new Set(keys.map((key) => values.get(key)?.label ?? ''))
  const behind = files.filter((file) =>
    [...origins].some((origin) => origin === file || origin.split(', ').includes(file)),
  )
  const origin = { label, keys, reason: `prisma ${command} uses ${sayKeys(keys, label)}`, files: behind, values }
  const candidate = namedByUrl(overTcp(url), call, origin, folder)
  return 'problem' in candidate
    ? unknown(`${label} ${candidate.problem}`)
    : { state: 'known', by, candidates: [candidate], notes: [] }
}

function sayKeys(keys: readonly string[], label: string): string {
  return keys.length === 0 ? label : `${keys.join(', ')} of ${label}`
}

// Prisma's engine goes over TCP to `localhost`, where MySQL's own clients mean the socket.
function overTcp(url: string): string {
  return url.replace(/^(mysql:\/\/(?:[^/?#]*@)?)localhost(?=[:/?]|$)/, '$1127.0.0.1')
}

const script = `
  const folder = folderOf('prisma'), { version } = JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'))
  const { loadConfigFromFile } = requireFrom(folder)('@prisma/config')
  const { config, resolvedPath, error } = await loadConfigFromFile({ configFile: given.config, configRoot: process.cwd() })
  if (error) throw error.error ?? new Error(error._tag)
  const { datasource = {}, schema, adapter, engine } = config
  return { version, file: resolvedPath ?? undefined, schema, url: datasource.url, directUrl: datasource.directUrl, adapter: Boolean(adapter) || engine === 'js' }
`
