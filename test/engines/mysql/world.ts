import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { inject } from 'vitest'
import type { Io } from '../../../src/effects/io.ts'
import { openTerminal } from '../../../src/effects/terminal.ts'
import type {
  DumpResult,
  Rehearsal,
  RehearsalRequest,
  RestoreOutcome,
  RestoreRequest,
  Session,
} from '../../../src/engines/engine.ts'
import type { Server } from '../../../src/engines/mysql/catalogue.ts'
import type { Connection } from '../../../src/engines/mysql/connection.ts'
import { mysql } from '../../../src/engines/mysql/engine.ts'
import { Failure, type FailureText } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { sql } from '../../servers/databases.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

export const server = inject('servers').mariadb

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

/** An io that keeps what is warned of. */
export function listeningIo(): { readonly io: Io; readonly warnings: string[] } {
  const warnings: string[] = []
  const terminal = {
    ...openTerminal({}, { loudness: 'quiet', color: false }),
    warn: (text: string) => void warnings.push(text),
  }
  return { io: ioFor({ terminal }), warnings }
}

/** A folder of clients, each a shell script that says the version of the real one; gone when the test ends. */
export function clientsThat(scripts: Readonly<Record<string, string>>): string {
  const folder = temporaryFolder()
  for (const [name, script] of Object.entries(scripts)) {
    const version = `case "$*" in *--version*) exec /usr/bin/${name} --version;; esac`
    writeFileSync(join(folder, name), `#!/bin/sh\n${version}\n${script}\n`, { mode: 0o755 })
  }
  return folder
}

/** An io that finds its clients in this folder first. */
export function ioWithClients(folder: string): Io {
  return ioFor({ environment: { PATH: `${folder}:/usr/bin:/bin`, HOME: '/nowhere' } })
}

export function targetOf(database: string, changes: Partial<ServerTarget> = {}): ServerTarget {
  return {
    engine: 'mysql',
    host: server.host,
    port: server.port,
    database,
    user: server.superuser,
    password: new Secret(server.password),
    parameters: {},
    source: { kind: 'env-file', label: '.env', keys: ['DB_PASSWORD'], labels: {} },
    ...changes,
  }
}

export async function openSession(target: ServerTarget, io: Io = ioFor()): Promise<Session> {
  const session = await mysql.connect(io, target)
  if (session.state !== 'open') throw new Error(session.reason)
  return session
}

/** A server that is not there, for what is decided without one. */
export const somewhere: Server = {
  flavour: 'mariadb',
  version: '10.11.19-MariaDB',
  database: 'shop',
  account: 'app@%',
  hostname: 'db',
  port: 3306,
}

/** A connection to it that answers by this function. */
export function answering(query: Connection['query']): Connection {
  return { route: { kind: 'tcp', host: 'db', port: 3306 }, encrypted: false, query, end: async () => undefined }
}

export type TakenDump = DumpResult & { readonly bytes: Buffer }

export async function dumpOf(target: ServerTarget, io: Io = ioFor()): Promise<TakenDump> {
  const session = await openSession(target, io)
  try {
    const dump = await session.dump()
    if (dump.kind !== 'stream') throw new Error('not a stream')
    const parts: Uint8Array[] = []
    for await (const chunk of dump.chunks) parts.push(Buffer.from(chunk))
    return { ...(await dump.finish()), bytes: Buffer.concat(parts) }
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

export async function restoreOf(
  target: ServerTarget,
  dump: Pick<TakenDump, 'bytes' | 'tables' | 'properties'>,
  changes: Partial<RestoreRequest> & { readonly io?: Io } = {},
): Promise<RestoreOutcome> {
  const { io = ioFor(), ...request } = changes
  const { tables, properties } = dump
  return mysql.restore(io, {
    target,
    content: contentOf(dump.bytes),
    tables,
    properties,
    step: () => undefined,
    ...request,
  })
}

export async function rehearsalOf(
  target: ServerTarget,
  dump: Pick<TakenDump, 'bytes' | 'properties'> & Partial<Pick<TakenDump, 'tables'>>,
  changes: Partial<RehearsalRequest> & { readonly io?: Io } = {},
): Promise<Rehearsal> {
  const { io = ioFor(), ...request } = changes
  const { rehearse } = mysql
  if (rehearse === undefined) throw new Error('no rehearsal')
  const { bytes, properties, tables } = dump
  const asked = { target, content: contentOf(bytes), properties, ...(tables === undefined ? {} : { tables }) }
  return rehearse(io, { ...asked, step: () => undefined, ...request })
}

/** The failure's code and text, all lines in one. */
export async function failureOf(promise: Promise<unknown>): Promise<{ code: number; text: FailureText; all: string }> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof Failure)) throw new Error(`no failure: ${String(error)}`)
  const { what, why = [], next = [] } = error.text
  return { code: error.code, text: error.text, all: [what, ...why, ...next].join('\n') }
}

/** A dump's text without what differs from run to run. */
export function comparable(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('latin1')
    .replace(/^-- (?:Dump completed|Dumping events|Dumping routines|Host:).*$/gm, '')
    .replace(/SETVAL\(.*/g, '') // a sequence goes on behind the numbers that the server had cached
}

/** Runs a script with the mysql client, which knows DELIMITER. */
export async function runScript(database: string, name: string): Promise<void> {
  const script = readFileSync(join(import.meta.dirname, 'fixtures', name), 'utf8')
  const child = Bun.spawn(
    [
      'mariadb',
      '--no-defaults',
      '--default-character-set=utf8mb4',
      `-h${server.host}`,
      `-P${server.port}`,
      `-u${server.superuser}`,
      '--',
      database,
    ],
    {
      env: { ...process.env, MYSQL_PWD: server.password },
      stdin: Buffer.from(script),
      stdout: 'ignore',
      stderr: 'pipe',
    },
  )
  if ((await child.exited) !== 0) throw new Error(await new Response(child.stderr).text())
}

export async function rows(database: string, text: string): Promise<Record<string, unknown>[]> {
  return sql(server, database, text)
}

/** An account with these rights and no others. */
export async function account(
  name: string,
  password: string,
  grants: readonly string[],
): Promise<Partial<ServerTarget>> {
  const user = `'${name.replaceAll("'", "''").replaceAll('\\', '\\\\')}'@'%'`
  const literal = password.replaceAll('\\', '\\\\').replaceAll("'", "''")
  await sql(server, undefined, `CREATE OR REPLACE USER ${user} IDENTIFIED BY '${literal}'`)
  for (const grant of grants) await sql(server, undefined, `GRANT ${grant} TO ${user}`)
  return { user: name, password: new Secret(password) }
}

export async function databasesLike(pattern: string): Promise<string[]> {
  const found = await sql(
    server,
    undefined,
    `SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA WHERE SCHEMA_NAME LIKE '${pattern}'`,
  )
  return found.map((row) => String(row['name']))
}

export { sql }
