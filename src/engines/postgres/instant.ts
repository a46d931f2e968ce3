import { setTimeout as sleep } from 'node:timers/promises'
import type { Io } from '../../effects/io.ts'
import { Failure, messageOf } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { InstantCopy } from '../engine.ts'
import { type Work, workBeside } from './beside.ts'
import { type Properties, readProperties } from './catalogue.ts'
import { createCopy } from './instant-create.ts'
import { noCopy } from './instant-failure.ts'
import { ownCopy, readDatabases } from './instant-list.ts'
import { type InstantMark, instantName } from './instant-mark.ts'
import { quoteIdentifier } from './names.ts'
import { namesAndUsersOf, sessionsOn } from './sessions.ts'
import { refusePrepared } from './swap.ts'

type Copied = { readonly copy: InstantCopy; readonly notes: readonly string[] }

/**
 * Copies the database inside the server, as one that nobody can connect to. The server copies only while nobody is
 * connected to it, and nobody is thrown out for that. Throws a `Failure` (40, 50).
 */
export async function copyInside(io: Io, target: ServerTarget, backup: string): Promise<Copied> {
  return workBeside(io, target, (work) =>
    copyWith(work, backup).catch((error: unknown) => {
      io.signal.throwIfAborted()
      throw error instanceof Failure ? error : noCopy(target.database, [messageOf(error)], [], error)
    }),
  )
}

async function copyWith(work: Work, backup: string): Promise<Copied> {
  const { io, connection } = work
  const { database } = work.target
  requireRights(work)
  const properties = await readProperties(connection, database)
  if (properties === undefined) throw noCopy(database, ['there is no such database'], [])
  await refusePrepared(connection, database)
  await untilAlone(work)
  const found = await readDatabases(connection)
  const name = instantName(database, io.now(), new Set(found.map((one) => one.name)))
  const mark = markOf(database, io.now(), properties, backup)
  const notes = await createCopy(work, name, { mark, properties, inUse: () => inUse(work) })
  const { mark: _, ...copy } = await ownCopy(connection, database, name)
  return { copy, notes }
}

/** The mark of a copy, with those properties of the database that the copy itself cannot have. */
export function markOf(database: string, now: Date, properties: Properties | undefined, backup?: string): InstantMark {
  const { comment = '', template } = properties ?? {}
  return {
    database,
    at: now.toISOString(),
    ...(backup === undefined ? {} : { backup }),
    ...(comment === '' ? {} : { comment }),
    ...(template === 'true' ? { template: true } : {}),
  }
}

function requireRights({ server, login, target: { database } }: Work): void {
  const user = quoteIdentifier(login.user)
  if (server.inRecovery) throw noCopy(database, ['the server is a read replica'], ['copy on the primary server'])
  if (!server.mayCreate) {
    const next = [`as a superuser: ALTER ROLE ${user} CREATEDB`]
    throw noCopy(database, [`user ${login.user} may not create databases`], next)
  }
  if (!server.ownsLive) {
    const next = [`as its owner or a superuser: ALTER DATABASE ${quoteIdentifier(database)} OWNER TO ${user}`]
    throw noCopy(database, [`user ${login.user} does not own the database`], next)
  }
}

// The sessions of a dump that has just ended may take a moment.
const patienceMilliseconds = 1000

async function untilAlone(work: Work): Promise<void> {
  const deadline = performance.now() + patienceMilliseconds
  while ((await sessionsOn(work.connection, work.target.database)).length > 0) {
    if (performance.now() >= deadline) throw await inUse(work)
    await sleep(50)
  }
}

async function inUse({ connection, target: { database } }: Work): Promise<Error> {
  const who = namesAndUsersOf(await sessionsOn(connection, database))
  const why = [`the server copies only while nobody is connected${who === '' ? '' : `, and these are: ${who}`}`]
  return noCopy(database, why, ['stop what is connected, and run this again'])
}
