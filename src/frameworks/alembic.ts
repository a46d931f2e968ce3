import { existsSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import type { Io } from '../effects/io.ts'
import type { Candidate } from '../target/resolve.ts'
import type { Stated, Unusable } from '../target/url.ts'
import { askEnvironment, type Reached } from './alembic/ask-python.ts'
import { statedOf, statedOfUrl } from './alembic/connection.ts'
import { type IniReading, readIni } from './alembic/ini.ts'
import { clientCandidate, serviceProblem } from './client-defaults.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { loadedEnvironment } from './loaded-environment.ts'
import { leadingOptions } from './options-in-words.ts'

/** Alembic's command; env.py decides, and is asked with engines that do not connect. */
export const alembic: Framework = { name: 'Alembic', recognise }

const valued = new Set(['-c', '--config', '-n', '--name', '-x'])

// They look at the scripts alone (Alembic's api/commands); `revision` does too, without --autogenerate.
const harmless = new Set(['init', 'heads', 'branches', 'show', 'list_templates', 'edit', 'merge'])

async function recognise(io: Io, call: Call): Promise<Recognition | undefined> {
  const [program = '', ...args] = call.words
  if (basename(program) !== 'alembic') return undefined
  const { rest } = leadingOptions(args, valued)
  const reason = harmlessReason(rest, args)
  if (reason !== undefined) return { state: 'harmless', reason }
  const { environment } = await loadedEnvironment(call)
  return recogniseIn(io, { ...call, environment })
}

function harmlessReason([command = '', ...words]: readonly string[], args: readonly string[]): string | undefined {
  if (command === '' || args.includes('-h') || args.includes('--help')) return 'alembic prints its help'
  if (harmless.has(command)) return `alembic ${command} touches no database`
  return (command === 'upgrade' || command === 'downgrade') && words.includes('--sql')
    ? `alembic ${command} --sql prints SQL and connects to nothing`
    : undefined
}

async function recogniseIn(io: Io, call: Call): Promise<Recognition> {
  const answer = await askEnvironment(io, call)
  const ini = readIni(call)
  const environmentFile = `env.py of ${ini?.file ?? 'alembic.ini'}`
  if (!('reached' in answer) || answer.reached.length === 0)
    return byRules(call, ini, answer.problem ?? 'env.py went to no database')
  const read = answer.reached.map((reached) =>
    candidateOf(call, statedOf(reached, call.cwd), {
      label: environmentFile,
      key: 'env.py',
      reason: `${environmentFile} connects to it`,
    }),
  )
  const problems = answer.reached.flatMap((reached) => problemOf(reached, answer.problem))
  return recognitionOf('asked', read, problems)
}

function problemOf({ own }: Reached, problem: string | null): readonly string[] {
  if (own) return ['a function of the project opens the connection (creator)']
  return problem === null ? [] : [`env.py could not be followed to its end (${problem})`]
}

function byRules(call: Call, ini: IniReading | undefined, problem: string): Recognition {
  const asked = `env.py could not be asked: ${problem}`
  const project = existsSync(resolve(call.cwd, 'pyproject.toml'))
    ? 'pyproject.toml names no URL'
    : 'no alembic.ini was found'
  if (ini === undefined) return { state: 'unknown', because: `${asked}; ${project}`, candidates: [] }
  if (ini.url === undefined) return { state: 'unknown', because: `${asked}; ${ini.file} names no URL`, candidates: [] }
  const candidate = candidateOf(call, statedOfUrl(ini.url, call.cwd), {
    label: ini.file,
    key: `[${ini.section}] sqlalchemy.url`,
    reason: `sqlalchemy.url of [${ini.section}] in ${ini.file} names it`,
  })
  return recognitionOf('rules', [candidate], ini.untouched ? [] : [asked], ini.untouched ? [asked] : [])
}

type Place = { readonly label: string; readonly key: string; readonly reason: string }

function candidateOf(call: Call, stated: Stated | Unusable, { label, key, reason }: Place): Candidate | string {
  if ('problem' in stated) return `the database of ${label} ${stated.problem}`
  const service = serviceProblem(stated, call.environment)
  return service === undefined ? clientCandidate(stated, call, { label, keys: [key], reason }) : `${label}: ${service}`
}

function recognitionOf(
  by: 'asked' | 'rules',
  read: readonly (Candidate | string)[],
  doubts: readonly string[],
  notes: readonly string[] = [],
): Recognition {
  const candidates = read.filter((one): one is Candidate => typeof one !== 'string')
  const problems = [...new Set([...doubts, ...read.filter((one) => typeof one === 'string')])]
  if (problems.length > 0) return { state: 'unknown', because: problems.join('; '), candidates }
  return { state: 'known', by, candidates, notes }
}
