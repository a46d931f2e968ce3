import { basename, resolve } from 'node:path'
import type { Call } from './framework.ts'
import { leadingOptions, type ReadOptions } from './options-in-words.ts'
import { assignmentsOf, readShellText } from './shell-text.ts'

/** What a launcher starts: the calls behind it, or why that cannot be read. */
export type Launched = { readonly calls: readonly Call[] } | { readonly opaque: string }

/** A program that starts another one as it stands in its own arguments. Undefined: the words start nothing further. */
export type Launcher = (call: Call) => Launched | undefined

type Rule = (call: Call, args: readonly string[]) => Launched | undefined

const noValues: ReadonlySet<string> = new Set()

/** The launcher for a program's name, if it is one. */
export function launcherFor(program: string): Rule | undefined {
  const name = basename(program)
  return launchers[name] ?? (/^python[\d.]*$/.test(name) ? python : /^php[\d.]*$/.test(name) ? php : undefined)
}

const launchers: Readonly<Record<string, Rule>> = {
  env,
  'cross-env': (call, args) => withAssignments(call, args),
  'cross-env-shell': (call, args) => shellText(withAssigned(call, args), leadingWords(args).join(' ')),
  dotenv,
  dotenvx,
  'env-cmd': (call, args) => fileOption(call, args, ['-f', '--file'], '.env'),
  node,
  tsx: node,
  'ts-node': (call, args) => behindOptions(call, args, new Set(['-P', '--project', '-r', '--require'])),
  npx: (call, args) => behindOptions(call, args, new Set(['-p', '--package', '-w', '--workspace'])),
  bunx: (call, args) => behindOptions(call, args, noValues),
  sh: shell,
  bash: shell,
  zsh: shell,
  dash: shell,
  ruby: (call, args) => behindOptions(call, args, new Set(['-I', '-r', '-C'])),
  bundle: (call, args) => (args[0] === 'exec' ? behindOptions(call, args.slice(1), noValues) : undefined),
  poetry: runs,
  uv: runs,
  pipenv: runs,
  hatch: runs,
  rye: runs,
  pdm: runs,
  nice: (call, args) => behindOptions(call, args, new Set(['-n', '--adjustment'])),
  nohup: (call, args) => behindOptions(call, args, noValues),
  time: (call, args) => behindOptions(call, args, new Set(['-f', '-o'])),
  command: (call, args) => behindOptions(call, args, noValues),
  exec: (call, args) => behindOptions(call, args, new Set(['-a'])),
  timeout: (call, args) => afterOne(call, leadingOptions(args, new Set(['-s', '--signal', '-k', '--kill-after']))),
  sudo: () => ({ opaque: 'sudo changes the environment by rules that are not ours to read' }),
  docker: () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  'docker-compose': () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  ssh: () => ({ opaque: 'it runs on another machine' }),
}

function started(call: Call, words: readonly string[], changes: Partial<Call> = {}): Launched | undefined {
  if (words.length === 0) return undefined
  return { calls: [{ ...call, ...changes, words, via: [...call.via, call.words.join(' ')] }] }
}

function behindOptions(call: Call, args: readonly string[], valued: ReadonlySet<string>): Launched | undefined {
  return started(call, leadingOptions(args, valued).rest)
}

function afterOne(call: Call, { rest }: ReadOptions): Launched | undefined {
  return started(call, rest.slice(1))
}

function leadingWords(args: readonly string[]): readonly string[] {
  const first = args.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word))
  return first < 0 ? [] : args.slice(first)
}

function withAssigned(call: Call, args: readonly string[]): Call {
  const assigned = assignmentsOf(args.slice(0, args.length - leadingWords(args).length))
  return { ...call, environment: { ...call.environment, ...assigned } }
}

function withAssignments(call: Call, args: readonly string[]): Launched | undefined {
  return started(withAssigned(call, args), leadingWords(args))
}

// env [-i] [-u NAME] [-C DIR] [NAME=VALUE]... COMMAND
function env(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, new Set(['-u', '--unset', '-C', '--chdir', '-S', '--split-string']))
  if (options.has('-S') || options.has('--split-string')) return { opaque: 'env -S splits a text by rules of its own' }
  const cleared = options.has('-i') || options.has('--ignore-environment') || options.has('-')
  const kept: Record<string, string | undefined> = cleared ? {} : { ...call.environment }
  for (const name of [...(options.get('-u') ?? []), ...(options.get('--unset') ?? [])]) kept[name] = undefined
  const folder = options.get('-C')?.at(-1) ?? options.get('--chdir')?.at(-1)
  const cwd = folder === undefined ? call.cwd : resolve(call.cwd, folder)
  return withAssignments({ ...call, environment: kept, cwd }, rest)
}

// dotenv-cli: dotenv [-e FILE]... [-v NAME=VALUE]... [-c [ENVIRONMENT]] [--] COMMAND; earlier files win, all lose to the environment.
function dotenv(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, new Set(['-e', '--env', '-v', '--variable', '-f', '--file']))
  if (options.has('-c')) return { opaque: 'dotenv -c reads a cascade of files' }
  if (options.has('-o') || options.has('--override'))
    return { opaque: 'dotenv --override lets files win over the environment' }
  const files = [...(options.get('-e') ?? []), ...(options.get('-f') ?? []), ...(options.get('--file') ?? [])]
  const assigned = assignmentsOf([...(options.get('-v') ?? []), ...(options.get('--variable') ?? [])])
  const words = rest[0] === 'run' ? leadingOptions(rest.slice(1), noValues).rest : rest
  const environment = { ...call.environment, ...assigned }
  return started(call, words, { environment, envFiles: [...call.envFiles, ...(files.length > 0 ? files : ['.env'])] })
}

function dotenvx(call: Call, args: readonly string[]): Launched | undefined {
  if (args[0] !== 'run') return undefined
  return fileOption(call, args.slice(1), ['-f', '--env-file'], '.env')
}

function fileOption(
  call: Call,
  args: readonly string[],
  names: readonly string[],
  standard: string,
): Launched | undefined {
  const { options, rest } = leadingOptions(args, new Set(names))
  const files = names.flatMap((name) => options.get(name) ?? [])
  return started(call, rest, { envFiles: [...call.envFiles, ...(files.length > 0 ? files : [standard])] })
}

const nodeValued = new Set([
  '--env-file',
  '--env-file-if-exists',
  '-r',
  '--require',
  '--import',
  '--loader',
  '-C',
  '--conditions',
])

// node --env-file=F: later files win over earlier ones, and the environment over all (Node's documentation of --env-file).
function node(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, nodeValued)
  const files = [...(options.get('--env-file') ?? []), ...(options.get('--env-file-if-exists') ?? [])].reverse()
  const [script] = rest
  if (script === undefined || script === '-e') return undefined
  const words = isBinary(script) ? rest : ['node', ...rest]
  if (words[0] === 'node' && files.length === 0) return undefined
  const envFiles = [...call.envFiles, ...files]
  return { calls: [{ ...call, words, envFiles, via: [...call.via, call.words.join(' ')] }] }
}

function isBinary(script: string): boolean {
  return /(?:^|\/)node_modules\//.test(script)
}

function shell(call: Call, args: readonly string[]): Launched | undefined {
  const flag = args.findIndex((word) => /^-[a-z]*c$/.test(word))
  const text = flag < 0 ? undefined : args[flag + 1]
  return text === undefined ? undefined : shellText(call, text)
}

/** The simple commands of a shell text as calls. */
export function shellText(call: Call, text: string): Launched {
  const reading = readShellText(text, call.environment, call.cwd)
  if ('opaque' in reading) return reading
  const via = [...call.via, call.words.join(' ')]
  return { calls: reading.steps.map((step) => ({ ...call, ...step, via })) }
}

function runs(call: Call, args: readonly string[]): Launched | undefined {
  const { rest } = leadingOptions(args, new Set(['-C', '--directory', '--project']))
  if (rest[0] !== 'run') return undefined
  const inner = leadingOptions(rest.slice(1), new Set(['--env-file', '--with', '--python', '-p', '--extra', '--group']))
  return started(call, inner.rest, { envFiles: [...call.envFiles, ...(inner.options.get('--env-file') ?? [])] })
}

// python [-u] -m MODULE ARGS, python manage.py ARGS
function python(call: Call, args: readonly string[]): Launched | undefined {
  const module = args.indexOf('-m')
  if (module >= 0 && args.slice(0, module).every((word) => word.startsWith('-')))
    return started(call, args.slice(module + 1))
  const { options, rest } = leadingOptions(args, new Set(['-W', '-X']))
  return options.has('-c') ? undefined : started(call, rest)
}

// php -d setting=value artisan …
function php(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, new Set(['-d', '-c', '-z']))
  return options.has('-r') ? undefined : started(call, rest)
}
