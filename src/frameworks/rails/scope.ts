import type { Environment } from '../../effects/io.ts'
import { leadingOptions, valuesOf } from '../options-in-words.ts'

/** Which entries of the configuration a task uses. */
export type Scope = {
  readonly of: 'current' | 'test' | 'all-local'
  readonly name?: string
  /** Tasks of `db:` leave out what has `database_tasks: false`. */
  readonly managed: boolean
}

export type Wanted = {
  /** Assignments among rake's words, which rake puts into its environment. */
  readonly assigned: Environment
  /** Given by an option, or forced by the program. */
  readonly environment?: string
  /** The program takes `test` where RAILS_ENV is not set. */
  readonly tests: boolean
  readonly scopes: readonly Scope[]
}

export type Read = Wanted | { readonly harmless: string } | { readonly because: string }

const everything: Scope = { of: 'current', managed: false }
const noAssignments: Environment = {}

const harmlessCommands = new Set([
  ...['-h', '--help', 'help', '-v', '--version', 'version', 'new', 'plugin', '-T', '--tasks', '-D', '-P'],
  ...['routes', 'about', 'notes', 'stats', 'secret', 'middleware', 'initializers', 'restart', 'runner:help'],
  ...['log:clear', 'time:zones', 'zeitwerk:check', 'dev:cache', 'db:system:change', 'app:update:bin'],
])

/** What `rails …` means (railties' lib/rails/commands). */
export function readRails(args: readonly string[]): Read {
  const [command, ...rest] = args
  if (
    command === undefined ||
    harmlessCommands.has(command) ||
    /^(credentials|encrypted|tmp|time:zones):/.test(command)
  )
    return { harmless: `rails ${command ?? ''} touches no database`.replace(/ {2}/, ' ') }
  if ((rest[0] === '--help' || rest[0] === '-h') && !command.includes(':'))
    return { harmless: `rails ${command} --help touches no database` }
  if (command === 'test' || command === 't') return testsIn(environmentOption(rest))
  if (command === 'db' || command === 'dbconsole') return dbconsole(rest)
  if (/^(c|console|s|server|r|runner)$/.test(command)) return inEnvironment(environmentOption(rest), [everything])
  return readRake(args)
}

// EnvironmentArgument#acceptable_environment: `-e prod` is production.
function environmentOption(words: readonly string[]): string | undefined {
  const [given] = valuesOf(words, ['-e', '--environment'])
  if (given === undefined || given === '') return undefined
  return ['production', 'development', 'test'].find((name) => name.startsWith(given)) ?? given
}

function testsIn(environment: string | undefined): Wanted {
  const option = environment === undefined ? {} : { environment }
  return { assigned: noAssignments, tests: true, scopes: [everything], ...option }
}

function inEnvironment(environment: string | undefined, scopes: readonly Scope[]): Wanted {
  return { assigned: noAssignments, tests: false, scopes, ...(environment === undefined ? {} : { environment }) }
}

function dbconsole(words: readonly string[]): Wanted {
  const [name] = valuesOf(words, ['--database', '--db'])
  return inEnvironment(environmentOption(words), [{ ...everything, name: name ?? 'primary' }])
}

/** What a program that runs tests means: RSpec, Cucumber, a test file. */
export function readTests(): Wanted {
  return testsIn(undefined)
}

const rakeValued = new Set(['-f', '--rakefile', '-C', '--directory', '-I', '-r', '--require', '-R', '--rakelibdir'])
const rakeLists = ['-T', '--tasks', '-D', '--describe', '-P', '--prereqs', '-W', '--where', '-n', '--dry-run']

/** What rake's words mean (Rake::Application#collect_command_line_tasks: `A=B` goes into its environment). */
export function readRake(args: readonly string[]): Read {
  const words = args.filter((word, index) => !rakeValued.has(word) && !rakeValued.has(args[index - 1] ?? ''))
  if (words.some((word) => rakeLists.includes(word) || /^(-h|--help|-V|--version|-H)$/.test(word)))
    return { harmless: 'rake lists its tasks and runs none' }
  if (words.some((word) => /^(-e|-E|-p|--execute|--execute-print|--execute-continue)$/.test(word)))
    return { because: 'rake -e runs code that is given to it' }
  const pairs = words.flatMap((word) => /^(\w+)=([\s\S]*)$/.exec(word) ?? [])
  const given = words
    .filter((word) => !word.startsWith('-') && !/^\w+=/.test(word))
    .map((word) => word.replace(/\[.*$/, ''))
  return tasks(given.length > 0 ? given : ['default'], assignedIn(pairs))
}

function assignedIn(parts: readonly string[]): Environment {
  const entries: [string, string][] = []
  for (let index = 0; index + 2 < parts.length; index += 3)
    entries.push([parts[index + 1] ?? '', parts[index + 2] ?? ''])
  return Object.fromEntries(entries)
}

/** The folder that rake is sent to. */
export function rakeFolder(args: readonly string[]): string | undefined {
  return leadingOptions(args, rakeValued).options.get('-C')?.at(-1) ?? valuesOf(args, ['--directory']).at(-1)
}

function tasks(names: readonly string[], assigned: Environment): Read {
  const tests = names.some((name) => /^(default$|(test|spec|cucumber|features)(:|$))/.test(name))
  const scopes = names.flatMap(scopesOf)
  if (scopes.length === 0) return { harmless: `${names.join(', ')} only reads` }
  // `spec` puts its own process into the test environment, whatever RAILS_ENV says (rspec-rails, tasks/rspec.rake).
  const also: readonly Scope[] = tests ? [{ of: 'test', managed: false }] : []
  return { assigned, tests, scopes: [...scopes, ...also] }
}

const readers =
  /^db:(version|charset|collation|load_config|check_protected_environments|abort_if_pending_migrations|migrate:status|schema:dump|structure:dump|schema:cache:(dump|clear)|encryption:init)(:|$)|^(routes|about|notes|stats|secret|middleware|initializers|time:zones.*|log:clear|tmp:.*|zeitwerk:check)$/

const alsoTest =
  /^db:(create|drop|purge|setup|reset|prepare|schema:load(_if_ruby)?|structure:load(_if_sql)?|migrate:reset)$/

// railties/databases.rake and Tasks::DatabaseTasks#each_current_configuration: in development these do the test database too.
function scopesOf(task: string): readonly Scope[] {
  if (readers.test(task)) return []
  if (/^db:(create|drop|purge):all$/.test(task)) return [{ of: 'all-local', managed: true }]
  if (task.startsWith('db:test:')) return [{ of: 'test', managed: true, ...nameIn(task, 3) }]
  if (alsoTest.test(task))
    return [
      { of: 'current', managed: true },
      { of: 'test', managed: true, name: developmentOnly },
    ]
  if (/^db:(migrate|rollback|create|drop|schema:load|structure:load)/.test(task))
    return [{ of: 'current', managed: true, ...nameOfTask(task) }]
  return [everything]
}

/** A scope of this name counts in development alone. */
export const developmentOnly = '(in development)'

function nameIn(task: string, at: number): Pick<Scope, 'name'> {
  const name = task.split(':')[at]
  return name === undefined ? {} : { name }
}

function nameOfTask(task: string): Pick<Scope, 'name'> {
  const name = /^db:(?:migrate:(?:up|down|redo)|migrate|rollback|create|drop|schema:load|structure:load):(\w+)$/.exec(
    task,
  )?.[1]
  return name === undefined || /^(up|down|redo|reset)$/.test(name) ? {} : { name }
}
