import type { Call, Recognition } from './framework.ts'
import { namedCandidate } from './named.ts'
import { keysHolding, type Told } from './node-configuration.ts'
import { type Driver, type Settings, statedBySettings } from './node-connection.ts'

export function unknown(because: string): Recognition {
  return { state: 'unknown', because, candidates: [] }
}

export function harmless(reason: string): Recognition {
  return { state: 'harmless', reason }
}

/** What a tool was told to connect to, and where that stands. */
export type Connection = {
  readonly settings: unknown
  readonly driver: Driver
  readonly by: 'asked' | 'rules'
  /** The configuration file, relative to the call's folder. */
  readonly label: string
  /** `knex migrate:latest uses knexfile.js, environment test`. */
  readonly reason: string
}

/** The recognition of one connection that a configuration names; unknown, with the reason, where it leads nowhere. */
export function recognised(call: Call, told: Pick<Told, 'values' | 'files'>, connection: Connection): Recognition {
  const stated = statedBySettings(connection.settings, connection.driver)
  if ('problem' in stated) return unknown(`${connection.label} ${stated.problem}`)
  if (stated.database === undefined || stated.database === '') return unknown(`${connection.label} names no database`)
  const { label, reason, by } = connection
  const keys = keysBehind(connection.settings, told)
  const origin = { label, keys, reason, files: told.files, values: told.values }
  return { state: 'known', by, candidates: [namedCandidate(stated, call, origin)], notes: [] }
}

// The variables that the configuration took the URL, or the name of the database, from.
function keysBehind(settings: unknown, { values }: Pick<Told, 'values'>): readonly string[] {
  const given: Settings = typeof settings === 'string' ? { url: settings } : ((settings ?? {}) as Settings)
  const text = (...names: string[]) => names.map((name) => given[name]).find((value) => typeof value === 'string')
  const url = text('connectionString', 'url', 'uri')
  if (url !== undefined) return keysHolding(values, String(url))
  // A name is short enough to stand in other variables too: USER, LOGNAME.
  const keys = keysHolding(values, text('database', 'filename', 'storage') as string | undefined)
  return keys.filter((key) => /DB|DATABASE|SQL|^PG/i.test(key))
}
