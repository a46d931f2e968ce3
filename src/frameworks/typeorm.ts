import { basename } from 'node:path'
import type { Call, Framework, Recognition } from './framework.ts'
import { askNode, type Question, shownPath, startsTool, type Tool } from './node-configuration.ts'
import { engineOfClient, type Settings } from './node-connection.ts'
import { harmless, recognised, unknown } from './node-recognition.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'

const tool: Tool = {
  programs: ['typeorm', 'typeorm-ts-node-commonjs', 'typeorm-ts-node-esm'],
  packages: ['typeorm'],
}

const valued = new Set([
  '-d',
  '--dataSource',
  '--data-source',
  '-f',
  '--config',
  '-c',
  '--connection',
  '-t',
  '--transaction',
])

// migration:show makes its table; migration:generate and schema:log only read.
const writing = new Set([
  'migration:run',
  'migration:revert',
  'migration:show',
  'schema:sync',
  'schema:drop',
  'cache:clear',
  'query',
])

/** TypeORM's command line (https://typeorm.io/docs/advanced-topics/using-cli; `commands/CommandUtils.js`, 0.2: `ConnectionOptionsReader`). */
export const typeorm: Framework = {
  name: 'TypeORM',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), valued).rest[0] ?? ''
    if (!writing.has(command)) return harmless(`typeorm ${command} changes no database`)
    const told = await askNode(io, call, questionFor(call))
    if ('problem' in told) return unknown(`typeorm was asked for its data source and gave none: ${told.problem}`)
    return recognition(call, command, told.value as Answer, told)
  },
}

type Answer = { readonly type: string; readonly settings: Settings; readonly file: string }

function recognition(call: Call, command: string, answer: Answer, told: Parameters<typeof recognised>[1]): Recognition {
  const engine = engineOfClient(answer.type)
  const label = shownPath(call, answer.file)
  if (engine === undefined) return unknown(`${label} names an engine that is not handled here (${answer.type})`)
  return recognised(call, told, {
    settings: answer.settings,
    driver: { engine, folder: call.cwd, environment: told.values },
    by: 'asked',
    label,
    reason: `typeorm ${command} uses ${label}`,
  })
}

function questionFor(call: Call): Question {
  const last = (...names: string[]) => valuesOf(call.words, names).at(-1)
  const program = basename(call.words[0] ?? '')
  const given = {
    source: last('-d', '--dataSource', '--data-source'),
    config: last('-f', '--config'),
    connection: last('-c', '--connection'),
    register: program.includes('ts-node-commonjs'),
  }
  return { script, given, flags: program.includes('ts-node-esm') ? ['--loader', 'ts-node/esm', '--no-warnings'] : [] }
}

const script = `
  const need = requireFrom(folderOf('typeorm'))
  if (given.register) requireFrom(process.cwd())('ts-node').register()
  try { need('reflect-metadata') } catch {}
  const ofSource = async () => {
    const { CommandUtils } = need('./commands/CommandUtils')
    return (await CommandUtils.loadDataSource(path.resolve(given.source))).options
  }
  const ofConfig = async () => {
    const { ConnectionOptionsReader } = need('./connection/ConnectionOptionsReader')
    return new ConnectionOptionsReader({ root: process.cwd(), configName: given.config ?? 'ormconfig' }).get(given.connection ?? 'default')
  }
  const options = given.source ? await ofSource() : await ofConfig()
  const settings = { ...options, ...options.replication?.master, ...options.extra }
  return { type: options.type, settings: reveal(settings), file: given.source ?? given.config ?? 'ormconfig' }
`
