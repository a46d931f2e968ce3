import { dirname, join } from 'node:path'
import type { Io } from '../effects/io.ts'
import type { Candidate } from '../target/resolve.ts'
import type { Unusable } from '../target/url.ts'
import type { Call, Framework, Recognition } from './framework.ts'
import { loadedEnvironment } from './loaded-environment.ts'
import { namedCandidate } from './named.ts'
import { isFile, type PhpunitSettings, readPhpunitSettings } from './php/phpunit.ts'
import { harmlessReason, placeNamed, type SymfonyUse, symfonyUse } from './symfony/command.ts'
import { statedByDoctrine } from './symfony/connection.ts'
import { type DoctrineConfiguration, doctrineConfiguration, type Parameters } from './symfony/doctrine.ts'
import { type SymfonyEnvironment, type SymfonySituation, symfonyEnvironment } from './symfony/environment.ts'

/**
 * Symfony with Doctrine: the env files by the application's own Dotenv, the connections by config/packages/doctrine.yaml
 * (Symfony, "Configuration"; DoctrineBundle, "Configuration Reference"). The container is not built: that writes its cache.
 */
export const symfony: Framework = { name: 'Symfony', recognise }

async function recognise(io: Io, call: Call): Promise<Recognition | undefined> {
  const use = symfonyUse(call)
  if (use === undefined) return undefined
  const phpunit = use.kind === 'tests' ? await readPhpunitSettings(use.folder, use.args) : undefined
  const base = await applicationAt(use, phpunit)
  if (base === undefined) return undefined
  const harmless = harmlessReason(use)
  if (harmless !== undefined) return { state: 'harmless', reason: harmless }
  if (phpunit !== undefined && 'problem' in phpunit) return unknown(phpunit.problem)
  const { values: outer, environment } = await loadedEnvironment(call)
  const situation = { call, use, base, outer, environment, ...(phpunit === undefined ? {} : { phpunit }) }
  return inSituation(io, situation)
}

function unknown(because: string, candidates: readonly Candidate[] = []): Recognition {
  return { state: 'unknown', because, candidates }
}

async function applicationAt(
  { kind, folder }: SymfonyUse,
  phpunit: PhpunitSettings | { readonly problem: string } | undefined,
): Promise<string | undefined> {
  if (kind === 'console') return (await isApplication(folder)) ? folder : undefined
  const start = phpunit !== undefined && 'folder' in phpunit ? phpunit.folder : folder
  for (let at = start; ; at = dirname(at)) {
    if (await isApplication(at)) return at
    if (at === dirname(at)) return undefined
  }
}

async function isApplication(folder: string): Promise<boolean> {
  return (await isFile(join(folder, 'bin/console'))) && (await isFile(join(folder, 'config/bundles.php')))
}

async function inSituation(io: Io, situation: SymfonySituation): Promise<Recognition> {
  const found = await symfonyEnvironment(io, situation)
  if ('problem' in found) return unknown(found.problem)
  const doctrine = await doctrineConfiguration(situation.base, found.environment)
  if ('problem' in doctrine) return unknown(doctrine.problem, byUrlAlone(situation, found))
  return byDoctrine(situation, found, doctrine)
}

function byDoctrine(
  situation: SymfonySituation,
  found: SymfonyEnvironment,
  doctrine: DoctrineConfiguration,
): Recognition {
  const candidates: Candidate[] = []
  for (const name of connectionsUsed(situation.use, doctrine)) {
    const candidate = candidateOf(name, situation, found, doctrine)
    if ('problem' in candidate) return unknown(`Doctrine's connection "${name}" ${candidate.problem}`, candidates)
    candidates.push(candidate)
  }
  return { state: 'known', by: found.by, candidates, notes: found.notes }
}

/** Doctrine's own commands use one connection; tests and a project's own commands may use every one. */
function connectionsUsed(use: SymfonyUse, doctrine: DoctrineConfiguration): readonly string[] {
  const { connection, manager } = placeNamed(use)
  if (connection !== undefined) return [connection]
  if (manager !== undefined) return [doctrine.managers[manager] ?? doctrine.defaultConnection]
  return /^(?:doctrine|dbal):/.test(use.command ?? '')
    ? [doctrine.defaultConnection]
    : Object.keys(doctrine.connections)
}

function candidateOf(
  name: string,
  { call, use, base, environment }: SymfonySituation,
  found: SymfonyEnvironment,
  doctrine: DoctrineConfiguration,
): Candidate | Unusable {
  const connection = doctrine.connections[name]
  if (connection === undefined) return { problem: 'is not in config/packages/doctrine.yaml' }
  const used: string[] = []
  const stated = statedByDoctrine(connection, parametersOf(base, found, used), call.cwd)
  if ('problem' in stated) return stated
  const label = used.map((key) => found.values.get(key)?.label).find((text) => text !== undefined)
  return namedCandidate(
    stated,
    { ...call, environment },
    {
      label: label ?? doctrine.files[0] ?? 'config/packages/doctrine.yaml',
      keys: used,
      reason: `${use.name} runs in Symfony's environment "${found.environment}"`,
      files: found.files,
      values: found.values,
    },
  )
}

// The variables that were read are noted: they say where the database was named.
function parametersOf(base: string, { values, environment }: SymfonyEnvironment, used: string[]): Parameters {
  const variable = (name: string) => {
    const value = values.get(name)?.value
    if (value !== undefined && !used.includes(name)) used.push(name)
    return value
  }
  return { variable, base, environment }
}

function byUrlAlone(situation: SymfonySituation, found: SymfonyEnvironment): readonly Candidate[] {
  const recipe = { files: [], connections: { default: { url: '%env(resolve:DATABASE_URL)%' } } }
  const doctrine = { ...recipe, defaultConnection: 'default', managers: {} }
  const candidate = candidateOf('default', situation, found, doctrine)
  return 'problem' in candidate ? [] : [candidate]
}
