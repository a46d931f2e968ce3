import pg from 'pg'
import type { Io } from '../../../src/effects/io.ts'
import { openTerminal } from '../../../src/effects/terminal.ts'
import type { Session, StreamedDump } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import type { PostgresServer } from '../../servers/postgres.ts'

export function ioFor(changes: Partial<Io> = {}): Io {
  return {
    environment: { PATH: process.env['PATH'], HOME: '/nowhere' },
    cwd: '/tmp',
    now: () => new Date(),
    terminal: openTerminal({}, { loudness: 'quiet', color: false }),
    signal: new AbortController().signal,
    ...changes,
  }
}

export function targetOf(server: PostgresServer, database: string, changes: Partial<ServerTarget> = {}): ServerTarget {
  return {
    engine: 'postgres',
    host: server.host,
    port: server.port,
    database,
    user: server.superuser,
    password: new Secret(server.password),
    parameters: {},
    source: { kind: 'env-file', label: '.env', keys: ['DATABASE_URL'], labels: {} },
    ...changes,
  }
}

export async function openSession(io: Io, target: ServerTarget): Promise<Session> {
  const session = await postgres.connect(io, target)
  if (session.state !== 'open') throw new Error(session.reason)
  return session
}

/** What the work fails with; throws where it does not fail, or with anything else. */
export async function failureOf(work: Promise<unknown>): Promise<Failure> {
  const error = await work.then(
    () => new Error('no failure'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof Failure)) throw error
  return error
}

/** A session of somebody else, as the superuser unless it is told otherwise. */
export async function clientOf(
  { host, port, superuser: user, password }: PostgresServer,
  database: string,
  changes: pg.ClientConfig = {},
): Promise<pg.Client> {
  const client = new pg.Client({ host, port, user, password, database, ...changes })
  client.on('error', () => undefined)
  await client.connect()
  return client
}

export async function bytesOf(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks) all.push(Buffer.from(chunk))
  return Buffer.concat(all)
}

export type TakenDump = Awaited<ReturnType<StreamedDump['finish']>> & { readonly bytes: Buffer; readonly text: string }

export async function dumpOf(target: ServerTarget, io: Io = ioFor()): Promise<TakenDump> {
  const session = await openSession(io, target)
  try {
    const dump = await session.dump()
    if (dump.kind !== 'stream') throw new Error('not a stream')
    const bytes = await bytesOf(dump.chunks)
    return { ...(await dump.finish()), bytes, text: bytes.toString() }
  } finally {
    await session.close()
  }
}

export function contentOf(bytes: Uint8Array | string): () => AsyncIterable<Uint8Array> {
  return async function* () {
    const all = Buffer.from(bytes)
    for (let at = 0; at < all.length; at += 64 * 1024) yield all.subarray(at, at + 64 * 1024)
  }
}

/** The text of a dump without what differs from run to run. */
export function comparable(text: string): string {
  return text.replace(/^\\(un)?restrict .*$/gm, '').replace(/^-- Dumped .*$/gm, '')
}
