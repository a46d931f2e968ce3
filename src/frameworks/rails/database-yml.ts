import { parse } from 'yaml'
import type { Values } from '../../environment/env-file.ts'
import { renderErb } from './erb.ts'

/** One entry of `config/database.yml`: an environment has one, or several with names. */
export type Entry = {
  readonly environment: string
  /** `primary` where the environment has just one. */
  readonly name: string
  readonly settings: Readonly<Record<string, string>>
  /** It was merged with a URL of this variable. */
  readonly urlKey?: string
}

/**
 * The entries of `config/database.yml` as ActiveRecord::DatabaseConfigurations makes them (build_configs; `shared` as in
 * Rails::Application::Configuration#database_configuration). Undefined when only Ruby can read the file.
 */
export function entriesOf(text: string, values: Values): readonly Entry[] | undefined {
  const rendered = renderErb(text, values)
  const content = rendered === undefined ? undefined : parseYaml(rendered)
  if (content === undefined) return undefined
  const { shared, ...environments } = content
  return Object.entries(environments).flatMap(([environment, config]) =>
    isRecord(config) || shared === undefined ? entriesIn(environment, withShared(config, shared)) : [],
  )
}

// Psych reads YAML 1.1, merge keys included.
function parseYaml(text: string): Record<string, unknown> | undefined {
  try {
    const content: unknown = parse(text, { version: '1.1', merge: true, logLevel: 'silent' })
    return isRecord(content) ? content : content === null ? {} : undefined
  } catch {
    return undefined
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function withShared(config: unknown, shared: unknown): unknown {
  return isRecord(config) && isRecord(shared) ? { ...shared, ...config } : config
}

function entriesIn(environment: string, config: unknown): readonly Entry[] {
  if (typeof config === 'string') return [{ environment, name: 'primary', settings: { url: config } }]
  if (!isRecord(config)) return []
  const several = Object.keys(config).length > 0 && Object.values(config).every(isRecord)
  if (!several) return [{ environment, name: 'primary', settings: settingsOf(config) }]
  return Object.entries(config).map(([name, own]) => ({ environment, name, settings: settingsOf(own) }))
}

/** The plain values of a configuration, as text. */
export function settingsOf(config: unknown): Record<string, string> {
  if (!isRecord(config)) return {}
  // An empty `url:` is not the same as none.
  const stated = config['url'] === null ? { ...config, url: '' } : config
  const plain = Object.entries(stated).filter(([, value]) => ['string', 'number', 'boolean'].includes(typeof value))
  return Object.fromEntries(plain.map(([key, value]) => [key, String(value)]))
}
