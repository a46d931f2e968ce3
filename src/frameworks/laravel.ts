import { dirname, join, relative, resolve } from 'node:path'
import type { Environment, Io } from '../effects/io.ts'
import type { Values } from '../environment/env-file.ts'
import { shellWords } from '../shell-words.ts'
import type { Candidate } from '../target/resolve.ts'
import type { Stated } from '../target/url.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { askLaravel, type LaravelAnswer } from './laravel/ask.ts'
import { connectionsNamed, harmlessReason, type LaravelUse, laravelUse } from './laravel/command.ts'
import { statedBy } from './laravel/connection.ts'
import { type LaravelValues, laravelValues, standardReading, valuesOver } from './laravel/rules.ts'
import { loadedEnvironment } from './loaded-environment.ts'
import { namedCandidate } from './named.ts'
import { isFile, type PhpunitSettings, parallelNotes, readPhpunitSettings } from './php/phpunit.ts'

/**
 * Laravel: the application is asked what it makes of its environment and configuration; where PHP gives no answer, the rules of
 * its documentation are followed ("Configuration", "Database: Getting Started", "Testing: Environment").
 */
export const laravel: Framework = { name: 'Laravel', recognise }

async function recognise(io: Io, call: Call): Promise<Recognition | undefined> {
  const use = laravelUse(call)
  if (use === undefined) return undefined
  const phpunit = use.kind === 'tests' ? await phpunitOf(use) : undefined
  const base = await applicationAt(use, phpunit)
  if (base === undefined) return undefined
  const harmless = harmlessReason(use)
  if (harmless !== undefined) return { state: 'harmless', reason: harmless }
  if (phpunit !== undefined && 'problem' in phpunit) return unknown(phpunit.problem)
  const found = await situationOf(use.inContainer ? { ...call, environment: {} } : call, use, base, phpunit)
  if (use.inContainer) return inContainer(found)
  return use.name === 'artisan dusk' ? swappingFiles(found) : recogniseFound(io, found)
}

/** All that a recognition is made of, read once. */
type Situation = {
  readonly call: Call
  readonly use: LaravelUse
  readonly base: string
  readonly phpunit?: PhpunitSettings
  /** The environment of the call with what its line loads. */
  readonly environment: Environment
  readonly read: LaravelValues
}

async function situationOf(call: Call, use: LaravelUse, base: string, phpunit?: PhpunitSettings): Promise<Situation> {
  const { values: outer, environment } = await loadedEnvironment(call)
  const settings = phpunit === undefined ? {} : { phpunit }
  const read = await laravelValues(call, { base, use, outer, ...settings })
  return { call, use, base, environment, read, ...settings }
}

// `artisan test` names the file to PHPUnit by the application's folder, and what the user adds comes after it.
async function phpunitOf({ folder, args }: LaravelUse): Promise<PhpunitSettings | { readonly problem: string }> {
  return readPhpunitSettings(folder, args)
}

async function applicationAt(
  { folder, throughArtisan }: LaravelUse,
  phpunit: PhpunitSettings | { readonly problem: string } | undefined,
): Promise<string | undefined> {
  if (throughArtisan) return (await isApplication(folder)) ? folder : undefined
  const start = phpunit !== undefined && 'folder' in phpunit ? phpunit.folder : folder
  for (let at = start; ; at = dirname(at)) {
    if (await isApplication(at)) return at
    if (at === dirname(at)) return undefined
  }
}

async function isApplication(folder: string): Promise<boolean> {
  return (await isFile(join(folder, 'artisan'))) && (await isFile(join(folder, 'bootstrap/app.php')))
}

function unknown(because: string, candidates: readonly Candidate[] = []): Recognition {
  return { state: 'unknown', because, candidates }
}

async function recogniseFound(io: Io, found: Situation): Promise<Recognition> {
  const { use, base, phpunit, call, environment } = found
  const variables = phpunit?.variables ?? []
  const asked = await askLaravel(io, { ...call, environment }, { base, use, phpunit: variables })
  const cached = 'answer' in asked ? asked.answer.cached : await cachedConfiguration(found)
  const inTesting = 'answer' in asked && asked.answer.environment === 'testing'
  if (cached && use.kind === 'tests' && !inTesting) return refusedOnCache(found, cached)
  if ('problem' in asked && cached !== undefined)
    return unknown(`the configuration is cached in ${shown(found, cached)}, which only PHP can read: ${asked.problem}`)
  const recognition = 'answer' in asked ? await byAnswer(found, asked.answer) : byRules(found, asked.problem)
  return withBootstrap(recognition, phpunit)
}

// The tests' own first script may set anything, and often empties a database: it is not run to find out.
function withBootstrap(recognition: Recognition, phpunit: PhpunitSettings | undefined): Recognition {
  const script = phpunit?.bootstrap
  if (recognition.state !== 'known' || script === undefined || /(?:^|\/)autoload\.php$/.test(script)) return recognition
  return unknown(`the tests start with ${script}, which may change the environment`, recognition.candidates)
}

/** Where Foundation\Application::getCachedConfigPath finds a cached configuration, if one is there. */
async function cachedConfiguration({ base, read }: Situation): Promise<string | undefined> {
  const path = resolve(base, read.outer.get('APP_CONFIG_CACHE')?.value || 'bootstrap/cache/config.php')
  return (await isFile(path)) ? path : undefined
}

function shown({ call }: Situation, path: string): string {
  const short = relative(call.cwd, path)
  return short.startsWith('..') ? path : short
}

function refusedOnCache(found: Situation, cached: string): Recognition {
  const artisan = shellWords(['php', shown(found, join(found.base, 'artisan'))])
  return {
    state: 'refused',
    text: {
      what: 'The tests would run on the cached configuration, not on their own',
      why: [
        `${shown(found, cached)} is there: Laravel then reads no env file, and nothing of phpunit.xml reaches the database's settings`,
      ],
      next: [`${artisan} config:clear`, 'and then the same command again'],
    },
  }
}

async function byAnswer(asked: Situation, answer: LaravelAnswer): Promise<Recognition> {
  const found = { ...asked, read: await valuesSaid(asked, answer) }
  const names = connectionsNamed(found.use).map((name) => name ?? answer.default)
  const candidates: Candidate[] = []
  for (const name of new Set(names)) {
    const settings = answer.connections[name]
    if (settings === undefined) return unknown(`config/database.php has no connection "${name}"`, candidates)
    const stated = statedBy(settings, found.base, found.call.cwd)
    if ('problem' in stated) return unknown(`the connection "${name}" ${stated.problem}`, candidates)
    candidates.push(...stated.map((one) => candidateOf(found, one, answer)))
  }
  return { state: 'known', by: 'asked', candidates, notes: notesOf(found, answer) }
}

// bootstrap/app.php may have named another env file or folder.
async function valuesSaid({ call, read }: Situation, { envFile }: LaravelAnswer): Promise<LaravelValues> {
  return envFile === '' || envFile === read.path ? read : valuesOver(call, envFile, read.outer)
}

function notesOf(found: Situation, answer: LaravelAnswer): readonly string[] {
  const cached = answer.cached
    ? [`the configuration is cached (${shown(found, answer.cached)}): no env file is read`]
    : []
  return [...cached, ...parallelNotesOf(found)]
}

function parallelNotesOf({ use }: Situation): readonly string[] {
  return use.kind === 'tests' ? parallelNotes(use.name, use.args) : []
}

function byRules(found: Situation, problem: string): Recognition {
  const { readings, because } = ruledReadings(found)
  const candidates = readings.map((one) => candidateOf(found, one))
  if (because !== undefined) return unknown(`${problem}, and ${because}`, candidates)
  const notes = [`${problem}: by Laravel's rules, with a new application's config/database.php`]
  return { state: 'known', by: 'rules', candidates, notes: [...notes, ...parallelNotesOf(found)] }
}

function ruledReadings(found: Situation): { readonly readings: readonly Stated[]; readonly because?: string } {
  const named = connectionsNamed(found.use)
  const read = named.map((name) => standardReading(found.read, name, found.base, found.call.cwd))
  const because = read.find((one) => one.because !== undefined)?.because
  return { readings: read.flatMap((one) => one.readings), ...(because === undefined ? {} : { because }) }
}

function inContainer(found: Situation): Recognition {
  const candidates = ruledReadings(found).readings.map((one) => candidateOf(found, one))
  return unknown(
    "it runs in Sail's container, whose environment and host names are not those of this machine",
    candidates,
  )
}

// Laravel\Dusk\Console\DuskCommand puts .env.dusk.<environment> in the place of .env while it runs.
function swappingFiles(found: Situation): Recognition {
  const candidates = ruledReadings(found).readings.map((one) => candidateOf(found, one))
  return unknown(
    'artisan dusk puts .env.dusk or .env.dusk.<environment> in the place of .env while it runs',
    candidates,
  )
}

const partKeys = ['DB_CONNECTION', 'DB_DATABASE', 'DB_HOST', 'DB_PORT', 'DB_USERNAME', 'DB_PASSWORD', 'DB_SOCKET']

function candidateOf({ call, use, read, environment }: Situation, stated: Stated, answer?: LaravelAnswer): Candidate {
  const cached = answer?.cached ?? undefined
  const { label, keys, values } = cached ? fromCache(cached, call, answer) : fromFiles(read, stated)
  const file = read.file === label ? ` reads ${label}` : ` uses what ${label} sets`
  const candidate = namedCandidate(
    stated,
    { ...call, environment },
    {
      label,
      keys,
      reason: cached ? `${use.name} uses the cached configuration` : `${use.name}${file}`,
      files: cached || read.file === undefined ? [] : [read.file],
      values,
    },
  )
  return candidate
}

type Naming = { readonly label: string; readonly keys: readonly string[]; readonly values: Values }

function fromCache(cached: string, call: Call, answer: LaravelAnswer | undefined): Naming {
  const label = relative(call.cwd, cached)
  return { label, keys: [], values: new Map([['APP_ENV', { value: answer?.environment ?? '', label }]]) }
}

/** What named the database: the value that is set and says the same, else the configuration itself. */
function fromFiles({ values }: LaravelValues, stated: Stated): Naming {
  const database = stated.database ?? ''
  const telling = ['DB_URL', 'DATABASE_URL', 'DB_DATABASE'].find((key) => tells(values.get(key)?.value, database))
  if (telling === undefined) return { label: 'config/database.php', keys: [], values }
  const keys = telling === 'DB_DATABASE' ? partKeys.filter((key) => values.has(key)) : [telling]
  return { label: values.get(telling)?.label ?? 'config/database.php', keys, values }
}

function tells(value: string | undefined, database: string): boolean {
  if (value === undefined || value === '') return false
  return value === database || database.endsWith(`/${value}`) || value.replace(/\?.*$/, '').endsWith(`/${database}`)
}
