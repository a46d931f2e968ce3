import type { Client, ClientConfig } from 'pg'
import { collectWhenLarge } from '../../effects/memory.ts'
import { messageOf } from '../../failure.ts'
import type { Login } from './login.ts'
import { type TlsAttempt, tlsAttempts, tlsOptions } from './tls.ts'

export type Row = Readonly<Record<string, unknown>>

/** One connection to a server. */
export type Connection = {
  /** The rows of one statement; or of the last of several statements without values. */
  query<R extends Row>(sql: string, values?: readonly unknown[]): Promise<R[]>
  /** The server process as the handshake named it: a pooler names another than the one that answers. */
  readonly processId: number | undefined
  close(): Promise<void>
}

export type ConnectionOptions = {
  /** Ends the connection; the query that runs throws the signal's reason. */
  readonly signal?: AbortSignal
  readonly environment: Readonly<Record<string, string | undefined>>
}

export const connectSeconds = 10

/** Connects as libpq would, TLS included. Throws what the driver or the server said, at the latest after 10 s. */
export async function openConnection(login: Login, database: string, options: ConnectionOptions): Promise<Connection> {
  const attempts = tlsAttempts(login)
  for (const [index, attempt] of attempts.entries()) {
    try {
      return await openOnce(await configOf(login, database, attempt, options), options.signal)
    } catch (error) {
      options.signal?.throwIfAborted()
      if (index + 1 === attempts.length || !isAboutTls(error)) throw error
    }
  }
  throw new Error('no way to connect was tried')
}

async function configOf(
  login: Login,
  database: string,
  attempt: TlsAttempt,
  options: ConnectionOptions,
): Promise<ClientConfig> {
  // The driver takes what is not given from the process's own PG* variables: hence a value for each, if an empty one.
  const inherited = options.environment['PGOPTIONS'] === undefined ? undefined : ' '
  const given = login.parameters['options'] ?? inherited
  return {
    host: login.host,
    port: login.port,
    user: login.user,
    database,
    password: () => login.password?.reveal() ?? '',
    ssl: attempt === 'tls' ? await tlsOptions(login.parameters) : false,
    connectionTimeoutMillis: connectSeconds * 1000,
    application_name: 'db-seatbelt',
    keepAlive: true,
    ...(given === undefined ? {} : { options: given }),
  }
}

// As libpq: another attempt where TLS itself, or the server's rule for (non-)TLS connections, was in the way.
function isAboutTls(error: unknown): boolean {
  const { code } = error as { code?: string }
  return (
    code === '28000' || /SSL|TLS|certificate|self.signed/i.test(messageOf(error)) || /^ERR_(TLS|SSL)/.test(code ?? '')
  )
}

async function openOnce(config: ClientConfig, signal: AbortSignal | undefined): Promise<Connection> {
  const { default: pg } = await import('pg')
  signal?.throwIfAborted()
  const client = new pg.Client(config)
  client.on('error', () => undefined) // a lost connection shows in the next query
  const stop = () => void destroy(client)
  signal?.addEventListener('abort', stop, { once: true })
  const letGo = () => signal?.removeEventListener('abort', stop)
  try {
    await client.connect()
  } catch (error) {
    letGo()
    destroy(client)
    throw error
  }
  return connectionOf(client, signal, letGo)
}

function connectionOf(client: Client, signal: AbortSignal | undefined, letGo: () => void): Connection {
  let closed: Promise<void> | undefined
  return {
    processId: (client as unknown as { processID?: number }).processID,
    query: async (sql, values) => {
      signal?.throwIfAborted()
      try {
        const result = await client.query(sql, values === undefined ? undefined : [...values])
        const last = Array.isArray(result) ? result.at(-1) : result
        collectWhenLarge()
        return last.rows
      } catch (error) {
        signal?.throwIfAborted()
        throw error
      }
    },
    close: () => {
      letGo()
      closed ??= client.end().catch(() => undefined)
      return closed
    },
  }
}

function destroy(client: Client): void {
  const { connection } = client as unknown as { connection?: { stream?: { destroy?(): void } } }
  connection?.stream?.destroy?.()
}
