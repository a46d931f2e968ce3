import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Io } from '../effects/io.ts'
import type { Candidate } from '../target/resolve.ts'
import { clientCandidate, serviceProblem } from './client-defaults.ts'
import { type Asked, askDatabases, type Database, type Databases } from './django/ask-python.ts'
import { elsewhere, statedOf } from './django/connection.ts'
import { type PytestSettings, pytestSettings } from './django/pytest-settings.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { loadedEnvironment } from './loaded-environment.ts'
import { leadingOptions, valuesOf } from './options-in-words.ts'

/** Django's management commands and pytest with pytest-django; the project's own Python says what `DATABASES` is. */
export const django: Framework = { name: 'Django', recognise }

async function recognise(io: Io, call: Call): Promise<Recognition | undefined> {
  const direct = withoutCoverage(call)
  const [program = '', ...args] = direct.words
  const name = basename(program)
  if (name === 'pytest' || name === 'py.test') return recognisePytest(io, direct)
  const script = /^django(-admin(\.py)?)?$/.test(name) ? '' : program
  if (script !== '' && !isManagement(direct, script)) return undefined
  return recogniseCommand(io, direct, script, args)
}

// Django's documentation of testing: coverage run --source='.' manage.py test
function withoutCoverage(call: Call): Call {
  const [program = '', command, ...args] = call.words
  if (basename(program) !== 'coverage' || command !== 'run') return call
  const valued = new Set(['--source', '--include', '--omit', '--rcfile', '--data-file', '--context', '--concurrency'])
  return { ...call, words: leadingOptions(args, valued).rest }
}

function isManagement({ cwd }: Call, script: string): boolean {
  if (!script.endsWith('.py')) return false
  const path = resolve(cwd, script)
  return existsSync(path) && /\bexecute_from_command_line\b|\bManagementUtility\b/.test(readFileSync(path, 'utf8'))
}

const harmless = new Set([
  ...[
    'help',
    '--help',
    '-h',
    'version',
    '--version',
    'check',
    'diffsettings',
    'showmigrations',
    'sqlmigrate',
    'sqlflush',
  ],
  ...['sqlsequencereset', 'makemigrations', 'startapp', 'startproject', 'makemessages', 'compilemessages', 'inspectdb'],
  ...['findstatic', 'dumpdata', 'sendtestemail', 'squashmigrations', 'optimizemigration'],
])

async function recogniseCommand(io: Io, call: Call, script: string, args: readonly string[]): Promise<Recognition> {
  const { rest } = leadingOptions(args, new Set(['--settings', '--pythonpath']))
  const command = rest[0] ?? args[0] ?? 'help'
  const plan = command === 'migrate' && (args.includes('--plan') || args.includes('--check'))
  if (plan || harmless.has(command)) return { state: 'harmless', reason: `Django's ${command} changes no database` }
  const tests = command === 'test'
  const asked: Asked = { kind: tests ? 'tests' : 'command', script, args }
  const { environment } = await loadedEnvironment(call)
  const own = { ...call, environment }
  const databases = await askDatabases(io, own, asked)
  if ('problem' in databases) return unanswered(databases.problem)
  return tests ? forTests(own, databases, args) : forCommand(own, databases, command, args)
}

function unanswered(problem: string): Recognition {
  return { state: 'unknown', because: `Django's settings could not be read: ${problem}`, candidates: [] }
}

// These take --database, and one database where it is not given (their pages in "django-admin and manage.py").
const oneDatabase = new Set([
  ...['migrate', 'flush', 'loaddata', 'dbshell', 'createcachetable', 'createsuperuser', 'changepassword'],
  ...['remove_stale_contenttypes', 'ogrinspect'],
])

function forCommand(call: Call, found: Databases, command: string, args: readonly string[]): Recognition {
  const given = valuesOf(args, ['--database']).at(-1) ?? (oneDatabase.has(command) ? 'default' : undefined)
  const chosen = found.databases.filter(({ alias }) => given === undefined || alias === given)
  const uses = (database: Database) => `Django's ${command} uses DATABASES["${database.alias}"] of ${found.settings}`
  return recognitionOf(
    chosen.map((database) => candidateOf(call, found, database, database.name, uses(database))),
    chosen.length === 0 ? `DATABASES of ${found.settings} has no "${given ?? 'default'}"` : undefined,
  )
}

function forTests(call: Call, found: Databases, args: readonly string[], doubt?: string): Recognition {
  const own = found.ownRunner === null ? doubt : `the test runner ${found.ownRunner} sets up its databases itself`
  const tested = found.databases.filter(({ mirror }) => mirror === null)
  const uses = (database: Database) =>
    `tests use a database of their own beside DATABASES["${database.alias}"] of ${found.settings}`
  const candidates = tested.map((database) => candidateOf(call, found, database, database.test, uses(database)))
  const real = found.databases.map((database) => candidateOf(call, found, database, database.name, own ?? ''))
  const parallel = args.some((word) => /^(--parallel|-n|--numprocesses)(=|$)/.test(word))
  const notes = parallel ? ['tests that run in parallel make copies of the test database, named after it'] : []
  return recognitionOf(own === undefined ? candidates : [...candidates, ...real], own, notes)
}

function recognitionOf(
  read: readonly (Candidate | string)[],
  doubt: string | undefined,
  notes: readonly string[] = [],
): Recognition {
  const candidates = read.filter((one): one is Candidate => typeof one !== 'string')
  const problems = [...(doubt === undefined ? [] : [doubt]), ...read.filter((one) => typeof one === 'string')]
  if (problems.length > 0) return { state: 'unknown', because: problems.join('; '), candidates }
  return { state: 'known', by: 'asked', candidates, notes }
}

function candidateOf(
  call: Call,
  { settings }: Databases,
  database: Database,
  name: string | null,
  reason: string,
): Candidate | string {
  const key = `DATABASES["${database.alias}"]`
  const stated = statedOf(database, name, call.cwd)
  if ('problem' in stated) return `${key} of ${settings} ${stated.problem}`
  const problem = elsewhere(database) ?? serviceProblem(stated, call.environment)
  if (problem !== undefined) return `${key} of ${settings}: ${problem}`
  const environment = { ...call.environment, DJANGO_SETTINGS_MODULE: settings }
  return clientCandidate(stated, { ...call, environment }, { label: settings, keys: [key], reason })
}

async function recognisePytest(io: Io, call: Call): Promise<Recognition | undefined> {
  const args = call.words.slice(1)
  const found = pytestSettings(call)
  if (found === undefined) return undefined
  if (args.some((word) => /^(--help|-h|--version|-V|--collect-only|--co|--fixtures)$/.test(word)))
    return { state: 'harmless', reason: 'pytest runs no test' }
  const { environment } = await loadedEnvironment(call)
  const own = { ...call, environment: { ...environment, ...found.environment, DJANGO_SETTINGS_MODULE: found.module } }
  const databases = await askDatabases(io, own, { kind: 'pytest', paths: found.paths })
  if ('problem' in databases) return unanswered(databases.problem)
  return forTests(own, databases, args, doubtOf(found, databases, args))
}

function doubtOf(
  { overridden }: PytestSettings,
  { pytestDjango }: Databases,
  args: readonly string[],
): string | undefined {
  if (overridden !== undefined) return `${overridden} may lead the tests to another database`
  if (!pytestDjango) return 'pytest-django, which would give the tests a database of their own, was not found'
  return valuesOf(args, ['-p']).includes('no:django') ? 'pytest runs without pytest-django' : undefined
}
