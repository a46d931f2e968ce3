import { environmentLabel, type Value, type Values } from '../environment/env-file.ts'
import { directUrlKeys, engineOfDriver, type KeyFamily, keyFamilies, urlKeys } from './keys.ts'
import { Secret } from './secret.ts'
import { defaultPort, type EngineName, type Target, type TargetSource, tenantOf } from './target.ts'
import { optional, parseUrl, resolveFile, type Stated, severalHosts, type Unusable, validPort } from './url.ts'

/** What one layer of values names. */
export type Candidates = {
  readonly targets: readonly Target[]
  /** What other keys of the files name, where the environment's own variables win. */
  readonly overruled: readonly Target[]
  /** Keys that were there and lead nowhere, as sentences: "DB_DATABASE in .env is empty". */
  readonly problems: readonly string[]
  /** What was read and not used, as sentences. */
  readonly notes: readonly string[]
}

type Reading = { readonly stated: Stated; readonly keys: readonly string[]; readonly identityKey: string }
type Problem = { readonly problem: string }

/**
 * The databases that one layer of values names (design § 3.4): URLs first, then the families of keys. A reading that says
 * nothing else than an earlier one is the same; one that disagrees is a second candidate. Where the process environment
 * itself names a database, that one alone counts: every dotenv loader lets existing variables win. Not so for `pinned`
 * values, which are laid over the environment.
 */
export function candidatesIn(values: Values, cwd: string, pinned = false): Candidates {
  const readings = [...readUrls(values, cwd), ...keyFamilies.flatMap((family) => readFamily(family, values, cwd))]
  const good = withoutImageSettings(readings.filter((reading): reading is Reading => 'stated' in reading))
  const problems = readings.flatMap((reading) => ('problem' in reading ? [reading.problem] : []))
  const fromEnvironment = pinned ? [] : good.filter((reading) => isFromEnvironment(reading, values))
  const chosen = distinct(fromEnvironment.length > 0 ? fromEnvironment.map((reading) => placed(reading, good)) : good)
  const lost = fromEnvironment.length > 0 ? overruled(good, fromEnvironment) : []
  return {
    targets: chosen.map((reading) => completed(reading, values)),
    overruled: distinct(lost).map((reading) => completed(reading, values)),
    problems,
    notes: lost.map(
      (reading) => `${nameOf(reading.identityKey, values)} names another database; the environment's variables win`,
    ),
  }
}

// POSTGRES_DB without a host beside a URL is what a container image is given (Compose), not where the program connects to.
function withoutImageSettings(readings: readonly Reading[]): readonly Reading[] {
  const isPlaced = ({ stated }: Reading) => stated.host !== undefined || stated.socket !== undefined
  const isForImage = (reading: Reading) =>
    /^(?:POSTGRES|MYSQL|MARIADB)_(?:DB|DATABASE)$/.test(reading.identityKey) &&
    !isPlaced(reading) &&
    reading.stated.port === undefined
  return readings.filter(
    (reading) =>
      !isForImage(reading) ||
      !readings.some((other) => isPlaced(other) && other.stated.engine === reading.stated.engine),
  )
}

function isFromEnvironment(reading: Reading, values: Values): boolean {
  return values.get(reading.identityKey)?.label === environmentLabel
}

function overruled(all: readonly Reading[], chosen: readonly Reading[]): readonly Reading[] {
  return all.filter((reading) => !chosen.some((other) => agrees(other.stated, reading.stated)))
}

function nameOf(key: string, values: Values): string {
  const label = values.get(key)?.label ?? environmentLabel
  return label === environmentLabel ? `${key} of the environment` : `${key} in ${label}`
}

function readUrls(values: Values, cwd: string): readonly (Reading | Problem)[] {
  const readings = urlKeys.flatMap((key) => readUrl(key, values, cwd))
  const [direct] = directUrlKeys.flatMap((key) => readUrl(key, values, cwd))
  if (direct === undefined) return readings
  const around = readings.map((reading) => aroundPooler(reading, direct, values))
  return around.some((reading, index) => reading !== readings[index]) ? around : [...readings, direct]
}

function readUrl(key: string, values: Values, cwd: string): readonly (Reading | Problem)[] {
  const value = values.get(key)?.value.trim() ?? ''
  if (value === '') return hidesFile(key, values) ? [{ problem: `${nameOf(key, values)} is empty` }] : []
  const stated = parseUrl(value, cwd)
  if ('problem' in stated) return [{ problem: `${nameOf(key, values)} ${stated.problem}` }]
  if (stated.database === undefined) return [{ problem: `${nameOf(key, values)} names no database` }]
  return [{ stated, keys: [key], identityKey: key }]
}

// An empty variable is still one that loaders let win.
function hidesFile(key: string, values: Values): boolean {
  return values.get(key)?.label === environmentLabel
}

// A pooler in transaction mode breaks pg_dump; DIRECT_URL is the same database without it (Prisma, Supabase, Neon): but only
// when it names the same one, and comes from the same place. A stale DIRECT_URL must not hide what DATABASE_URL names.
function aroundPooler(reading: Reading | Problem, direct: Reading | Problem, values: Values): Reading | Problem {
  if ('problem' in reading || 'problem' in direct || !isPooler(reading.stated)) return reading
  const { engine, database } = direct.stated
  const same = engine === reading.stated.engine && database === reading.stated.database
  const together = isFromEnvironment(reading, values) === isFromEnvironment(direct, values)
  return same && together
    ? { ...direct, keys: [...direct.keys, ...reading.keys], identityKey: reading.identityKey }
    : reading
}

/** The signs of a pooler in front of PostgreSQL: Neon's `-pooler` hosts, Supabase's port 6543, Prisma's parameter. */
function isPooler(stated: Pick<Stated, 'engine' | 'host' | 'port' | 'parameters'>): boolean {
  if (stated.engine !== 'postgres') return false
  const byParameter = stated.parameters?.['pgbouncer'] === 'true'
  return byParameter || stated.port === 6543 || /-pooler\.|\.pooler\./.test(stated.host ?? '')
}

function readFamily(family: KeyFamily, values: Values, cwd: string): readonly (Reading | Problem)[] {
  const database = firstSet(family.database, values)
  if (database === undefined) return missingDatabase(family, values)
  const engine = engineOf(family, values)
  if (typeof engine !== 'string') return [{ problem: engine.problem }]
  const stated = engine === 'sqlite' ? fileStated(database.value, cwd) : serverStated(family, engine, values)
  if ('problem' in stated) return [stated]
  return [{ stated, keys: keysOf(family, values), identityKey: database.key }]
}

function fileStated(path: string, cwd: string): Stated {
  return { engine: 'sqlite', database: resolveFile(path.replace(/^file:/, ''), cwd) }
}

function serverStated(family: KeyFamily, engine: EngineName, values: Values): Stated | Unusable {
  const first = (keys: readonly string[]) => firstSet(keys, values)?.value
  const port = firstSet(family.port, values)
  if (port !== undefined && !validPort(Number(port.value))) {
    return { problem: `${nameOf(port.key, values)} is no port number` }
  }
  const host = first(family.host)?.replace(/^\[(.*)\]$/, '$1')
  if (severalHosts(host)) return { problem: `${family.host.join(' or ')} names several hosts; name the one to use` }
  const socket = first(family.socket) ?? (host?.startsWith('/') === true ? host : undefined)
  const password = firstGiven(family.password, values)
  return {
    engine,
    ...optional('host', socket === undefined ? host : undefined),
    ...optional('socket', socket),
    ...optional('port', port === undefined ? undefined : Number(port.value)),
    ...optional('database', first(family.database)),
    ...optional('user', first(family.user)),
    ...(password === undefined ? {} : { password: new Secret(password.value) }),
    parameters: parametersOf(family, values),
  }
}

function parametersOf(family: KeyFamily, values: Values): Record<string, string> {
  const pairs = Object.entries(family.parameters).map(([name, key]) => [name, values.get(key)?.value ?? ''] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

type Found = { readonly key: string; readonly value: string }

function firstSet(keys: readonly string[], values: Values): Found | undefined {
  return found(keys, values).find((entry) => entry.value !== '')
}

function firstGiven(keys: readonly string[], values: Values): Found | undefined {
  return found(keys, values)[0]
}

function found(keys: readonly string[], values: Values): readonly Found[] {
  return keys.flatMap((key) => {
    const value: Value | undefined = values.get(key)
    return value === undefined ? [] : [{ key, value: value.value }]
  })
}

// A family counts as meant when it says where the database is; a lone DB_PASSWORD is nothing.
function missingDatabase(family: KeyFamily, values: Values): readonly Problem[] {
  const empty = firstGiven(family.database, values)
  if (empty !== undefined) return [{ problem: `${nameOf(empty.key, values)} is empty: no database is named` }]
  const place = firstSet([...family.host, ...family.socket], values)
  if (place === undefined || family.name !== 'DB_*') return []
  return [
    { problem: `${nameOf(place.key, values)} names a server, and no ${family.database.join(' or ')} names a database` },
  ]
}

function engineOf(family: KeyFamily, values: Values): EngineName | Problem {
  if (family.engine !== undefined) return family.engine
  const driver = firstSet(family.driver, values)
  if (driver === undefined) return engineByOtherSigns(family, values)
  const engine = engineOfDriver(driver.value)
  return (
    engine ?? {
      problem: `${nameOf(driver.key, values)} names an engine that is not handled here${shown(driver.value)}`,
    }
  )
}

// Someone may have put a whole URL there, with its password.
function shown(driver: string): string {
  return /^[\w.+ -]{1,40}$/.test(driver) ? ` (${driver})` : ''
}

function engineByOtherSigns(family: KeyFamily, values: Values): EngineName | Problem {
  const port = Number(firstSet(family.port, values)?.value ?? '')
  if (port === defaultPort.postgres) return 'postgres'
  if (port === defaultPort.mysql) return 'mysql'
  const database = firstSet(family.database, values)
  if (database !== undefined && /^:memory:$|\.(?:sqlite3?|db3?)$/i.test(database.value)) return 'sqlite'
  const key = database?.key ?? family.name
  return { problem: `${nameOf(key, values)} names a database, and nothing says of which engine: set DB_CONNECTION` }
}

function keysOf(family: KeyFamily, values: Values): readonly string[] {
  const lists = [family.driver, family.database, family.host, family.port, family.user, family.password, family.socket]
  const firsts = lists.map((keys) => firstGiven(keys, values)?.key)
  const parameters = Object.values(family.parameters).filter((key) => values.has(key))
  return [...firsts.filter((key) => key !== undefined), ...parameters]
}

function distinct(readings: readonly Reading[]): readonly Reading[] {
  const kept: Reading[] = []
  for (const reading of readings.map((one) => placed(one, readings))) {
    if (!kept.some((other) => agrees(other.stated, reading.stated))) kept.push(reading)
  }
  return kept
}

/** A name alone (POSTGRES_DB, PGDATABASE) is the database of that name whose server another reading knows. */
function placed(reading: Reading, all: readonly Reading[]): Reading {
  if (saysWhere(reading)) return reading
  return all.find((other) => saysWhere(other) && agrees(other.stated, reading.stated)) ?? reading
}

function saysWhere({ stated }: Reading): boolean {
  return stated.engine === 'sqlite' || stated.host !== undefined || stated.socket !== undefined
}

// What one of the two leaves open cannot contradict the other: POSTGRES_DB alone, beside a URL that names the same database.
function agrees(one: Stated, other: Stated): boolean {
  const same = <T>(a: T | undefined, b: T | undefined) => a === undefined || b === undefined || a === b
  return (
    one.engine === other.engine &&
    one.database === other.database &&
    same(hostOf(one), hostOf(other)) &&
    same(one.socket, other.socket) &&
    tenantOf(one) === tenantOf(other) &&
    same(portOf(one), portOf(other))
  )
}

// A socket is this machine's: it contradicts the name of another one.
function hostOf(stated: Stated): string | undefined {
  const host = stated.socket === undefined ? stated.host?.toLowerCase() : 'localhost'
  return host === '127.0.0.1' || host === '::1' ? 'localhost' : host
}

// A host without a port means the default port; neither means that nothing was said.
function portOf(stated: Stated): number | undefined {
  if (stated.port !== undefined || stated.engine === 'sqlite') return stated.port
  return stated.host === undefined ? undefined : defaultPort[stated.engine]
}

function completed(reading: Reading, values: Values): Target {
  const source = sourceOf(reading, values)
  const { stated } = reading
  if (stated.engine === 'sqlite') return { engine: 'sqlite', database: stated.database ?? '', source }
  const isUrl = reading.keys.length > 0 && /URL$/.test(reading.identityKey)
  return completeServer(stated, source, isUrl || reading.identityKey.startsWith('PG'))
}

/** A target of what was stated, with the engine's defaults; PostgreSQL without any host means the default socket. */
export function completeServer(stated: Stated, source: TargetSource, libpqDefaults: boolean): Target {
  const engine = stated.engine === 'mysql' ? 'mysql' : 'postgres'
  const noPlace = stated.host === undefined && stated.socket === undefined
  const host = noPlace && !(engine === 'postgres' && libpqDefaults) ? '127.0.0.1' : stated.host
  return {
    engine,
    ...optional('host', host),
    ...optional('socket', stated.socket),
    port: stated.port ?? defaultPort[engine],
    database: stated.database ?? '',
    ...optional('user', stated.user),
    ...(stated.password === undefined ? {} : { password: stated.password }),
    parameters: stated.parameters ?? {},
    source,
  }
}

function sourceOf(reading: Reading, values: Values): TargetSource {
  const label = values.get(reading.identityKey)?.label ?? environmentLabel
  const labels = Object.fromEntries(reading.keys.map((key) => [key, values.get(key)?.label ?? environmentLabel]))
  return { kind: label === environmentLabel ? 'environment' : 'env-file', label, keys: reading.keys, labels }
}
