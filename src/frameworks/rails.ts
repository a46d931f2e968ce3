import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Environment, Io } from '../effects/io.ts'
import type { Candidate } from '../target/resolve.ts'
import { clientCandidate, serviceProblem } from './client-defaults.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { type Loaded, loadedEnvironment } from './loaded-environment.ts'
import { askEntries } from './rails/ask-ruby.ts'
import { statedOf, withUrls } from './rails/connection.ts'
import { type Entry, entriesOf } from './rails/database-yml.ts'
import { askRuby } from './rails/erb.ts'
import { hasGem, loadsDotenv, readGems, sparesTestDatabase } from './rails/gemfile.ts'
import { rootOf } from './rails/root.ts'
import { developmentOnly, type Read, readRails, readRake, readTests, type Scope, type Wanted } from './rails/scope.ts'

const configurationFile = 'config/database.yml'

/** Rails' commands, rake, RSpec and test files of a Rails application (guides: Configuring, Command Line, Multiple Databases). */
export const rails: Framework = { name: 'Rails', recognise }

async function recognise(io: Io, call: Call): Promise<Recognition | undefined> {
  const direct = withoutSpring(call)
  const read = readWords(direct.words)
  if (read === undefined) return undefined
  const root = rootOf(direct)
  if (root === undefined) return undefined
  if ('harmless' in read) return { state: 'harmless', reason: read.harmless }
  if ('because' in read) return { state: 'unknown', because: read.because, candidates: [] }
  return recogniseIn(io, direct, read, root)
}

function withoutSpring(call: Call): Call {
  return basename(call.words[0] ?? '') === 'spring' ? { ...call, words: call.words.slice(1) } : call
}

function readWords([program = '', ...args]: readonly string[]): Read | undefined {
  const name = basename(program)
  if (name === 'rails') return readRails(args)
  if (name === 'rake') return readRake(args)
  if (/^(rspec|parallel_rspec|parallel_test|cucumber)$/.test(name) || /_(test|spec)\.rb$/.test(name)) return readTests()
  return undefined
}

type Setting = {
  readonly io: Io
  readonly call: Call
  readonly root: string
  readonly current: string
  readonly wanted: Wanted
  readonly loaded: Loaded
  readonly spares: boolean
}

async function recogniseIn(io: Io, call: Call, wanted: Wanted, root: string): Promise<Recognition> {
  const gems = await readGems(root)
  const environment = { ...call.environment, ...wanted.assigned }
  const current =
    wanted.environment ?? (await forcedByTests(wanted, root, call)) ?? currentOf(environment, wanted.tests)
  const own: Call = { ...call, environment: { ...environment, RAILS_ENV: current } }
  const asLoaded = async (files: readonly string[]) => {
    const loaded = await loadedEnvironment(own, files, root)
    return { io, call: own, root, current, wanted, loaded, spares: sparesTestDatabase(gems) }
  }
  if (hasGem(gems, 'figaro') && existsSync(join(root, 'config/application.yml')))
    return byRuby(await asLoaded([]), 'figaro sets variables from config/application.yml')
  const loads = loadsDotenv(gems, current)
  const recognised = await recogniseWith(await asLoaded(loads === 'no' ? [] : dotenvFiles(current)))
  return loads === 'maybe' ? unsure(recognised, await recogniseWith(await asLoaded([]))) : recognised
}

/** Rails.env: `RAILS_ENV`, else `RACK_ENV`, else development; a test helper's `ENV["RAILS_ENV"] ||= "test"` leaves an empty one. */
function currentOf(environment: Environment, tests: boolean): string {
  const railsEnv = environment['RAILS_ENV'] ?? (tests ? 'test' : '')
  return railsEnv.trim() || environment['RACK_ENV']?.trim() || 'development'
}

// Older helpers set it whatever it was: ENV["RAILS_ENV"] = "test".
async function forcedByTests(wanted: Wanted, root: string, { words }: Call): Promise<string | undefined> {
  if (!wanted.tests || basename(words[0] ?? '') === 'rake') return undefined
  for (const file of ['test/test_helper.rb', 'spec/rails_helper.rb', 'spec/spec_helper.rb']) {
    const text = await readFile(join(root, file), 'utf8').catch(() => '')
    const forced = /^\s*ENV\[["']RAILS_ENV["']\]\s*=\s*["'](\w+)["']/m.exec(text)?.[1]
    if (forced !== undefined) return forced
  }
  return undefined
}

/** Dotenv::Rails#files, first wins; `.env.local` is left out in test. */
function dotenvFiles(environment: string): readonly string[] {
  const local = environment === 'test' ? [] : ['.env.local']
  return [`.env.${environment}.local`, ...local, `.env.${environment}`, '.env']
}

// Bundler alone knows whether dotenv is loaded: where it makes a difference, both readings count.
function unsure(one: Recognition, other: Recognition): Recognition {
  if (JSON.stringify(targetsOf(one)) === JSON.stringify(targetsOf(other))) return one
  const candidates = [one, other].flatMap((recognition) => ('candidates' in recognition ? recognition.candidates : []))
  return { state: 'unknown', because: 'it is not certain whether dotenv loads its files here', candidates }
}

function targetsOf(recognition: Recognition): unknown {
  return 'candidates' in recognition ? recognition.candidates.map(({ target }) => target) : []
}

async function recogniseWith(setting: Setting): Promise<Recognition> {
  const { root, loaded, current } = setting
  const text = await readFile(join(root, configurationFile), 'utf8').catch(() => '')
  const entries = entriesOf(text, loaded.values)
  if (entries === undefined) return byRuby(setting, `${configurationFile} is put together by ERB`)
  const merged = withUrls(entries, current, loaded.values)
  const chosen = chosenOf(merged, setting)
  if (chosen.some(({ settings }) => Object.values(settings).some((value) => value.includes(askRuby))))
    return byRuby(setting, `ERB in ${configurationFile} does more than read variables`, merged)
  return answered(setting, 'rules', merged)
}

async function byRuby(setting: Setting, reason: string, entries: readonly Entry[] = []): Promise<Recognition> {
  const { environment } = await loadedEnvironment(setting.call)
  const answer = await askEntries(setting.io, { ...setting.call, environment }, setting.root)
  if (!('problem' in answer)) return answered(setting, 'asked', answer)
  const plain = entries.map((entry) => ({ ...entry, settings: withoutErb(entry.settings) }))
  const known = answered(setting, 'rules', plain)
  return {
    state: 'unknown',
    because: `${reason}, and Ruby could not be asked: ${answer.problem}`,
    candidates: 'candidates' in known ? known.candidates : [],
  }
}

function withoutErb(settings: Entry['settings']): Entry['settings'] {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => !value.includes(askRuby)))
}

function chosenOf(entries: readonly Entry[], setting: Setting): readonly Entry[] {
  return entries.filter((entry) => setting.wanted.scopes.some((scope) => isIn(entry, scope, setting, entries)))
}

function isIn(entry: Entry, scope: Scope, setting: Setting, entries: readonly Entry[]): boolean {
  const { settings } = entry
  if (scope.of === 'all-local')
    return settings['database'] !== undefined && /^(|localhost|127\.0\.0\.1)$/.test(settings['host'] ?? '')
  if (entry.environment !== (scope.of === 'test' ? 'test' : setting.current)) return false
  if (scope.name === developmentOnly) return doesTestToo(setting)
  if (scope.name !== undefined) return nameOf(scope.name, entry, entries) === entry.name
  return settings['replica'] !== 'true' && !(scope.managed && settings['database_tasks'] === 'false')
}

function doesTestToo({ current, loaded, spares }: Setting): boolean {
  const { environment } = loaded
  const spared = environment['SKIP_TEST_DATABASE'] !== undefined || environment['DATABASE_URL'] !== undefined
  return current === 'development' && !(spares && spared)
}

// The first one stands for `primary` where none has the name (DatabaseConfigurations#primary?).
function nameOf(name: string, { environment }: Entry, entries: readonly Entry[]): string | undefined {
  const names = entries.filter((entry) => entry.environment === environment).map((entry) => entry.name)
  return name === 'primary' && !names.includes(name) ? names[0] : name
}

function answered(setting: Setting, by: 'asked' | 'rules', entries: readonly Entry[]): Recognition {
  const chosen = chosenOf(entries, setting)
  const read = chosen.map((entry) => candidateOf(entry, setting))
  const candidates = read.filter((one): one is Candidate => typeof one !== 'string')
  const problems = read.filter((one) => typeof one === 'string')
  if (chosen.length === 0) problems.push(`${configurationFile} has no database for "${setting.current}"`)
  if (problems.length > 0) return { state: 'unknown', because: problems.join('; '), candidates }
  return { state: 'known', by, candidates, notes: notesOf(setting, entries) }
}

function candidateOf(entry: Entry, setting: Setting): Candidate | string {
  const { call, root, loaded, current } = setting
  const where = `${entry.environment}${entry.name === 'primary' ? '' : `.${entry.name}`}`
  const stated = statedOf(entry, root)
  if ('problem' in stated) return `${configurationFile}: ${where} ${stated.problem}`
  const label =
    entry.urlKey === undefined ? configurationFile : (loaded.values.get(entry.urlKey)?.label ?? configurationFile)
  const reason =
    entry.urlKey === undefined
      ? `Rails uses ${where} of ${configurationFile} (RAILS_ENV is ${current})`
      : `${entry.urlKey} goes over ${where} of ${configurationFile} in any environment`
  const { environment } = loaded
  const service = serviceProblem(stated, environment)
  if (service !== undefined) return `${configurationFile}: ${where}: ${service}`
  const keys = entry.urlKey === undefined ? [where] : [entry.urlKey, where]
  const files = loaded.files.filter((file) => file === label)
  const values = new Map([...loaded.values].filter(([, value]) => loaded.files.includes(value.label)))
  return clientCandidate(stated, call, { label, keys, reason, files, values }, environment)
}

function notesOf({ wanted, current }: Setting, entries: readonly Entry[]): readonly string[] {
  const names = [...new Set(entries.map(({ environment }) => environment))]
  const others = names.filter(
    (name) => name !== current && (name.endsWith(`_${current}`) || name.startsWith(`${current}_`)),
  )
  const parallel = wanted.tests ? ['tests that run in parallel make copies of the test database, named after it'] : []
  const legacy = others.map((name) => `${configurationFile} also has "${name}", which a model may connect to`)
  return [...parallel, ...legacy]
}
