import { readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Value, Values } from '../../environment/env-file.ts'
import { valuesOf } from '../options-in-words.ts'

/** `<env name="…" value="…" force="true"/>` or `<server …/>` of a phpunit.xml. */
export type PhpunitVariable = {
  readonly kind: 'env' | 'server'
  readonly name: string
  readonly value: string
  readonly force: boolean
}

/** What PHPUnit's configuration says of the environment that the tests find. */
export type PhpunitSettings = {
  /** Relative to the working directory: `phpunit.xml.dist`; undefined: there is none. */
  readonly label?: string
  readonly folder: string
  readonly variables: readonly PhpunitVariable[]
  /** The script that runs before the tests, as it is written there. */
  readonly bootstrap?: string
}

// PHPUnit, "The Command-Line Test Runner", --configuration; phpunit.dist.xml since 10.
const standardNames = ['phpunit.xml', 'phpunit.dist.xml', 'phpunit.xml.dist']

/** The settings that `phpunit <args>` reads when it is started in `cwd`; `problem` where the file cannot be read. */
export async function readPhpunitSettings(
  cwd: string,
  args: readonly string[],
): Promise<PhpunitSettings | { readonly problem: string }> {
  if (args.includes('--no-configuration')) return { folder: cwd, variables: [], ...bootstrapOf(args) }
  const path = await configurationPath(cwd, args)
  if (path === undefined) return { folder: cwd, variables: [], ...bootstrapOf(args) }
  const label = relative(cwd, path).startsWith('..') ? path : relative(cwd, path)
  try {
    const read = await parsePhpunit(await readFile(path, 'utf8'))
    return { label, folder: dirname(path), ...read, ...bootstrapOf(args) }
  } catch {
    return { problem: `${label} cannot be read` }
  }
}

function bootstrapOf(args: readonly string[]): { bootstrap?: string } {
  const bootstrap = valuesOf(args, ['--bootstrap']).at(-1)
  return bootstrap === undefined ? {} : { bootstrap }
}

async function configurationPath(cwd: string, args: readonly string[]): Promise<string | undefined> {
  const attached = args.filter((word) => /^-c./.test(word)).map((word) => word.slice(2))
  const named = [...attached, ...valuesOf(args, ['-c', '--configuration'])].at(-1)
  if (named === undefined) return firstFile(standardNames.map((name) => join(cwd, name)))
  const path = resolve(cwd, named)
  const folder = await stat(path)
    .then((found) => found.isDirectory())
    .catch(() => false)
  return folder ? firstFile(standardNames.map((name) => join(path, name))) : path
}

async function firstFile(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) if (await isFile(path)) return path
  return undefined
}

export async function isFile(path: string): Promise<boolean> {
  return stat(path)
    .then((found) => found.isFile())
    .catch(() => false)
}

type Attributes = Readonly<Record<string, string>>
type Document = { phpunit?: { bootstrap?: string; php?: { env?: Attributes[]; server?: Attributes[] }[] } | '' }

/** The variables and the bootstrap script of a phpunit.xml's text. Throws when it is no XML. */
async function parsePhpunit(text: string): Promise<Pick<PhpunitSettings, 'variables' | 'bootstrap'>> {
  const { XMLParser, XMLValidator } = await import('fast-xml-parser')
  if (XMLValidator.validate(text) !== true) throw new Error('it is no XML')
  const parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: '',
    parseAttributeValue: false,
    isArray: (name) => ['php', 'env', 'server'].includes(name),
  })
  const { phpunit } = parser.parse(text) as Document
  if (phpunit === undefined || phpunit === '') return { variables: [] }
  const groups = (phpunit.php ?? []).filter((group) => typeof group === 'object')
  const variables = (kind: 'env' | 'server') =>
    groups.flatMap((group) => (group[kind] ?? []).map((attributes) => variableOf(kind, attributes)))
  return {
    variables: [...variables('server'), ...variables('env')],
    ...(phpunit.bootstrap === undefined ? {} : { bootstrap: phpunit.bootstrap }),
  }
}

function variableOf(kind: PhpunitVariable['kind'], attributes: Attributes): PhpunitVariable {
  const { name = '', value = '', force, verbatim } = attributes
  return { kind, name, value: verbatim === 'true' ? value : unquoted(value), force: force === 'true' }
}

// PHPUnit's Loader::getValue makes them booleans, which then are written as PHP does.
function unquoted(value: string): string {
  const word = value.toLowerCase()
  return word === 'true' ? '1' : word === 'false' ? '' : value
}

/** Whose reading: Laravel asks `$_SERVER` first, where an exported variable stays under `force`; Symfony asks `$_ENV` first. */
export type ReadsFirst = '_SERVER' | '_ENV'

/**
 * The values that the tests find: PHPUnit's PhpHandler sets `<server>` always, `<env>` where the variable is not set or with
 * `force`, and that into `$_ENV` and `putenv` only.
 */
export function underPhpunit(outer: Values, settings: PhpunitSettings, first: ReadsFirst): Values {
  const result = new Map<string, Value>(outer)
  const label = settings.label ?? 'phpunit.xml'
  for (const { kind, name, value, force } of settings.variables) {
    const wins = kind === 'server' || !outer.has(name) || (force && first === '_ENV')
    const hidden = kind === 'env' && first === '_SERVER' && isSetByServer(settings, name)
    if (wins && !hidden) result.set(name, { value, label })
    else if (kind === 'env' && first === '_ENV') result.set(name, outer.get(name) ?? { value, label })
  }
  return result
}

function isSetByServer({ variables }: PhpunitSettings, wanted: string): boolean {
  return variables.some(({ kind, name }) => kind === 'server' && name === wanted)
}

/** The same inside PHP, for a script that was asked: `$question['phpunit']` holds the variables. */
export const applyPhpunit = `
foreach ($question['phpunit'] as $variable) {
    ['kind' => $kind, 'name' => $name, 'value' => $value, 'force' => $force] = $variable;
    if ($kind === 'server') {
        $_SERVER[$name] = $value;
        continue;
    }
    if ($force || getenv($name) === false) putenv("$name=$value");
    if ($force || !isset($_ENV[$name])) $_ENV[$name] = getenv($name);
}
`

/** PHPUnit and what starts it. */
export const testRunners: ReadonlySet<string> = new Set([
  'phpunit',
  'phpunit.phar',
  'simple-phpunit',
  'pest',
  'paratest',
])

/** What a person should know of tests in several processes, if these words ask for that. */
export function parallelNotes(program: string, args: readonly string[]): readonly string[] {
  const parallel = basename(program) === 'paratest' || args.some((word) => word === '--parallel' || word === '-p')
  return parallel
    ? [
        'the tests run in several processes: Laravel makes a database <name>_test_<number> for each, and they are not backed up',
      ]
    : []
}
