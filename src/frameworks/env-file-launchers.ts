import { readEnvFile } from '../environment/env-file.ts'
import type { Call } from './framework.ts'
import { leadingOptions } from './options-in-words.ts'
import { assignmentsOf } from './shell-text.ts'
import { type Launched, started } from './started.ts'

const noValues: ReadonlySet<string> = new Set()

// dotenv-cli: dotenv [-e FILE]... [-v NAME=VALUE]... [-c [ENVIRONMENT]] [-o] [--] COMMAND; earlier files win, all lose to the
// environment without -o. python-dotenv: dotenv [-f FILE] run [--no-override] COMMAND, where the file wins.
export async function dotenv(call: Call, args: readonly string[]): Promise<Launched | undefined> {
  const cascaded = args[args.indexOf('-c') + 1] ?? '-'
  const cascade = cascaded.startsWith('-') ? [] : ['-c']
  const { options, rest } = leadingOptions(
    args,
    new Set(['-e', '--env', '-v', '--variable', '-f', '--file', ...cascade]),
  )
  const named = ['-e', '-f', '--file'].flatMap((name) => options.get(name) ?? [])
  const files = cascadeOf(named.length > 0 ? named : ['.env'], options.get('-c')?.at(-1))
  const assigned = assignmentsOf([...(options.get('-v') ?? []), ...(options.get('--variable') ?? [])])
  const inner = rest[0] === 'run' ? leadingOptions(rest.slice(1), noValues) : undefined
  const over =
    inner === undefined ? options.has('-o') || options.has('--override') : !inner.options.has('--no-override')
  const loaded = over ? await filesOver(call, files) : { ...call, envFiles: [...call.envFiles, ...files] }
  return started(call, inner?.rest ?? rest, {
    environment: { ...loaded.environment, ...assigned },
    envFiles: loaded.envFiles,
  })
}

// dotenv-cli's -c: the local files first, and those of the environment where one is named.
function cascadeOf(files: readonly string[], environment: string | undefined): readonly string[] {
  if (environment === undefined) return files
  if (environment === '') return files.flatMap((file) => [`${file}.local`, file])
  return files.flatMap((file) => [`${file}.${environment}.local`, `${file}.local`, `${file}.${environment}`, file])
}

/** The call with what env files say over its environment, the first one winning. */
async function filesOver(call: Call, files: readonly string[]): Promise<Call> {
  const read = await Promise.all(files.map((file) => readEnvFile(call.cwd, file, call.environment)))
  const pairs = read.toReversed().flatMap((file) => (file.state === 'read' ? [...file.values] : []))
  const values = Object.fromEntries(pairs.map(([key, { value }]) => [key, value]))
  return { ...call, environment: { ...call.environment, ...values } }
}

// dotenvx run [-f FILE]... [--overload] -- COMMAND
export async function dotenvx(call: Call, args: readonly string[]): Promise<Launched | undefined> {
  if (args[0] !== 'run') return undefined
  const { options, rest } = leadingOptions(args.slice(1), new Set(['-f', '--env-file', '-e', '--env', '-fk']))
  const named = [...(options.get('-f') ?? []), ...(options.get('--env-file') ?? [])]
  const assigned = assignmentsOf([...(options.get('-e') ?? []), ...(options.get('--env') ?? [])])
  const files = named.length > 0 ? named : ['.env']
  const over = options.has('--overload') || options.has('-o')
  const loaded = over ? await filesOver(call, files) : { ...call, envFiles: [...call.envFiles, ...files] }
  return started(call, rest, { environment: { ...loaded.environment, ...assigned }, envFiles: loaded.envFiles })
}

// env-cmd [-f FILE] [--no-override] COMMAND: the file wins over the environment (its documentation).
export async function envCmd(call: Call, args: readonly string[]): Promise<Launched | undefined> {
  const { options, rest } = leadingOptions(args, new Set(['-f', '--file', '-r', '--rc-file', '-e', '--environments']))
  if (['-e', '--environments', '-r', '--rc-file'].some((name) => options.has(name)))
    return { opaque: 'env-cmd reads an environment from its own configuration' }
  const files = [options.get('-f')?.at(-1) ?? options.get('--file')?.at(-1) ?? '.env']
  if (options.has('--no-override')) return started(call, rest, { envFiles: [...call.envFiles, ...files] })
  return started(call, rest, await filesOver(call, files))
}

// pipenv run loads .env over the environment (pipenv, "Configuration: Virtual Environments and .env").
export async function pipenv(call: Call, args: readonly string[]): Promise<Launched | undefined> {
  const { rest } = leadingOptions(args, noValues)
  if (rest[0] !== 'run') return undefined
  const loaded = call.environment['PIPENV_DONT_LOAD_ENV'] ? call : await filesOver(call, ['.env'])
  return started(loaded, leadingOptions(rest.slice(1), noValues).rest)
}
