import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment, Io } from '../../effects/io.ts'
import { layered } from '../../environment/env-chains.ts'
import { environmentLabel, readEnvFile, type Values } from '../../environment/env-file.ts'
import type { Call } from '../framework.ts'
import { askPhp } from '../php/ask.ts'
import { applyPhpunit, isFile, type PhpunitSettings, underPhpunit } from '../php/phpunit.ts'
import type { SymfonyUse } from './command.ts'

/** What the application finds in its environment. */
export type SymfonyEnvironment = {
  readonly by: 'asked' | 'rules'
  /** `dev`, `test`, `prod`: which configuration counts. */
  readonly environment: string
  readonly values: Values
  readonly files: readonly string[]
  readonly notes: readonly string[]
}

export type SymfonySituation = {
  readonly call: Call
  readonly use: SymfonyUse
  readonly base: string
  /** The environment of the call with what its line loads. */
  readonly outer: Values
  readonly environment: Environment
  readonly phpunit?: PhpunitSettings
}

/** composer.json's `extra.runtime` (Symfony, "The Runtime Component: Using Options"), as far as it is about env files. */
type RuntimeOptions = {
  readonly dotenv_path?: string
  readonly disable_dotenv?: boolean
  readonly dotenv_overload?: boolean
  readonly env_var_name?: string
  readonly test_envs?: readonly string[]
}

/** The env files of the application over each other: its own Dotenv is asked, else its rules are followed. */
export async function symfonyEnvironment(
  io: Io,
  situation: SymfonySituation,
): Promise<SymfonyEnvironment | { readonly problem: string }> {
  const options = await runtimeOptions(situation.base)
  const dotenv = await loadsEnvFiles(situation, options)
  if (typeof dotenv !== 'boolean') return dotenv
  const ruled = await byRules(situation, options, dotenv)
  const asked = await ask(io, situation, options, dotenv)
  if ('values' in asked) return fromAnswer(asked, ruled, situation)
  return settled(ruled, asked.problem, options, situation.base)
}

async function settled(
  ruled: SymfonyEnvironment,
  problem: string,
  options: RuntimeOptions,
  base: string,
): Promise<SymfonyEnvironment | { readonly problem: string }> {
  if (await isFile(join(base, '.env.local.php')))
    return { problem: `.env.local.php holds the environment, and only PHP can read it: ${problem}` }
  if (Object.keys(options).length > 0)
    return { problem: `composer.json's extra.runtime changes the rules, and ${problem}` }
  return { ...ruled, notes: [`${problem}: by the rules of Symfony's env files`] }
}

async function runtimeOptions(base: string): Promise<RuntimeOptions> {
  try {
    const composer = JSON.parse(await readFile(join(base, 'composer.json'), 'utf8')) as {
      extra?: { runtime?: RuntimeOptions & { class?: string } }
    }
    const { dotenv_path, disable_dotenv, dotenv_overload, env_var_name, test_envs } = composer.extra?.runtime ?? {}
    const all = { dotenv_path, disable_dotenv, dotenv_overload, env_var_name, test_envs }
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  } catch {
    return {}
  }
}

// The tests' bootstrap script loads the files or not; it is read, not run: such scripts often empty a database.
async function loadsEnvFiles(
  { use, base, phpunit }: SymfonySituation,
  options: RuntimeOptions,
): Promise<boolean | { readonly problem: string }> {
  if (use.kind === 'console') return options.disable_dotenv !== true
  const script = phpunit?.bootstrap
  if (script === undefined || /(?:^|\/)autoload\.php$/.test(script)) return false
  const text = await readFile(join(phpunit?.folder ?? base, script), 'utf8').catch(() => '')
  if (/->(?:bootEnv|loadEnv)\(/.test(text)) return true
  return { problem: `the tests start with ${script}, which may change the environment` }
}

async function byRules(
  situation: SymfonySituation,
  { env_var_name: key = 'APP_ENV', test_envs: testing = ['test'], dotenv_path: path = '.env' }: RuntimeOptions,
  dotenv: boolean,
): Promise<SymfonyEnvironment> {
  const outer = outerValues(situation, key)
  const standard = situation.use.kind === 'tests' && !dotenv ? 'test' : 'dev'
  const chain = dotenv ? await envChain(situation, outer, { key, testing, path }) : { values: outer, files: [] }
  const environment = chain.values.get(key)?.value || standard
  return { by: 'rules', environment, ...chain, notes: [] }
}

function outerValues({ use, outer, phpunit }: SymfonySituation, key: string): Values {
  const inTests = phpunit === undefined ? outer : underPhpunit(outer, phpunit, '_ENV')
  if (use.environment === undefined) return inTests
  return layered([inTests, new Map([[key, { value: use.environment, label: '--env' }]])])
}

type ChainRules = { readonly key: string; readonly testing: readonly string[]; readonly path: string }
type Chain = { readonly values: Values; readonly files: readonly string[] }

/** Symfony\Component\Dotenv\Dotenv::loadEnv; "Configuration: Overriding Environment Values via .env.local". */
async function envChain({ call, base }: SymfonySituation, outer: Values, rules: ChainRules): Promise<Chain> {
  const { key, testing, path } = rules
  const layers: Values[] = []
  const files: string[] = []
  const add = async (file: string) => {
    const read = await readEnvFile(call.cwd, join(base, file), call.environment)
    if (read.state !== 'read') return
    layers.push(read.values)
    files.push(read.label)
  }
  const values = () => layered([...layers, outer])
  const environment = () => values().get(key)?.value || 'dev'
  await add((await isFile(join(base, path))) || !(await isFile(join(base, `${path}.dist`))) ? path : `${path}.dist`)
  if (!testing.includes(environment())) await add(`${path}.local`)
  const chosen = environment()
  if (chosen === 'local') return { values: values(), files }
  for (const file of [`${path}.${chosen}`, `${path}.${chosen}.local`]) await add(file)
  const unset: Values = new Map([[key, { value: chosen, label: environmentLabel }]])
  return { values: layered([unset, values()]), files }
}

type Asked = {
  readonly environment: string
  readonly frozen: boolean
  readonly values: Readonly<Record<string, string>>
}

// What Symfony\Component\Runtime\SymfonyRuntime does before the console, and PHPUnit with the usual tests/bootstrap.php.
const script = `
$base = $question['base'];
$options = $question['options'] + ['dotenv_path' => '.env', 'env_var_name' => 'APP_ENV', 'test_envs' => ['test'], 'dotenv_overload' => false];
$key = $options['env_var_name'];
require $base . '/vendor/autoload.php';
${applyPhpunit}
if ($question['environment'] !== null) {
    putenv($key . '=' . $_SERVER[$key] = $_ENV[$key] = $question['environment']);
}
$path = $base . '/' . $options['dotenv_path'];
if ($question['dotenv']) {
    (new Symfony\\Component\\Dotenv\\Dotenv($key))->bootEnv($path, 'dev', (array) $options['test_envs'], (bool) $options['dotenv_overload']);
}
$frozen = $question['dotenv'] && is_file($path . '.local.php') ? include $path . '.local.php' : null;
$environment = $question['tests'] ? ($_ENV[$key] ?? $_SERVER[$key] ?? 'test') : ($_SERVER[$key] ?? 'dev');
db_seatbelt_answer([
    'environment' => (string) $environment,
    'frozen' => is_array($frozen) && (!isset($frozen[$key]) || $frozen[$key] === $_SERVER[$key]),
    'values' => array_filter($_ENV + $_SERVER + getenv(), 'is_string'),
]);
`

async function ask(
  io: Io,
  { call, use, base, phpunit, environment }: SymfonySituation,
  options: RuntimeOptions,
  dotenv: boolean,
): Promise<Asked | { readonly problem: string }> {
  if (!(await isFile(join(base, 'vendor/autoload.php')))) return { problem: 'vendor/autoload.php is not there' }
  const question = {
    base,
    options,
    dotenv,
    tests: use.kind === 'tests',
    environment: use.environment ?? null,
    phpunit: phpunit?.variables ?? [],
  }
  const answer = await askPhp(io, { ...call, environment }, script, question)
  if ('problem' in answer) return { problem: `PHP did not say it (${answer.problem})` }
  return isAsked(answer.value) ? answer.value : { problem: 'PHP gave another answer than expected' }
}

function isAsked(value: unknown): value is Asked {
  if (typeof value !== 'object' || value === null) return false
  const { environment, values } = value as Partial<Record<string, unknown>>
  return typeof environment === 'string' && typeof values === 'object' && values !== null
}

// Dotenv says the values; which file each came from is seen in our own reading.
function fromAnswer(asked: Asked, ruled: SymfonyEnvironment, { outer }: SymfonySituation): SymfonyEnvironment {
  const frozen = '.env.local.php'
  const labelOf = (key: string) =>
    asked.frozen && !outer.has(key) ? frozen : (ruled.values.get(key)?.label ?? environmentLabel)
  const values = Object.entries(asked.values).map(([key, value]) => [key, { value, label: labelOf(key) }] as const)
  return {
    by: 'asked',
    environment: asked.environment,
    values: new Map(values),
    files: asked.frozen ? [frozen] : ruled.files,
    notes: asked.frozen ? [`${frozen} is there: no other env file is read`] : [],
  }
}
