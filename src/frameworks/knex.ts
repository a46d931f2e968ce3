import { dirname, resolve } from 'node:path'
import type { Call, Framework, Recognition } from './framework.ts'
import { askNode, shownPath, startsTool, type Tool } from './node-configuration.ts'
import { engineOfClient } from './node-connection.ts'
import { harmless, recognised, unknown } from './node-recognition.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'

const tool: Tool = { programs: ['knex'], packages: ['knex'] }

const valued = new Set([
  '--knexfile',
  '--knexpath',
  '--cwd',
  '--client',
  '--connection',
  '--migrations-directory',
  '--migrations-table-name',
  '--env',
  '--specific',
])

const writing = /^(?:migrate:(?:latest|up|rollback|down|to|before|currentVersion|list|status|unlock)|seed:run)$/

/** Knex's command line (https://knexjs.org/guide/migrations.html; `bin/cli.js` and `bin/utils/cli-config-utils.js` of 3.x). */
export const knex: Framework = {
  name: 'Knex',
  async recognise(io, call) {
    if (!startsTool(call, tool)) return undefined
    const command = leadingOptions(call.words.slice(1), valued).rest[0] ?? ''
    if (!writing.test(command)) return harmless(`knex ${command} touches no database`.replace('  ', ' '))
    const told = await askNode(io, call, { script, given: optionsOf(call) })
    if ('problem' in told) return unknown(`knex was asked for its configuration and gave none: ${told.problem}`)
    return recognition(call, command, told.value as Answer, told)
  },
}

type Answer = {
  readonly client: string
  readonly connection: unknown
  readonly file?: string
  readonly environment?: string
  readonly cwd: string
}

function recognition(call: Call, command: string, answer: Answer, told: Parameters<typeof recognised>[1]): Recognition {
  const engine = engineOfClient(answer.client)
  const label = answer.file === undefined ? 'command line' : shownPath(call, answer.file)
  if (engine === undefined) return unknown(`${label} names an engine that is not handled here (${answer.client})`)
  const environment = answer.environment === undefined ? '' : `, environment ${answer.environment}`
  return recognised(call, told, {
    settings: answer.connection,
    driver: { engine, folder: answer.cwd, environment: told.values },
    by: 'asked',
    label,
    reason: `knex ${command} uses ${label}${environment}`,
  })
}

/** The options that choose the connection; `--knexfile` counts from `--cwd`. */
export function optionsOf({ words, cwd }: Call): Readonly<Record<string, unknown>> {
  const last = (name: string) => valuesOf(words, [name]).at(-1)
  const folder = resolve(cwd, last('--cwd') ?? '.')
  const knexfile = last('--knexfile')
  const file = knexfile === undefined ? undefined : resolve(folder, knexfile)
  return {
    folder,
    file,
    base: file === undefined ? folder : dirname(file),
    env: last('--env'),
    client: last('--client'),
    connection: last('--connection'),
  }
}

// As bin/cli.js does it, with the modules of the project's own knex: rechoir finds the loader for TypeScript, a function is called.
const script = `
  process.chdir(given.folder)
  const knexFolder = folderOf('knex', given.base), need = requireFrom(knexFolder)
  const types = ['js', 'mjs', 'coffee', 'ts', 'eg', 'ls']
  const above = (folder) => {
    const found = types.map((type) => path.join(folder, 'knexfile.' + type)).find((file) => fs.existsSync(file))
    return found ?? (folder === path.dirname(folder) ? undefined : above(path.dirname(folder)))
  }
  const file = given.file && fs.existsSync(given.file) ? given.file : above(given.base)
  let all = {}
  if (file) {
    need('rechoir').prepare(need('interpret').jsVariants, file, given.base, true)
    process.chdir(given.base)
    all = await need('./lib/migrations/util/import-file')(file)
    all = all?.default ?? all
    if (typeof all === 'function') all = await all()
  } else if (!given.client) throw new Error('there is no knexfile')
  const environment = given.env || process.env.NODE_ENV || 'development'
  const config = { ...(all[environment] || all) }
  if (given.client) config.client = given.client
  if (given.connection) config.connection = given.connection
  let { connection } = config, client = config.client ?? config.dialect
  if (typeof client === 'function') client = client.prototype?.driverName ?? client.prototype?.dialect
  if (typeof connection === 'function') connection = await connection()
  return { client, connection: reveal(connection), file, environment: all[environment] ? environment : undefined, cwd: process.cwd() }
`
