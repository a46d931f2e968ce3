import { defaultPort } from '../target/target.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { askNode, startsTool, type Tool } from './node-configuration.ts'
import { engineOfClient } from './node-connection.ts'
import { harmless, recognised, unknown } from './node-recognition.ts'
import { leadingOptions } from './options-in-words.ts'

const tool: Tool = { programs: ['sequelize', 'sequelize-cli'], packages: ['sequelize-cli'] }

const valued = new Set([
  '--env',
  '--config',
  '--options-path',
  '--migrations-path',
  '--seeders-path',
  '--models-path',
  '--url',
  '--to',
  '--name',
  '--from',
  '--seed',
])

/** sequelize-cli (https://github.com/sequelize/cli, `lib/helpers/config-helper.js`): `.sequelizerc`, the file or `--url`, the environment. */
export const sequelize: Framework = {
  name: 'Sequelize',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), valued).rest[0] ?? ''
    if (!command.startsWith('db:') || call.words.includes('--help'))
      return harmless(`sequelize ${command} touches no database`)
    if (command === 'db:create') return harmless('sequelize db:create makes a database that is not there')
    const told = await askNode(io, call, { script, given: {} })
    if ('problem' in told) return unknown(`sequelize was asked for its configuration and gave none: ${told.problem}`)
    return recognition(call, command, told.value as Answer, told)
  },
}

type Answer = {
  readonly file: string
  readonly environment: string
  readonly dialect: string
  readonly settings: Record<string, unknown>
}

function recognition(call: Call, command: string, answer: Answer, told: Parameters<typeof recognised>[1]): Recognition {
  const { file, environment, dialect } = answer
  const engine = engineOfClient(dialect)
  if (engine === undefined) return unknown(`${file} names an engine that is not handled here (${dialect})`)
  return recognised(call, told, {
    settings: engine === 'sqlite' ? storageOf(answer.settings) : withDefaults(answer.settings, engine),
    driver: { engine, folder: call.cwd, environment: told.values },
    by: 'asked',
    label: file,
    reason: `sequelize ${command} uses ${file}, environment ${environment}`,
  })
}

// Sequelize fills in host and port itself, so `PGHOST` never counts (`lib/sequelize.js`, `lib/dialects/postgres/connection-manager.js`).
function withDefaults(settings: Record<string, unknown>, engine: 'postgres' | 'mysql'): Record<string, unknown> {
  const { url: _, ...parts } = settings
  return { ...parts, host: parts['host'] ?? 'localhost', port: parts['port'] ?? defaultPort[engine] }
}

// `storage`, else `host`, else memory (`lib/dialects/sqlite/connection-manager.js`); `database` is only a name there.
function storageOf(settings: Record<string, unknown>): Record<string, unknown> {
  return { storage: settings['storage'] ?? settings['host'] ?? ':memory:' }
}

// With the command line's own module: it reads the arguments, .sequelizerc and NODE_ENV as the command itself will.
const script = `
  const need = requireFrom(folderOf('sequelize-cli'))
  const helpers = need('./lib/helpers/index'), { config: helper, generic } = helpers.default ?? helpers
  await helper.init()
  const config = helper.readConfig()
  const args = (need('./lib/core/yargs').default ?? need('./lib/core/yargs'))().argv
  const settings = { ...config, ...config.replication?.write }
  const file = args.url ? '--url' : helper.relativeConfigFile()
  return { file, environment: generic.getEnvironment(), dialect: settings.dialect ?? config.dialect, settings: reveal(settings) }
`
