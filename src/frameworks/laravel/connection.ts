import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { engineOfDriver } from '../../target/keys.ts'
import { Secret } from '../../target/secret.ts'
import type { EngineName } from '../../target/target.ts'
import { optional, type Stated, type Unusable } from '../../target/url.ts'

/** One connection of config/database.php after its URL was read: what Laravel hands to its connectors. */
export type ConnectionSettings = {
  readonly driver?: unknown
  readonly host?: unknown
  readonly port?: unknown
  readonly database?: unknown
  readonly username?: unknown
  readonly password?: unknown
  readonly unix_socket?: unknown
  readonly sslmode?: unknown
  readonly sslcert?: unknown
  readonly sslkey?: unknown
  readonly sslrootcert?: unknown
  readonly write?: unknown
}

/**
 * The databases that a connection may write to: one, or one for each writing host, of which Laravel takes any
 * (Illuminate\Database\Connectors\ConnectionFactory: getWriteConfig, parseHosts).
 */
export function statedBy(settings: ConnectionSettings, base: string, cwd: string): readonly Stated[] | Unusable {
  const stated: Stated[] = []
  for (const one of writers(settings)) {
    const read = statedOf(one, base, cwd)
    if ('problem' in read) return read
    stated.push(read)
  }
  return stated
}

function writers(settings: ConnectionSettings): readonly ConnectionSettings[] {
  const write = settings.write
  const places = Array.isArray(write) ? write : write === undefined || write === null ? [{}] : [write]
  return places.flatMap((place) => eachHost({ ...settings, ...(place as ConnectionSettings) }))
}

function eachHost(settings: ConnectionSettings): readonly ConnectionSettings[] {
  return Array.isArray(settings.host) ? settings.host.map((host) => ({ ...settings, host })) : [settings]
}

function statedOf(settings: ConnectionSettings, base: string, cwd: string): Stated | Unusable {
  const driver = text(settings.driver) ?? ''
  const engine = engineOfDriver(driver)
  const database = text(settings.database) ?? ''
  if (engine === undefined) return { problem: `has an engine that is not handled here (${driver || 'none'})` }
  if (database === '') return { problem: 'names no database' }
  if (engine === 'sqlite') return { engine, database: sqliteFile(database, base, cwd) }
  return serverStated(settings, engine, database)
}

function serverStated(settings: ConnectionSettings, engine: EngineName, database: string): Stated {
  const password = text(settings.password)
  const host = text(settings.host)
  const socket = engine === 'mysql' ? text(settings.unix_socket) : host?.startsWith('/') ? host : undefined
  const port = Number(text(settings.port) ?? '')
  return {
    engine,
    database,
    ...optional('host', socket === undefined || socket === '' ? host : undefined),
    ...optional('socket', socket),
    ...(port > 0 ? { port } : {}),
    ...optional('user', text(settings.username)),
    ...(password === undefined ? {} : { password: new Secret(password) }),
    parameters: parametersOf(settings),
  }
}

function parametersOf(settings: ConnectionSettings): Record<string, string> {
  const names = ['sslmode', 'sslcert', 'sslkey', 'sslrootcert'] as const
  const pairs = names.map((name) => [name, text(settings[name]) ?? ''] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

// SQLiteConnector: from the process's folder, and since Laravel 11 else from the application's.
function sqliteFile(path: string, base: string, cwd: string): string {
  if (path === ':memory:' || /[?&]mode=memory/.test(path)) return ':memory:'
  const here = resolve(cwd, path)
  return existsSync(here) ? here : resolve(base, path)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined
}
