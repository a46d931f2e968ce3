import { basename, dirname, resolve } from 'node:path'
import type { Call } from '../framework.ts'
import { leadingOptions, valuesOf } from '../options-in-words.ts'
import { testRunners } from '../php/phpunit.ts'

/** What a call does with a Symfony application, as its words say. */
export type SymfonyUse = {
  readonly kind: 'console' | 'tests'
  /** For people: `bin/console doctrine:migrations:migrate`, `phpunit`. */
  readonly name: string
  readonly folder: string
  readonly args: readonly string[]
  readonly command?: string
  /** `--env=` or `-e`. */
  readonly environment?: string
}

const valued = new Set(['-e', '--env'])

/** How these words use Symfony; undefined: not at all, as far as they show. */
export function symfonyUse({ words, cwd }: Pick<Call, 'words' | 'cwd'>): SymfonyUse | undefined {
  const [program = '', ...args] = words
  const name = basename(program)
  if (testRunners.has(name)) return { kind: 'tests', name, folder: cwd, args }
  const path = resolve(cwd, program)
  if (name === 'console' && basename(dirname(path)) === 'bin') return consoleUse(dirname(dirname(path)), args)
  return undefined
}

function consoleUse(folder: string, args: readonly string[]): SymfonyUse {
  const [command] = leadingOptions(args, valued).rest
  const environment = environmentFlag(args)
  return {
    kind: 'console',
    name: `bin/console ${command ?? 'list'}`,
    folder,
    args,
    ...(command === undefined ? {} : { command }),
    ...(environment === undefined ? {} : { environment }),
  }
}

// Symfony\Component\Runtime\SymfonyRuntime: the parameter option --env or -e, `-etest` too
function environmentFlag(args: readonly string[]): string | undefined {
  const end = args.indexOf('--')
  const attached = args.slice(0, end < 0 ? args.length : end).find((word) => /^-e./.test(word))
  return [...valuesOf(args, ['--env', '-e']), ...(attached === undefined ? [] : [attached.slice(2)])].find(
    (value) => value !== '',
  )
}

const harmlessCommands =
  /^(?:list|help|about|debug:(?:router|container|config|autowiring|dotenv|event-dispatcher|twig)|router:match|lint:(?:yaml|twig|container|xliff))$/

/** Why a call to the console touches no database, where that is certain. */
export function harmlessReason({ kind, name, command, args }: SymfonyUse): string | undefined {
  if (kind === 'tests') return undefined
  const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args
  const printsOnly = own.some((word) => ['-h', '--help', '-V', '--version'].includes(word))
  return printsOnly || harmlessCommands.test(command ?? 'list') ? `${name} touches no database` : undefined
}

/** `--connection`, `--conn` or `--em` of Doctrine's commands. */
export function placeNamed({ kind, args }: SymfonyUse): { readonly connection?: string; readonly manager?: string } {
  if (kind === 'tests') return {}
  const connection = valuesOf(args, ['--connection', '--conn']).at(-1)
  const manager = valuesOf(args, ['--em']).at(-1)
  return { ...(connection ? { connection } : {}), ...(manager ? { manager } : {}) }
}
