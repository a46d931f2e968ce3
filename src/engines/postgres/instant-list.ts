import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { InstantCopy } from '../engine.ts'
import { openBeside, workBeside } from './beside.ts'
import type { Connection, Row } from './connection.ts'
import { unfitCopy } from './instant-failure.ts'
import { type InstantMark, instantMarkIn, looksLikeCopy } from './instant-mark.ts'
import { loginOf } from './login.ts'
import { quoteIdentifier } from './names.ts'
import { type DatabaseSession, namesAndUsersOf, namesOf, sessionsOn } from './sessions.ts'
import { dropText, subscriptionsOf, subscriptionsText } from './subscriptions.ts'

/** A copy with what its comment says of it. */
export type MarkedCopy = InstantCopy & { readonly mark: InstantMark }

/** A database of the server. */
export type Found = Row & {
  readonly name: string
  readonly comment: string
  /** 0 where we may not ask. */
  readonly size: string
  readonly open: boolean
}

/** Every database of the server, templates too. */
export function readDatabases(connection: Connection): Promise<Found[]> {
  return connection.query<Found>(`
    SELECT datname::text AS name, coalesce(shobj_description(oid, 'pg_database'), '') AS comment, datallowconn AS open,
      CASE WHEN has_database_privilege(oid, 'CONNECT') AND position('_seatbelt_instant_' IN datname) > 0
        THEN pg_database_size(oid) ELSE 0 END::text AS size
    FROM pg_database ORDER BY datname`)
}

/** The copies of a database among those of the server, by their marks alone, newest first. */
export function copiesAmong(found: readonly Found[], database: string): readonly MarkedCopy[] {
  return found
    .flatMap(({ name, comment, size }) => {
      const mark = instantMarkIn(comment)
      return mark?.database === database ? [markedCopy(name, Number(size), mark)] : []
    })
    .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
}

export function markedCopy(name: string, sizeBytes: number, mark: InstantMark): MarkedCopy {
  const { at, backup } = mark
  return { name, createdAt: at, sizeBytes, ...(backup === undefined ? {} : { backup }), mark }
}

/** Names databases that may be copies whose maker was killed before he could mark them. */
export function strangerNotes(
  found: readonly Pick<Found, 'name' | 'comment' | 'open'>[],
  live: string,
): readonly string[] {
  return found
    .filter(({ name, comment, open }) => !open && comment === '' && looksLikeCopy(name, live))
    .map(({ name }) => {
      const dropIt = `DROP DATABASE ${quoteIdentifier(name)}`
      return `${name} looks like the rest of an interrupted copy, but carries no mark of ours; when it is not needed: ${dropIt}`
    })
}

/** The copy as it is now. Throws a `Failure` (40) where it is none of this database. */
export async function ownCopy(connection: Connection, database: string, name: string): Promise<MarkedCopy> {
  const copy = copiesAmong(await readDatabases(connection), database).find((one) => one.name === name)
  if (copy !== undefined) return copy
  throw unfitCopy(name, 'it is no instant copy of this database, or not there any more')
}

/** The copies of the target's database, also when that is gone. Throws a `Failure` (11). */
export async function listCopies(io: Io, target: ServerTarget): Promise<readonly InstantCopy[]> {
  return withConnection(io, target, async (connection) => {
    const copies = copiesAmong(await readDatabases(connection), target.database)
    return copies.map(({ mark: _, ...copy }) => copy)
  })
}

/** Who is on the database, and what a swap does to them, one sentence each. Throws a `Failure` (11). */
export async function connectedTo(io: Io, target: ServerTarget): Promise<readonly string[]> {
  return withConnection(io, target, async (connection) => {
    const lines = connectedLines(await sessionsOn(connection, target.database))
    const subscriptions = await subscriptionsOf(connection, target.database)
    if (subscriptions.length === 0) return lines
    return [...lines, `${subscriptionsText(subscriptions)} stays with what is put aside, and brings nothing meanwhile`]
  })
}

export function connectedLines(sessions: readonly DatabaseSession[]): readonly string[] {
  const staying = sessions.filter(({ ours }) => !ours)
  if (staying.length > 0) {
    return [`sessions that may not be ended are connected: ${namesAndUsersOf(staying)}; stop them first`]
  }
  if (sessions.length === 0) return []
  return [`${sessions.length === 1 ? '1 session' : `${sessions.length} sessions`} will be ended: ${namesOf(sessions)}`]
}

async function withConnection<T>(
  io: Io,
  target: ServerTarget,
  ask: (connection: Connection) => Promise<T>,
): Promise<T> {
  const { connection } = await openBeside(io, await loginOf(io, target), target)
  try {
    return await ask(connection)
  } finally {
    await connection.close()
  }
}

/** Drops a copy. Throws a `Failure` (40, 50). */
export async function removeCopy(io: Io, target: ServerTarget, copy: InstantCopy): Promise<void> {
  return workBeside(io, target, async ({ connection }) => {
    const { name } = await ownCopy(connection, target.database, copy.name)
    await refuseSubscribed(connection, name)
    await connection.query(`DROP DATABASE ${quoteIdentifier(name)}`)
  })
}

// To remove them, the database would have to be opened, and they would be at work again: that is for a person to decide.
async function refuseSubscribed(connection: Connection, name: string): Promise<void> {
  const subscriptions = await subscriptionsOf(connection, name)
  if (subscriptions.length === 0) return
  const names = subscriptions.map((one) => one.name)
  throw new Failure(exitCode.restoreFailed, {
    what: `${name} cannot be dropped: it has the ${subscriptionsText(subscriptions)}`,
    next: [dropText(name, names, false)],
  })
}
