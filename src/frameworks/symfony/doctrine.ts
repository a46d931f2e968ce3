import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'yaml'
import { isFile } from '../php/phpunit.ts'

type Tree = { readonly [key: string]: unknown }

/** Doctrine's connections of one environment, as config/packages states them, parameters still unread. */
export type DoctrineConfiguration = {
  readonly files: readonly string[]
  readonly connections: Readonly<Record<string, Tree>>
  readonly defaultConnection: string
  /** Entity manager → connection. */
  readonly managers: Readonly<Record<string, string>>
}

const extensions = ['yaml', 'yml']

/**
 * `config/packages/doctrine.yaml`, its `when@<environment>`, and `config/packages/<environment>/doctrine.yaml`, later ones over earlier
 * ones (Symfony, "Configuration: Configuration Environments"; DoctrineBundle, "Configuration Reference").
 */
export async function doctrineConfiguration(
  base: string,
  environment: string,
): Promise<DoctrineConfiguration | { readonly problem: string }> {
  const php = ['config/packages/doctrine.php', `config/packages/${environment}/doctrine.php`]
  for (const file of php) if (await isFile(join(base, file))) return { problem: `${file} is code` }
  const files = ['config/packages/doctrine', `config/packages/${environment}/doctrine`].flatMap((stem) =>
    extensions.map((extension) => `${stem}.${extension}`),
  )
  const read = await Promise.all(files.map(async (file) => ({ file, tree: await treeIn(join(base, file)) })))
  const broken = read.find(({ tree }) => tree === 'broken')
  if (broken !== undefined) return { problem: `${broken.file} cannot be read` }
  const found = read.filter((one): one is { file: string; tree: Tree } => typeof one.tree === 'object')
  if (found.length === 0) return { problem: 'config/packages/doctrine.yaml is not there' }
  const trees = found.flatMap(({ tree }) => [tree, asTree(tree[`when@${environment}`])])
  return configurationOf(
    trees.map((tree) => asTree(tree['doctrine'])).reduce(merged, {}),
    found.map(({ file }) => file),
  )
}

async function treeIn(path: string): Promise<Tree | 'broken' | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return asTree(parse(text, { logLevel: 'silent' }))
  } catch {
    return 'broken'
  }
}

function asTree(value: unknown): Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Tree) : {}
}

function merged(under: Tree, over: Tree): Tree {
  const pairs = Object.entries(over).map(([key, value]) => {
    const both = isTree(value) && isTree(under[key])
    return [key, both ? merged(asTree(under[key]), asTree(value)) : value] as const
  })
  return { ...under, ...Object.fromEntries(pairs) }
}

function isTree(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

// What stands under dbal itself is the one connection, called `default` (DoctrineBundle's Configuration).
function configurationOf(doctrine: Tree, files: readonly string[]): DoctrineConfiguration {
  const dbal = asTree(doctrine['dbal'])
  const own = { ...dbal, connections: undefined, default_connection: undefined, types: undefined }
  const several = asTree(dbal['connections'])
  const connections = Object.entries(several).map(([name, value]) => [name, asTree(value)] as const)
  const first = connections[0]?.[0] ?? 'default'
  return {
    files,
    connections: connections.length > 0 ? Object.fromEntries(connections) : { default: own },
    defaultConnection: text(dbal['default_connection']) ?? first,
    managers: managersOf(asTree(doctrine['orm'])),
  }
}

function managersOf(orm: Tree): Record<string, string> {
  const named = Object.entries(asTree(orm['entity_managers']))
  return Object.fromEntries(named.flatMap(([name, value]) => pairOf(name, text(asTree(value)['connection']))))
}

function pairOf(name: string, connection: string | undefined): [string, string][] {
  return connection === undefined ? [] : [[name, connection]]
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

/** What parameters are read from. */
export type Parameters = {
  readonly variable: (name: string) => string | undefined
  readonly base: string
  readonly environment: string
}

/** A value with its `%…%` put in; undefined where one of them is not ours to know. */
export function resolved(value: unknown, parameters: Parameters): string | undefined {
  if (typeof value === 'number') return String(value)
  if (typeof value !== 'string') return undefined
  let known = true
  const result = value.replace(/%%|%([^%\s]+)%/g, (whole, name: string | undefined) => {
    if (whole === '%%') return '%'
    const found = parameter(name ?? '', parameters)
    if (found === undefined) known = false
    return found ?? ''
  })
  return known ? result : undefined
}

function parameter(name: string, parameters: Parameters): string | undefined {
  if (name === 'kernel.project_dir') return parameters.base
  if (name === 'kernel.environment') return parameters.environment
  const inner = /^env\((.*)\)$/.exec(name)?.[1]
  return inner === undefined ? undefined : environmentValue(inner, parameters)
}

// Symfony\Component\DependencyInjection\EnvVarProcessor; a processor that is not here makes the value unknown.
function environmentValue(expression: string, parameters: Parameters): string | undefined {
  const [processor = '', ...rest] = expression.split(':')
  const inner = rest.join(':')
  if (rest.length === 0) return parameters.variable(expression)
  if (processor === 'default')
    return environmentValue(rest.slice(1).join(':'), parameters) ?? (rest[0] === '' ? '' : undefined)
  const value = environmentValue(inner, parameters)
  if (processor === 'resolve') return value === undefined ? undefined : resolved(value, parameters)
  if (processor === 'trim') return value?.trim()
  if (processor === 'urlencode') return value === undefined ? undefined : encodeURIComponent(value)
  if (processor === 'file') return undefined
  return processor === 'string' || processor === 'int' ? value : undefined
}
