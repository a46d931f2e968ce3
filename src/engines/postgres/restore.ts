import type { Io } from '../../effects/io.ts'
import { messageOf } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { RestoreOutcome, RestoreRequest, TableRows } from '../engine.ts'
import { lockKey, openBeside, readServer, type Server, sessionSettings } from './beside.ts'
import { type Properties, readProperties } from './catalogue.ts'
import { clearSql, stayingSchemas } from './clear.ts'
import { findClient } from './clients.ts'
import { type Connection, openConnection } from './connection.ts'
import { checkBlock, compare, countRows } from './counts.ts'
import type { Here } from './fitting.ts'
import { readHere } from './here.ts'
import { dropLaterSql, laterNotes } from './later.ts'
import { type Loaded, load, type Psql, psqlOf } from './load.ts'
import { databaseLock, takeLock } from './lock.ts'
import { type Login, loginOf, placeName } from './login.ts'
import { lostMarkerNotes } from './marker.ts'
import { type Moment, noteMoment, rowsOf, writtenSince } from './meanwhile.ts'
import { quoteIdentifier } from './names.ts'
import { mergedProperties, propertyStatements, templateStatements } from './properties.ts'
import { asRestoreFailure, restoreFailure } from './restore-failure.ts'
import { publicRights, publicRightsNotes, resetRights } from './schema-rights.ts'
import {
  applyProperties,
  clearLeftovers,
  createScratch,
  dropScratch,
  type RestoreNames,
  restoreNames,
} from './scratch.ts'
import { swap } from './swap.ts'

const lockSeconds = 30

// A transaction's locks are limited (max_locks_per_transaction): a large schema goes in several, into the scratch only.
const statementsInOneTransaction = 1000

/** Loads beside and swaps; in one transaction where this user may not make databases. Throws a `Failure` (40). */
export async function restoreDump(io: Io, request: RestoreRequest): Promise<RestoreOutcome> {
  if (request.target.engine !== 'postgres') throw new Error(`not a PostgreSQL target: ${request.target.engine}`)
  const target = request.target
  const login = await loginOf(io, target)
  const beside = await openBeside(io, login, target)
  try {
    const server = await readServer(beside.connection, target.database)
    const work = { io, request, target, login, server, besideName: beside.name, connection: beside.connection }
    await takeLock(beside.connection, lockKey(target.database), lockSeconds, target.database)
    return await (beside.isLive || !maySwap(server) ? restoreInTransaction(work) : restoreBySwap(work))
  } catch (error) {
    io.signal.throwIfAborted()
    throw asRestoreFailure(error, target.database)
  } finally {
    await beside.connection.close()
  }
}

function maySwap({ mayCreate, ownsLive }: Server): boolean {
  return mayCreate && ownsLive
}

type Work = {
  readonly io: Io
  readonly request: RestoreRequest
  readonly target: ServerTarget
  readonly login: Login
  readonly server: Server
  /** A session in another database (or in the live one, where no other lets us in). */
  readonly connection: Connection
  readonly besideName: string
}

async function restoreBySwap(work: Work): Promise<RestoreOutcome> {
  const { io, request, target, login, server, connection } = work
  const moment = await noteMoment(connection, target.database)
  const names = restoreNames(target.database)
  const psql = await fitPsql(work)
  const here = { ...(await readHere(connection, server.major)), ...templateSchemas(server.major) }
  const live = await readProperties(connection, target.database)
  const properties = mergedProperties(request.properties, live)
  const notes: string[] = []
  const held = server.liveExists ? await holdLive(io, login, target) : undefined
  try {
    // Under the lock no other restore of this database is at work: what stands there is nobody's.
    notes.push(...(await clearLeftovers(connection, names, (name) => isEmpty(work, name))))
    const counted =
      held === undefined || request.wayBack !== undefined ? undefined : await countRows(held).catch(() => undefined)
    request.step('loading')
    const plan = { names, properties, live, major: server.major, here, now: io.now() }
    notes.push(...(await createScratch(connection, plan)))
    const loaded = await loadScratch(work, { names, psql, here })
    notes.push(...loaded.notes)
    if (!here.superuser) notes.push(...publicRightsNotes(loaded, server.major))
    if (live === undefined) notes.push(...lostMarkerNotes(request.properties['comment'], names.live))
    const tables = await compareScratch(work, names)
    notes.push(...(await applyProperties(connection, propertyStatements(names.scratch, properties, here))))
    await request.beforeSwap?.()
    await held?.close()
    request.step('swapping')
    const written = () => formerWritten(work, { names, moment, counted })
    notes.push(...(await swapIn(work, { names, properties, written })))
    return { way: 'swap', tables, notes }
  } catch (error) {
    await discard(work, names)
    throw error
  } finally {
    await held?.close()
  }
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

async function fitPsql({ io, server, request, target }: Work): Promise<Psql> {
  const psql = await psqlOf(io, await findClient(io, server.major))
  if (psql.restricts || request.tables !== undefined) return psql
  throw restoreFailure(
    target.database,
    `psql ${psql.version} cannot be kept from running programs that a foreign dump names (CVE-2025-8714)`,
    [`update the client tools of PostgreSQL ${psql.version.split('.')[0]} to their latest minor release`],
  )
}

// Keeps backups of the live database away until the swap.
async function holdLive(io: Io, login: Login, target: ServerTarget): Promise<Connection> {
  const connection = await openConnection(login, target.database, io)
  await connection.query(sessionSettings)
  await takeLock(connection, databaseLock, lockSeconds, target.database)
  return connection
}

type Prepared = { readonly names: RestoreNames; readonly psql: Psql; readonly here: Here }

async function loadScratch({ io, login, request, server }: Work, { names, psql, here }: Prepared): Promise<Loaded> {
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
    content: request.content,
    before: (clientMajor) => publicRights(clientMajor, server.major),
    after: () => '',
    batch: statementsInOneTransaction,
  })
}

async function compareScratch({ io, login, request }: Work, names: RestoreNames): Promise<readonly TableRows[]> {
  request.step('comparing')
  const connection = await openConnection(login, names.scratch, io)
  try {
    await connection.query(sessionSettings)
    const found = await countRows(connection)
    if (request.tables !== undefined) compare(request.tables, found, names.live)
    return request.tables ?? found
  } finally {
    await connection.close()
  }
}

type SwapIn = {
  readonly names: RestoreNames
  readonly properties: Properties
  /** Whether the former database was written to while the other was loaded; asked once nobody is in it any more. */
  readonly written: () => Promise<boolean>
}

// From here on an interruption waits: the swap is a matter of seconds, and its outcome has to be known.
async function swapIn(work: Work, { names, properties, written }: SwapIn): Promise<string[]> {
  const { io, login, server, besideName } = work
  const quiet = { environment: io.environment }
  const renaming = await openConnection(login, besideName, quiet)
  const ending = await openConnection(login, besideName, quiet)
  try {
    await renaming.query(sessionSettings)
    await ending.query(sessionSettings)
    io.signal.throwIfAborted()
    const comment = properties['comment'] ?? ''
    const plan = { names, liveExists: server.liveExists, comment, now: io.now(), renaming, ending }
    const notes: string[] = await swap(plan).catch(async (error: unknown) => {
      if (await isSwapped(work, names)) return []
      throw error
    })
    notes.push(...(await applyProperties(ending, templateStatements(names.live, properties))))
    return [...notes, ...(server.liveExists ? await endFormer(ending, names, written) : [])]
  } finally {
    await Promise.all([renaming.close(), ending.close()])
  }
}

// The connection may break just when the server commits: the server knows.
async function isSwapped({ io, login, besideName }: Work, names: RestoreNames): Promise<boolean> {
  const connection = await openConnection(login, besideName, { environment: io.environment })
  try {
    const sql = 'SELECT datname::text AS name FROM pg_database WHERE datname = ANY ($1)'
    const found = await connection.query<{ name: string }>(sql, [[names.live, names.scratch]])
    return found.length === 1 && found[0]?.name === names.live
  } finally {
    await connection.close()
  }
}

type Former = {
  readonly names: RestoreNames
  readonly moment: Moment
  /** The rows of its tables at the beginning, where there is no safety backup that says it. */
  readonly counted: readonly TableRows[] | undefined
}

async function formerWritten({ io, login, request }: Work, { names, moment, counted }: Former): Promise<boolean> {
  const before = counted ?? (request.wayBack && (await rowsOf(request.wayBack)))
  if (before === undefined) throw new Error('its rows could not be counted before')
  const connection = await openConnection(login, names.former, io)
  try {
    await connection.query(sessionSettings)
    return await writtenSince(connection, moment, before)
  } finally {
    await connection.close()
  }
}

/** Drops the former database, unless it holds what is nowhere else. */
async function endFormer(
  connection: Connection,
  names: RestoreNames,
  written: () => Promise<boolean>,
): Promise<string[]> {
  const kept = `what was there is kept as ${names.former}; when it is not needed: DROP DATABASE ${quoteIdentifier(names.former)}`
  // Nobody can drop a template.
  await connection.query(`ALTER DATABASE ${quoteIdentifier(names.former)} IS_TEMPLATE false`).catch(() => [])
  try {
    if (await written()) return [`the database was written to while it was restored; ${kept}`]
  } catch (error) {
    return [`whether the database was written to while it was restored is not known (${messageOf(error)}); ${kept}`]
  }
  return dropFormer(connection, names)
}

async function dropFormer(connection: Connection, names: RestoreNames): Promise<string[]> {
  const former = quoteIdentifier(names.former)
  try {
    await connection.query(`DROP DATABASE ${former} WITH (FORCE)`)
    return []
  } catch (error) {
    return [`the database as it was before could not be dropped, it is now named ${names.former}: ${messageOf(error)}`]
  }
}

// Also after an interruption, so not through connections that it ended.
async function discard({ io, login, besideName }: Work, names: RestoreNames): Promise<void> {
  try {
    const connection = await openConnection(login, besideName, { environment: io.environment })
    try {
      await connection.query(sessionSettings)
      await dropScratch(connection, names)
    } finally {
      await connection.close()
    }
  } catch (error) {
    io.terminal.warn(`${names.scratch} could not be dropped (${messageOf(error)}); the next restore drops it`)
  }
}

async function restoreInTransaction(work: Work): Promise<RestoreOutcome> {
  const { io, request, target, login, server } = work
  if (!server.liveExists) {
    throw restoreFailure(target.database, `database ${target.database} does not exist on ${placeName(login)}`, [
      'create it first (this user may not), or restore as a user with CREATEDB',
    ])
  }
  const psql = await fitPsql(work)
  const live = await openConnection(login, target.database, io)
  try {
    await live.query(sessionSettings)
    await takeLock(live, databaseLock, lockSeconds, target.database)
    const here = { ...(await readHere(live, server.major)), schemas: await schemasThatStay(live) }
    const before = await readProperties(live, target.database)
    await request.beforeSwap?.()
    request.step('loading')
    const loaded = await load(io, {
      login,
      database: target.database,
      live: target.database,
      psql,
      here,
      content: request.content,
      before: (clientMajor) => clearSql() + resetRights(clientMajor ?? server.major),
      after: (created) => dropLaterSql(created) + (request.tables === undefined ? '' : checkBlock(request.tables)),
    })
    const tables = request.tables ?? (await countRows(live))
    const later = await laterNotes(live, loaded.created)
    const notes = [...loaded.notes, ...later, ...keptProperties(request.properties, before)]
    return { way: 'transaction', tables, notes }
  } finally {
    await live.close()
  }
}

async function schemasThatStay(connection: Connection): Promise<ReadonlySet<string>> {
  return new Set((await connection.query<{ name: string }>(stayingSchemas)).map(({ name }) => name))
}

const ownProperties = ['encoding', 'collate', 'owner', 'connectionLimit', 'comment', 'settings', 'grants'] as const

/** Says which properties of the database itself stayed as they were, where the backup has others. */
function keptProperties(backup: Properties, live: Properties | undefined): string[] {
  const wanted = mergedProperties(backup, live)
  const others = ownProperties.filter((key) => backup[key] !== undefined && wanted[key] !== live?.[key])
  return others.length === 0 ? [] : [`of the database itself these stayed as they were: ${others.join(', ')}`]
}
