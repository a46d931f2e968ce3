import type { Framework } from './framework.ts'
import { askNode, startsTool, type Tool } from './node-configuration.ts'
import { harmless, recognised, unknown } from './node-recognition.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'

const tool: Tool = { programs: ['node-pg-migrate'], packages: ['node-pg-migrate'] }

const valued = new Set([
  ...['-d', '--database-url-var', '-m', '--migrations-dir', '-t', '--migrations-table', '-s', '--schema'],
  ...['-f', '--config-file', '--config-value', '-j', '--migration-file-language', '--envPath', '--ignore-pattern'],
  ...['--migrations-schema', '--template-file-name', '--tsconfig', '--migration-filename-format', '--lock-value'],
])

/**
 * node-pg-migrate (https://salsita.github.io/node-pg-migrate/cli; `bin/node-pg-migrate`): `.env` or `--envPath` where dotenv is
 * installed, the variable of `-d`, the `config` package, `--config-file`, then `PG*`.
 */
export const nodePgMigrate: Framework = {
  name: 'node-pg-migrate',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), valued).rest[0] ?? ''
    if (!['up', 'down', 'redo'].includes(command)) return harmless(`node-pg-migrate ${command} touches no database`)
    const last = (...names: string[]) => valuesOf(call.words, names).at(-1)
    const variable = last('-d', '--database-url-var') ?? 'DATABASE_URL'
    const given = {
      variable,
      section: last('--config-value') ?? 'db',
      file: last('-f', '--config-file'),
      envPath: last('--envPath', '--env-path'),
    }
    const told = await askNode(io, call, { script, given })
    if ('problem' in told) return unknown(`node-pg-migrate was asked for its database and gave none: ${told.problem}`)
    const { connection, label } = told.value as { connection: unknown; label: string }
    return recognised(call, told, {
      settings: connection,
      driver: { engine: 'postgres', folder: call.cwd, environment: told.values },
      by: 'asked',
      label: told.files[0] !== undefined && label === variable ? told.files[0] : label,
      reason: `node-pg-migrate ${command} uses ${label}`,
    })
  },
}

// The steps of bin/node-pg-migrate, with the dotenv, config and loader that it would find.
const script = `
  const folder = folderOf('node-pg-migrate'), need = requireFrom(folder)
  const optional = (name) => { try { return need(name) } catch (error) { if (/MODULE_NOT_FOUND|ERR_PACKAGE/.test(error.code)) return undefined; throw error } }
  const dotenv = optional('dotenv')
  if (dotenv) {
    const loaded = dotenv.config(given.envPath ? { path: given.envPath, quiet: true } : { quiet: true })
    optional('dotenv-expand')?.expand?.(loaded)
  }
  let connection = process.env[given.variable], label = given.variable
  const take = (json, from) => {
    const ours = json && typeof json === 'object' ? ofObject(json) : json
    if (ours !== undefined && (!connection || json?.['database-url-var'] !== undefined)) { connection = ours; label = from }
  }
  const ofObject = (json) => {
    const named = json['database-url-var']
    if (typeof named === 'string' || (typeof named === 'object' && named !== null)) return named
    if (json.url) return json.url
    if (!(json.host || json.port || json.name || json.database)) return undefined
    return { user: json.user, host: json.host || 'localhost', database: json.name || json.database, password: json.password, port: json.port || 5432, ssl: json.ssl }
  }
  process.env.SUPPRESS_NO_CONFIG_WARNING = 'yes'
  const config = optional('config')
  if (config?.has?.(given.section)) take(config.get(given.section), 'config/, section ' + given.section)
  if (given.file) {
    const jiti = optional('jiti'), target = path.resolve(given.file)
    const loaded = jiti?.createJiti ? await jiti.createJiti(path.join(folder, 'x.js')).import(target) : need(target)
    const json = loaded?.default ?? loaded
    take(json && typeof json === 'object' && given.section in json ? json[given.section] : json, given.file)
  }
  if (!connection && !process.env.PGHOST) throw new Error(given.variable + ' is not set')
  return connection ? { connection: reveal(connection), label } : { connection: {}, label: 'the PG* variables' }
`
