import { isIP } from 'node:net'
import { onOneLine } from '../effects/terminal.ts'
import type { Machine } from '../effects/this-machine.ts'
import { counted, shownBytes } from '../effects/units.ts'
import { matchesPattern, productionWordIn } from './name-words.ts'
import { type Evidence, judgeName, type NamePatterns } from './production.ts'
import { isLoopback } from './remote-host.ts'
import type { ServerTarget, Target } from './target.ts'

/** What a server says of itself once it is reached. */
export type ServerIdentity = {
  readonly version: string
  readonly sizeBytes: number
  readonly tables: number
  /** UTC, ISO 8601. */
  readonly startedAt?: string
  /** What it calls the database: another name than the target's shows a pooler's alias. */
  readonly database?: string
  /** `10.0.3.7:5432`, `db-1:3306` */
  readonly address?: string
  /** Words inside the database that say what it is for. */
  readonly markers?: readonly { readonly value: string; readonly source: string }[]
}

/**
 * `15.18, 12 tables, 8.4 MB, at 10.0.3.7:5432, up since 2026-11-20 03:12:00`, in this machine's time; and the server's own name of
 * the database, where it is another one.
 */
export function serverText(identity: ServerIdentity, named: string): string {
  const { version, database, tables, sizeBytes, address, startedAt } = identity
  const alias = database === undefined || database === named ? [] : [`called ${onOneLine(database)} there`]
  const place = address === undefined ? [] : [`at ${onOneLine(address)}`]
  const start = startedAt === undefined ? [] : [`up since ${new Date(startedAt).toLocaleString('sv-SE')}`]
  return [version, ...alias, counted(tables, 'table'), shownBytes(sizeBytes), ...place, ...start].join(', ')
}

/** What it says of production. That nothing is said, or that the address is a local one, proves nothing. */
export function serverEvidence(
  target: Target,
  { database, address, markers = [] }: Pick<ServerIdentity, 'database' | 'address' | 'markers'>,
  patterns: NamePatterns,
): readonly Evidence[] {
  if (target.engine === 'sqlite') return markerEvidence(target, markers, patterns)
  const source = 'the server'
  const alias = database === undefined || database === target.database ? [] : [database]
  const host = address === undefined || hostOf(address) === target.host ? [] : [hostOf(address)]
  return [
    ...markerEvidence(target, markers, patterns),
    ...alias.flatMap((value) => judgeName({ rule: 'database-name', value, source }, [value], patterns)),
    ...host.flatMap((value) => judgeName({ rule: 'server-name', value, source }, [value], patterns)),
  ]
}

// What Rails writes lies in a table, which travels with a dump: a copy that safeNames knows may have it.
const travels = 'ar_internal_metadata'

function markerEvidence(
  { database }: Target,
  markers: NonNullable<ServerIdentity['markers']>,
  { safeNames }: NamePatterns,
): readonly Evidence[] {
  const isSafe = safeNames.some((pattern) => matchesPattern(database, pattern))
  return markers
    .filter(({ value, source }) => productionWordIn(value) !== undefined && !(isSafe && source === travels))
    .map(({ value, source }) => ({ rule: 'marker', value, source }))
}

/**
 * Where a local host leads to, when that is another machine: a tunnel. A container is none: its address lies behind a bridge
 * of this machine, or its name is its own number.
 */
export function tunnelText(
  target: Target,
  { address }: Pick<ServerIdentity, 'address'>,
  machine: Machine,
): string | undefined {
  if (target.engine === 'sqlite' || target.socket !== undefined || address === undefined) return undefined
  const there = hostOf(address)
  if (!isHere(target, machine) || isOwn(there, machine) || /^[0-9a-f]{12}$/.test(there)) return undefined
  const place = `${target.host ?? 'localhost'}:${target.port}`
  return `${onOneLine(place)} leads to another machine: the server says that it is ${onOneLine(address)} (a tunnel, or a container)`
}

function isHere({ host = 'localhost' }: ServerTarget, { names }: Machine): boolean {
  return isLoopback(host) || names.has(host.toLowerCase())
}

function isOwn(there: string, { names, reaches }: Machine): boolean {
  const name = there.toLowerCase()
  if (isLoopback(name) || names.has(name)) return true
  return isIP(name) === 0 ? names.has(name.split('.')[0] ?? '') : reaches(name)
}

function hostOf(address: string): string {
  return address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
}
