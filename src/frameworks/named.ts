import type { Values } from '../environment/env-file.ts'
import { completeServer } from '../target/candidates.ts'
import type { Candidate } from '../target/resolve.ts'
import type { Target, TargetSource } from '../target/target.ts'
import { parseUrl, type Stated, type Unusable } from '../target/url.ts'
import type { Call } from './framework.ts'

/** Where a framework read a database, in its user's words. */
export type Origin = {
  /** The file or variable: `config/database.yml`, `.env.testing`, `environment`. */
  readonly label: string
  readonly keys: readonly string[]
  /** `artisan test reads .env.testing`. */
  readonly reason: string
  /** Env files behind it, for `--env-file` in what we propose and for evidence in their names. */
  readonly files?: readonly string[]
  /** All that was read where it was named: evidence is looked for in it. */
  readonly values?: Values
}

/** A candidate of what a framework's configuration states; missing host, port and socket get the engine's defaults. */
export function namedCandidate(stated: Stated, call: Call, origin: Origin): Candidate {
  const labels = Object.fromEntries(origin.keys.map((key) => [key, origin.values?.get(key)?.label ?? origin.label]))
  const source: TargetSource = { kind: 'framework', label: origin.label, keys: origin.keys, labels }
  return {
    target: targetOf(stated, source),
    reason: origin.reason,
    files: origin.files ?? [],
    values: origin.values ?? new Map(),
    environment: call.environment,
  }
}

function targetOf(stated: Stated, source: TargetSource): Target {
  if (stated.engine === 'sqlite') return { engine: 'sqlite', database: stated.database ?? '', source }
  return completeServer(stated, source, false)
}

/** The same for a URL; `Unusable` says why the URL leads nowhere. Relative SQLite paths count from `folder`. */
export function namedByUrl(url: string, call: Call, origin: Origin, folder = call.cwd): Candidate | Unusable {
  const stated = parseUrl(url, folder)
  if ('problem' in stated) return stated
  if (stated.database === undefined) return { problem: 'names no database' }
  return namedCandidate(stated, call, origin)
}
