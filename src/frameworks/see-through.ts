import { basename } from 'node:path'
import type { Environment } from '../effects/io.ts'
import type { Call, SeenThrough } from './framework.ts'
import { launcherFor } from './launchers.ts'
import { throughMake } from './makefile.ts'
import { isPackageManager, throughPackageManager } from './package-scripts.ts'
import type { Launched } from './started.ts'

// A script that calls itself, or a chain that nobody can follow.
const deepest = 12

/** The programs that a command starts, seen through launchers, package scripts and shells; nothing is run. */
export async function seeThrough(
  words: readonly string[],
  cwd: string,
  environment: Environment,
): Promise<SeenThrough> {
  return through({ words, cwd, environment, envFiles: [], via: [] }, 0)
}

async function through(call: Call, depth: number): Promise<SeenThrough> {
  if (depth > deepest) return { calls: [], opaque: ['it starts itself again and again'] }
  const launched = await launch(call)
  if (launched === undefined) return { calls: isHarmless(call) ? [] : [call], opaque: [] }
  if ('opaque' in launched) return { calls: [], opaque: [launched.opaque] }
  const parts = await Promise.all(launched.calls.map((inner) => through(inner, depth + 1)))
  return { calls: parts.flatMap(({ calls }) => calls), opaque: parts.flatMap(({ opaque }) => opaque) }
}

async function launch(call: Call): Promise<Launched | undefined> {
  const [program = '', ...args] = call.words
  if (basename(program) === 'make' || basename(program) === 'gmake') return throughMake(call)
  if (isPackageManager(program)) return throughPackageManager(call)
  return launcherFor(program)?.(call, args)
}

// Beside a migration in one script, these touch no database whatever their arguments are.
const harmless = new Set([
  'echo',
  'printf',
  'true',
  'false',
  ':',
  'mkdir',
  'rm',
  'cp',
  'mv',
  'ls',
  'cat',
  'sleep',
  'touch',
  'test',
  '[',
  'tsc',
  'eslint',
  'prettier',
  'biome',
  'rimraf',
  'set',
])

function isHarmless({ words, via }: Call): boolean {
  return via.length > 0 && harmless.has(basename(words[0] ?? ''))
}
