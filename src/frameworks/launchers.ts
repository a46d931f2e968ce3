import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { dotenv, dotenvx, envCmd, pipenv } from './env-file-launchers.ts'
import type { Call } from './framework.ts'
import { leadingOptions, type ReadOptions } from './options-in-words.ts'
import { assignmentsOf, readShellText } from './shell-text.ts'
import { joined, type Launched, started } from './started.ts'

/** A program that starts another one as it stands in its own arguments. Undefined: the words start nothing further. */
type Rule = (call: Call, args: readonly string[]) => Launched | undefined | Promise<Launched | undefined>

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
  'env-cmd': envCmd,
  node,
  tsx: node,
  'ts-node': (call, args) => behindOptions(call, args, new Set(['-P', '--project', '-r', '--require'])),
  npx,
  bunx: (call, args) => packageProgram(call, leadingOptions(args, new Set(['-p', '--package'])).rest),
  'run-s': manyScripts,
  'run-p': manyScripts,
  'npm-run-all': manyScripts,
  concurrently,
  sh: shell,
  bash: shell,
  zsh: shell,
  dash: shell,
  ruby: (call, args) => (args.includes('-e') ? undefined : behindOptions(call, args, new Set(['-I', '-r', '-C']))),
  bundle: (call, args) => (args[0] === 'exec' ? behindOptions(call, args.slice(1), noValues) : undefined),
  poetry: runs,
  uv: runs,
  pipenv,
  hatch: runs,
  rye: runs,
  pdm: runs,
  nice: (call, args) => behindOptions(call, args, new Set(['-n', '--adjustment'])),
  nohup: (call, args) => behindOptions(call, args, noValues),
  setsid: (call, args) => behindOptions(call, args, noValues),
  stdbuf: (call, args) => behindOptions(call, args, new Set(['-i', '-o', '-e'])),
  ionice: (call, args) => behindOptions(call, args, new Set(['-c', '-n'])),
  time: (call, args) => behindOptions(call, args, new Set(['-f', '-o'])),
  command: (call, args) => behindOptions(call, args, noValues),
  exec: (call, args) => behindOptions(call, args, new Set(['-a'])),
  timeout: (call, args) => afterOne(call, leadingOptions(args, new Set(['-s', '--signal', '-k', '--kill-after']))),
  sudo: () => ({ opaque: 'sudo changes the environment by rules that are not ours to read' }),
  docker: () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  'docker-compose': () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  ddev: () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  lando: () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  symfony: symfonyCli,
  herd: (call, args) => (args[0] === 'php' ? started(call, args) : undefined),
  valet: (call, args) => (args[0] === 'php' ? started(call, args) : undefined),
  podman: () => ({ opaque: 'it runs in a container, with an environment of its own' }),
  kubectl: () => ({ opaque: 'it runs in a cluster, with an environment of its own' }),
  ssh: () => ({ opaque: 'it runs on another machine' }),
  heroku: () => ({ opaque: 'it runs on another machine, or with its environment' }),
  direnv: () => ({ opaque: 'direnv loads an .envrc, which is a script' }),
  ...givers(['doppler', 'op', 'infisical', 'chamber', 'aws-vault', 'sops', 'railway', 'vercel', 'fly', 'vault']),
  ...runners(['turbo', 'nx', 'lerna', 'rush', 'moon', 'task', 'just']),
}

// Their store is elsewhere, and what it holds wins over every file.
function givers(names: readonly string[]): Record<string, Rule> {
  return Object.fromEntries(
    names.map((name) => [name, () => ({ opaque: `${name} gives it an environment of its own` })]),
  )
}

function runners(names: readonly string[]): Record<string, Rule> {
  return Object.fromEntries(names.map((name) => [name, () => ({ opaque: `${name} runs tasks by a file of its own` })]))
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

// env [-i] [-u NAME] [-C DIR] [NAME=VALUE]... COMMAND; a lone `-` is -i
function env(call: Call, args: readonly string[]): Launched | undefined {
  const separate = args.flatMap((word) => (/^-[uCS]./.test(word) ? [word.slice(0, 2), word.slice(2)] : [word]))
  const { options, rest } = leadingOptions(
    separate,
    new Set(['-u', '--unset', '-C', '--chdir', '-S', '--split-string']),
  )
  if (options.has('-S') || options.has('--split-string')) return { opaque: 'env -S splits a text by rules of its own' }
  const cleared = options.has('-i') || options.has('--ignore-environment') || rest[0] === '-'
  const kept: Record<string, string | undefined> = cleared ? {} : { ...call.environment }
  for (const name of [...(options.get('-u') ?? []), ...(options.get('--unset') ?? [])]) kept[name] = undefined
  const folder = options.get('-C')?.at(-1) ?? options.get('--chdir')?.at(-1)
  const cwd = folder === undefined ? call.cwd : resolve(call.cwd, folder)
  return withAssignments({ ...call, environment: kept, cwd }, rest[0] === '-' ? rest.slice(1) : rest)
}

function npx(call: Call, args: readonly string[]): Launched | undefined {
  const valued = new Set(['-p', '--package', '-w', '--workspace', '-c', '--call'])
  const { options, rest } = leadingOptions(args, valued)
  if (options.has('-w') || options.has('--workspace')) return { opaque: 'npx runs it in a workspace' }
  const text = options.get('-c')?.at(-1) ?? options.get('--call')?.at(-1)
  return text === undefined ? packageProgram(call, rest) : shellText(call, text)
}

/** A program that a package carries, as `npx prisma@6 …` names it. */
export function packageProgram(call: Call, words: readonly string[]): Launched | undefined {
  const [name = '', ...rest] = words
  return started(call, words.length === 0 ? [] : [name.replace(/(?<=.)@[^/]*$/, ''), ...rest])
}

// npm-run-all: names of scripts; patterns are matched against them
function manyScripts(call: Call, args: readonly string[]): Launched | undefined {
  const names = args.filter((word) => !/^-/.test(word))
  if (
    names.length !== args.length &&
    args.some(
      (word) =>
        !/^-{1,2}(?:s|p|l|c|n|serial|sequential|parallel|print-label|continue-on-error|silent)$/.test(word) &&
        word.startsWith('-'),
    )
  )
    return { opaque: 'it starts scripts by options of its own' }
  if (names.some((name) => /[*{}\s]/.test(name))) return { opaque: 'it starts scripts by a pattern' }
  return joined(names.map((name) => started(call, ['npm', 'run', name]) ?? { calls: [] }))
}

// concurrently "npm:watch" "php artisan serve": each word is a shell's text
function concurrently(call: Call, args: readonly string[]): Launched | undefined {
  const { rest } = leadingOptions(
    args,
    new Set(['-n', '--names', '-c', '--prefix-colors', '-p', '--prefix', '-m', '--max-processes']),
  )
  if (rest.some((text) => /^\w+:.*\*/.test(text))) return { opaque: 'it starts scripts by a pattern' }
  return joined(rest.map((text) => shellText(call, text.replace(/^(npm|pnpm|yarn|bun):(\S+)/, '$1 run $2'))))
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
  '--run',
  '--experimental-loader',
  '--tsconfig',
])

// node --env-file=F: later files win over earlier ones, and the environment over all (Node's documentation of --env-file).
function node(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, nodeValued)
  const files = [...(options.get('--env-file') ?? []), ...(options.get('--env-file-if-exists') ?? [])].reverse()
  const envFiles = [...call.envFiles, ...files]
  const [script] = rest
  const run = options.get('--run')?.at(-1)
  if (run !== undefined) return started(call, ['npm', 'run', run, '--', ...rest], { envFiles })
  if (script === undefined || ['-e', '--eval', '-p', '--print'].some((name) => options.has(name))) return undefined
  if (isBinary(script)) return started(call, rest, { envFiles })
  return files.length === 0 ? undefined : started(call, ['node', ...rest], { envFiles })
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

// poetry -C DIR run …, uv --directory DIR run [--env-file F] [-m] …
function runs(call: Call, args: readonly string[]): Launched | undefined {
  const outer = leadingOptions(args, new Set(['-C', '--directory', '--project', '-P']))
  if (outer.rest[0] !== 'run') return undefined
  const valued = [
    '--env-file',
    '--with',
    '--python',
    '-p',
    '--extra',
    '--group',
    '--directory',
    '--project',
    '--package',
  ]
  const { options, rest } = leadingOptions(outer.rest.slice(1), new Set(valued))
  const folders = [outer.options.get('-C'), outer.options.get('--directory'), options.get('--directory')].flatMap(
    (list) => list ?? [],
  )
  const cwd = folders.reduce((folder, next) => resolve(folder, next), call.cwd)
  // uv: later files win.
  const named = options.get('--env-file') ?? splitFiles(call.environment['UV_ENV_FILE'])
  const files = basename(call.words[0] ?? '') === 'uv' ? named.toReversed() : []
  return started(call, rest, { cwd, envFiles: [...call.envFiles, ...files] })
}

function splitFiles(text: string | undefined): readonly string[] {
  return (text ?? '').split(/\s+/).filter((file) => file !== '')
}

// python [-u] -m MODULE ARGS, python manage.py ARGS
function python(call: Call, args: readonly string[]): Launched | undefined {
  const separate = args.map((word, index) => (/^-m./.test(word) && index === firstModule(args) ? word.slice(2) : word))
  const { options, rest } = leadingOptions(separate, new Set(['-W', '-X']))
  return options.has('-c') ? undefined : started(call, rest)
}

function firstModule(args: readonly string[]): number {
  return args.findIndex((word) => /^-m./.test(word) || !word.startsWith('-'))
}

const composeFiles = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']

// Symfony CLI, "Docker Integration": the variables of Compose's services that run, DATABASE_URL among them, win over .env.
function symfonyCli(call: Call, args: readonly string[]): Launched | undefined {
  const [verb = '', ...rest] = args
  const words = verb === 'console' ? ['bin/console', ...rest] : verb === 'run' ? rest : args
  if (!['console', 'run', 'php', 'composer'].includes(verb)) return undefined
  return composeFiles.some((file) => existsSync(resolve(call.cwd, file)))
    ? { opaque: 'the symfony command hands on the variables of the Docker Compose services that run' }
    : started(call, words)
}

// php -d setting=value artisan …
function php(call: Call, args: readonly string[]): Launched | undefined {
  const { options, rest } = leadingOptions(args, new Set(['-d', '-c', '-z']))
  return options.has('-r') ? undefined : started(call, rest)
}
