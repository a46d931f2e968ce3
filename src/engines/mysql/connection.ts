import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import type { ConnectionConfig, Connection as DriverConnection } from 'mariadb'
import type { Io } from '../../effects/io.ts'
import { collectWhenLarge } from '../../effects/memory.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { Route } from './route.ts'
import type { Tls } from './tls.ts'

export type Row = Readonly<Record<string, unknown>>

/** One connection; a failed statement throws the driver's error, which `errorNumber` reads. */
export type Connection = {
  readonly route: Route
  readonly encrypted: boolean
  query(sql: string, values?: readonly unknown[]): Promise<readonly Row[]>
  /** Ends it and gives the server's locks back. */
  end(): Promise<void>
}

export type ConnectionRequest = {
  readonly target: ServerTarget
  readonly route: Route
  readonly tls: Tls
  /** Absent: connected to no database. */
  readonly database?: string
}

// In seconds: a server that is silent, or is no MySQL server, must not hold up whoever is waiting.
const connectSeconds = 10
const killSeconds = 2

/** Opens one connection over one route, encrypted as asked for; `prefer` falls back to plain. */
export async function openConnection(io: Io, request: ConnectionRequest): Promise<Connection> {
  const { mode } = request.tls
  if (mode === 'disable' || (mode === 'prefer' && request.route.kind === 'socket')) return openOnce(io, request, false)
  if (mode !== 'prefer') return openOnce(io, request, true)
  try {
    return await openOnce(io, request, true)
  } catch (error) {
    if (!isTlsError(error)) throw error
    return openOnce(io, request, false)
  }
}

async function openOnce(io: Io, request: ConnectionRequest, encrypted: boolean): Promise<Connection> {
  const { createConnection } = await import('mariadb')
  io.signal.throwIfAborted()
  const driver = await untilAborted(io, request.route, (way) =>
    bounded(createConnection({ ...connectionConfig(request, encrypted), ...way })),
  )
  const stop = () => driver.destroy()
  driver.on('error', () => undefined) // a lost connection shows in the next statement
  io.signal.addEventListener('abort', stop, { once: true })
  if (io.signal.aborted) stop()
  return {
    route: request.route,
    encrypted,
    query: async (sql, values) => rowsOf(await queried(io, driver, sql, values)),
    end: async () => {
      io.signal.removeEventListener('abort', stop)
      await driver.end().catch(() => driver.destroy())
    },
  }
}

/** Opens with a socket of ours over TCP: the driver gives no handle on a connection that it is still opening. */
async function untilAborted<T>(
  io: Io,
  route: Route,
  open: (way: Pick<ConnectionConfig, 'stream'>) => Promise<T>,
): Promise<T> {
  if (route.kind === 'socket') return open({})
  let socket: Socket | undefined
  let opened = false
  const stop = () => void socket?.destroy(new Error('interrupted'))
  io.signal.addEventListener('abort', stop, { once: true })
  const stream = () => {
    socket = connect({ host: route.host, port: route.port, noDelay: true })
    if (opened) endSoon(socket)
    else if (io.signal.aborted) stop()
    return socket
  }
  return open({ stream }).finally(() => {
    opened = true
    io.signal.removeEventListener('abort', stop)
  })
}

// The driver opens a second connection to end the query that runs in the first: a server that is silent must not keep us.
function endSoon(socket: Socket): void {
  setTimeout(() => socket.destroy(new Error('no answer')), killSeconds * 1000).unref()
}

// A server that has stopped answering never ends its query: the signal does.
async function queried(
  io: Io,
  driver: DriverConnection,
  sql: string,
  values: readonly unknown[] = [],
): Promise<unknown> {
  const interrupted = Promise.withResolvers<never>()
  const stop = () => interrupted.reject(io.signal.reason)
  io.signal.addEventListener('abort', stop, { once: true })
  try {
    const result: unknown = await Promise.race([driver.query(sql, values), interrupted.promise])
    collectWhenLarge()
    return result
  } catch (error) {
    io.signal.throwIfAborted()
    throw error
  } finally {
    io.signal.removeEventListener('abort', stop)
  }
}

function rowsOf(result: unknown): readonly Row[] {
  return Array.isArray(result) ? result : []
}

/** What the driver is told. */
function connectionConfig(request: ConnectionRequest, encrypted: boolean): ConnectionConfig {
  const { target, route } = request
  return {
    ...(route.kind === 'socket' ? { socketPath: route.path } : { host: route.host, port: route.port }),
    ...(target.user === undefined ? {} : { user: target.user }),
    ...(target.password === undefined ? {} : { password: target.password.reveal() }),
    ...(request.database === undefined ? {} : { database: request.database }),
    ...(encrypted ? { ssl: tlsConfig(request.tls) } : {}),
    charset: 'utf8mb4',
    connectTimeout: connectSeconds * 1000,
    // Only to this machine may a key for the password be taken unencrypted from whoever answers.
    allowPublicKeyRetrieval: isLoopback(route),
    // No sql_mode: names, strings and SHOW CREATE then read the same on every server; times are UTC.
    initSql: [
      "SET SESSION sql_mode = ''",
      'SET SESSION sql_quote_show_create = 1',
      'SET SESSION lock_wait_timeout = 30',
      "SET SESSION time_zone = '+00:00'",
    ],
    bigIntAsNumber: true,
    decimalAsNumber: true,
    dateStrings: true,
    checkDuplicate: false,
    metaEnumerable: false,
  }
}

function tlsConfig(tls: Tls): NonNullable<Exclude<ConnectionConfig['ssl'], boolean>> {
  const files = {
    ...(tls.ca === undefined ? {} : { ca: tlsFile(tls.ca) }),
    ...(tls.cert === undefined ? {} : { cert: tlsFile(tls.cert) }),
    ...(tls.key === undefined ? {} : { key: tlsFile(tls.key) }),
  }
  const verify = tls.mode === 'verify-ca' || tls.mode === 'verify-full'
  return {
    ...files,
    rejectUnauthorized: verify,
    ...(tls.mode === 'verify-ca' ? { checkServerIdentity: () => undefined } : {}),
  }
}

function tlsFile(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new UnreadableTlsFile(`${path} cannot be read: ${errorName(error)}`)
  }
}

class UnreadableTlsFile extends Error {}

function isLoopback(route: Route): boolean {
  return route.kind === 'socket' || ['localhost', '127.0.0.1', '::1'].includes(route.host.toLowerCase())
}

async function bounded<Value>(opening: Promise<Value>): Promise<Value> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new SilentServer()), (connectSeconds + 1) * 1000)
  return Promise.race([opening, late.promise]).finally(() => clearTimeout(timer))
}

/** The port is open, but what listens there does not speak as a server does. */
export class SilentServer extends Error {}

/** The server's own number of an error, 0 where it has none. */
export function errorNumber(error: unknown): number {
  const number = error instanceof Error && 'errno' in error ? error.errno : 0
  return typeof number === 'number' ? number : 0
}

/** The system's or the driver's name of an error. */
export function errorName(error: unknown): string {
  const name = error instanceof Error && 'code' in error ? error.code : ''
  return typeof name === 'string' ? name : ''
}

/** The server's sentence without the driver's additions, which may quote the statement. */
export function errorSentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = 'sqlMessage' in error && typeof error.sqlMessage === 'string' ? error.sqlMessage : error.message
  return (own.split('\n')[0] ?? '').replace(/^\(conn:[^)]*\)\s*/, '')
}

const serverWithoutTls = 45023

/** TLS was asked for and could not be had: refused by the server, or a certificate that does not hold. */
export function isTlsError(error: unknown): boolean {
  if (errorNumber(error) === serverWithoutTls || error instanceof UnreadableTlsFile) return true
  const texts = [errorName(error), error instanceof Error ? error.message : '']
  return texts.some((text) =>
    /\b(?:TLS|SSL|CERT|certificate|SELF_SIGNED)|_CERT|ERR_TLS|ERR_SSL|BoringSSL|tlsv1/i.test(text),
  )
}
