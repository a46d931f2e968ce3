import { basename, dirname, resolve } from 'node:path'
import type { Call } from '../framework.ts'
import { leadingOptions, valuesOf } from '../options-in-words.ts'
import { testRunners } from '../php/phpunit.ts'

/** What a call does with a Laravel application, as its words say. */
export type LaravelUse = {
  readonly kind: 'artisan' | 'tests'
  /** For people: `artisan migrate`, `phpunit`. */
  readonly name: string
  /** Where the application is looked for; upwards of it for test runners. */
  readonly folder: string
  /** The words after `artisan`, the command's name included; a test runner's own arguments. */
  readonly args: readonly string[]
  /** `artisan test` starts PHPUnit behind it. */
  readonly throughArtisan: boolean
  /** By Sail: in a container, with an environment that is not ours. */
  readonly inContainer: boolean
}

/** How these words use Laravel; undefined: not at all, as far as they show. */
export function laravelUse({ words, cwd }: Pick<Call, 'words' | 'cwd'>): LaravelUse | undefined {
  const [program = '', ...args] = words
  const name = basename(program)
  if (name === 'artisan') return artisanUse(args, dirname(resolve(cwd, program)))
  if (testRunners.has(name)) return { ...runnerUse(name, args, cwd), inContainer: false }
  if (name === 'sail') return sailUse(args, cwd)
  return undefined
}

function artisanUse(args: readonly string[], folder: string): LaravelUse {
  const command = commandOf(args)
  const name = `artisan ${command ?? 'list'}`
  const tests = command === 'test'
  return { kind: tests ? 'tests' : 'artisan', name, folder, args, throughArtisan: true, inContainer: false }
}

function runnerUse(name: string, args: readonly string[], folder: string): Omit<LaravelUse, 'inContainer'> {
  return { kind: 'tests', name, folder, args, throughArtisan: false }
}

// vendor/bin/sail: its own words for the programs that it starts in the container
const sailArtisan = new Set(['artisan', 'art', 'a'])

function sailUse(args: readonly string[], cwd: string): LaravelUse {
  const [verb = '', ...rest] = args
  if (sailArtisan.has(verb)) return { ...artisanUse(rest, cwd), inContainer: true }
  if (verb === 'php' && rest[0] === 'artisan') return { ...artisanUse(rest.slice(1), cwd), inContainer: true }
  if (verb === 'test' || verb === 'tinker') return { ...artisanUse([verb, ...rest], cwd), inContainer: true }
  if (testRunners.has(verb)) return { ...runnerUse(verb, rest, cwd), inContainer: true }
  const name = `sail ${verb}`.trim()
  return { kind: 'artisan', name, folder: cwd, args: rest, throughArtisan: false, inContainer: true }
}

/** The command's name among artisan's words. */
function commandOf(args: readonly string[]): string | undefined {
  return leadingOptions(args, new Set(['--env'])).rest[0]
}

/** `--env=testing` or `--env testing`, which chooses the env file. */
export function environmentFlag(args: readonly string[]): string | undefined {
  return valuesOf(args, ['--env']).find((value) => value !== '')
}

// Of Illuminate\Foundation and Illuminate\Routing: they print or write files, and open no connection.
const harmlessCommands = new Set([
  'list',
  'help',
  'env',
  'route:list',
  'route:cache',
  'route:clear',
  'config:show',
  'config:cache',
  'config:clear',
  'event:list',
  'view:cache',
  'view:clear',
  'key:generate',
  'package:discover',
  'make:migration',
  'stub:publish',
])

/** Why a call to artisan touches no database, where that is certain. */
export function harmlessReason({ kind, name, args, throughArtisan }: LaravelUse): string | undefined {
  if (!throughArtisan) return undefined
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  if (own.some((word) => ['-h', '--help', '-V', '--version'].includes(word))) return `${name} only prints`
  const command = commandOf(args) ?? 'list'
  return kind === 'artisan' && harmlessCommands.has(command) ? `${name} touches no database` : undefined
}

const databaseCommands = /^(?:migrate(?::.+)?|db:(?:seed|wipe|show|table)|schema:dump|model:show)$/

/** Which connections of config/database.php the words name; `undefined` stands for the default one. */
export function connectionsNamed({ kind, args }: LaravelUse): readonly (string | undefined)[] {
  if (kind === 'tests') return [undefined]
  const command = commandOf(args) ?? ''
  if (command === 'db') return [positional(args) ?? valuesOf(args, ['--database']).at(-1)]
  const named = valuesOf(args, ['--database'])
    .filter((name) => name !== '')
    .at(-1)
  if (named === undefined) return [undefined]
  const bare = named.replace(/::(?:read|write)$/, '')
  // What a project's own command means by the option is its own affair.
  return databaseCommands.test(command) ? [bare] : [undefined, bare]
}

function positional(args: readonly string[]): string | undefined {
  const after = leadingOptions(args, new Set(['--env'])).rest.slice(1)
  return after.find((word) => !word.startsWith('-'))
}
