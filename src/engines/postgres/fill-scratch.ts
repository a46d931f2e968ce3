import { messageOf } from '../../failure.ts'
import type { RestoreRequest } from '../engine.ts'
import { sessionSettings, type Work } from './beside.ts'
import { type Properties, readProperties } from './catalogue.ts'
import { type ClientFolder, findClient } from './clients.ts'
import { openConnection } from './connection.ts'
import { countRows } from './counts.ts'
import type { Here } from './fitting.ts'
import { readHere } from './here.ts'
import { type Loaded, load, type Psql, psqlOf } from './load.ts'
import { fitMonetary } from './monetary.ts'
import { mergedProperties } from './properties.ts'
import { publicRights, publicRightsNotes } from './schema-rights.ts'
import { clearLeftovers, createScratch, dropScratch, type RestoreNames } from './scratch.ts'
import { endMaker } from './sessions.ts'
import { dropSubscriptions } from './subscriptions.ts'

/** The client tools of a restore. */
export type Tools = { readonly client: ClientFolder; readonly psql: Psql }

export async function findTools({ io, server }: Work): Promise<Tools> {
  const client = await findClient(io, server.major)
  return { client, psql: await psqlOf(io, client) }
}

export type Filled = {
  readonly loaded: Loaded
  /** What the database is to have of its own. */
  readonly properties: Properties
  readonly here: Here
  /** How rows have to be written, to be those of the backup. */
  readonly settings: readonly string[]
  /** Why the same values may be written in another way all the same. */
  readonly otherwise?: string
  /** Not all of the schema is as in the backup: this server, or this user, could not take it. */
  readonly altered: boolean
  readonly notes: readonly string[]
}

// A transaction's locks are limited (max_locks_per_transaction): a large schema goes in several, into the scratch only.
const statementsInOneTransaction = 1000

type Request = Pick<RestoreRequest, 'content' | 'properties' | 'step'>

/** Makes the scratch database and loads the content into it; first it drops what interrupted restores left behind. */
export async function fillScratch(
  work: Work,
  request: Request,
  { names, tools }: { readonly names: RestoreNames; readonly tools: Tools },
): Promise<Filled> {
  const { io, server, connection } = work
  // Under the lock no other restore of this database is at work: what stands there is nobody's.
  const cleared = await clearLeftovers(connection, names, {
    isEmpty: (name) => isEmpty(work, name),
    dropSubscriptions: (name) => dropSubscriptions(work, name),
  })
  const here = { ...(await readHere(connection, server.major)), ...templateSchemas(server.major) }
  const live = await readProperties(connection, names.live)
  const properties = mergedProperties(request.properties, live)
  request.step('loading')
  const created = await createScratch(connection, { names, properties, live, major: server.major, here, now: io.now() })
  const { settings, otherwise } = await fitMonetary(connection, request.properties)
  const loaded = await loadInto(work, request, { names, psql: tools.psql, here, settings })
  const rights = here.superuser ? [] : publicRightsNotes(loaded, server.major)
  const notes = [...cleared, ...created, ...loaded.notes, ...rights]
  const altered = loaded.altered || rights.length > 0
  return { loaded, properties, here, settings, altered, notes, ...(otherwise === undefined ? {} : { otherwise }) }
}

async function isEmpty({ io, login }: Work, database: string): Promise<boolean> {
  const connection = await openConnection(login, database, io)
  try {
    return (await countRows(connection)).length === 0
  } finally {
    await connection.close()
  }
}

// template0's own schema `public`: the server's until 14, of the database's owner since.
function templateSchemas(major: number): Partial<Here> {
  return {
    schemas: new Set(),
    foreignSchemas: new Set(major < 15 ? ['public'] : []),
    foreignExtensions: new Set(['plpgsql']),
  }
}

type Loading = Pick<Filled, 'here' | 'settings'> & { readonly names: RestoreNames; readonly psql: Psql }

async function loadInto(
  { io, login, server }: Work,
  { content }: Request,
  { names, psql, here, settings }: Loading,
): Promise<Loaded> {
  // The login may be one that does not own `public` before 15; a superuser may do all.
  const fitting = here.superuser
    ? { ...here, foreignSchemas: new Set<string>(), foreignExtensions: new Set<string>() }
    : here
  return load(io, {
    login,
    database: names.scratch,
    live: names.live,
    psql,
    here: fitting,
    settings,
    content,
    before: (clientMajor) => publicRights(clientMajor, server.major),
    after: () => '',
    batch: statementsInOneTransaction,
  })
}

/** Drops the scratch database; also after an interruption, so not through connections that it ended. */
export async function discardScratch(work: Work, names: RestoreNames): Promise<void> {
  const { io, login, besideName } = work
  try {
    const connection = await openConnection(login, besideName, { environment: io.environment })
    try {
      await connection.query(sessionSettings)
      if (io.signal.aborted) await endMaker(connection, work.connection.processId)
      await dropSubscriptions({ io, login, connection }, names.scratch)
      await dropScratch(connection, names)
    } finally {
      await connection.close()
    }
  } catch (error) {
    io.terminal.warn(`${names.scratch} could not be dropped (${messageOf(error)}); the next restore drops it`)
  }
}
