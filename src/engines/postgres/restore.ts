import type { Io } from '../../effects/io.ts'
import { messageOf } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { RestoreOutcome, RestoreRequest, TableRows } from '../engine.ts'
import { lockSeconds, type Server, sessionSettings, type Work, workBeside } from './beside.ts'
import type { Properties } from './catalogue.ts'
import { type Connection, openConnection } from './connection.ts'
import { compare, countRows } from './counts.ts'
import { discardScratch, type Filled, fillScratch, findTools, type Tools } from './fill-scratch.ts'
import { restoreInTransaction } from './in-transaction.ts'
import { databaseLock, takeLock } from './lock.ts'
import type { Login } from './login.ts'
import { lostMarkerNotes } from './marker.ts'
import { type Moment, noteMoment, rowsOf, writtenSince } from './meanwhile.ts'
import { quoteIdentifier } from './names.ts'
import { rootsOf } from './partitions.ts'
import { propertyStatements, templateStatements } from './properties.ts'
import { type Compared, countScratch, readScratch } from './read-back.ts'
import { restoreFailure } from './restore-failure.ts'
import { applyProperties, type RestoreNames, restoreNames } from './scratch.ts'
import { swap } from './swap.ts'

/** Loads beside and swaps; in one transaction where this user may not make databases. Throws a `Failure` (40). */
export async function restoreDump(io: Io, request: RestoreRequest): Promise<RestoreOutcome> {
  if (request.target.engine !== 'postgres') throw new Error(`not a PostgreSQL target: ${request.target.engine}`)
  return workBeside(io, request.target, async (work) => {
    const tools = await fitTools(work, request)
    const beside = maySwap(work.server) && !work.besideIsLive
    return beside ? restoreBySwap(work, request, tools) : restoreInTransaction(work, request, tools)
  })
}

async function fitTools(work: Work, { tables }: RestoreRequest): Promise<Tools> {
  const tools = await findTools(work)
  const { restricts, version } = tools.psql
  if (restricts || tables !== undefined) return tools
  throw restoreFailure(
    work.target.database,
    `psql ${version} cannot be kept from running programs that a foreign dump names (CVE-2025-8714)`,
    [`update the client tools of PostgreSQL ${version.split('.')[0]} to their latest minor release`],
  )
}

function maySwap({ mayCreate, ownsLive }: Server): boolean {
  return mayCreate && ownsLive
}

async function restoreBySwap(work: Work, request: RestoreRequest, tools: Tools): Promise<RestoreOutcome> {
  const { io, target, login, server, connection } = work
  const moment = await noteMoment(connection, target.database)
  const names = restoreNames(target.database)
  const held = server.liveExists ? await holdLive(io, login, target) : undefined
  try {
    const counted =
      held === undefined || request.wayBack !== undefined ? undefined : await countRows(held).catch(() => undefined)
    const filled = await fillScratch(work, request, { names, tools })
    const { properties } = filled
    const notes = [...filled.notes]
    if (!server.liveExists) notes.push(...lostMarkerNotes(request.properties['comment'], names.live))
    request.step('comparing')
    const { tables, notes: differences } = await compareScratch(work, request, { names, tools, filled })
    notes.push(...differences)
    notes.push(...(await applyProperties(connection, propertyStatements(names.scratch, properties, filled.here))))
    await request.beforeSwap?.()
    await held?.close()
    request.step('swapping')
    const written = () => formerWritten(work, request, { names, moment, counted })
    notes.push(...(await swapIn(work, { names, properties, written })))
    return { way: 'swap', tables, notes }
  } catch (error) {
    await discardScratch(work, names)
    throw error
  } finally {
    await held?.close()
  }
}

// Keeps backups of the live database away until the swap.
async function holdLive(io: Io, login: Login, target: ServerTarget): Promise<Connection> {
  const connection = await openConnection(login, target.database, io)
  await connection.query(sessionSettings)
  await takeLock(connection, databaseLock, lockSeconds, target.database)
  return connection
}

type Scratch = { readonly names: RestoreNames; readonly tools: Tools; readonly filled: Filled }

async function compareScratch(
  work: Work,
  { tables }: RestoreRequest,
  { names, ...scratch }: Scratch,
): Promise<Pick<RestoreOutcome, 'tables' | 'notes'>> {
  const digested = tables?.some(({ digest }) => digest !== undefined) ?? false
  const found: Compared = digested
    ? await readScratch(work, { database: names.scratch, ...scratch })
    : { ...(await countScratch(work, names.scratch)), notes: [] }
  if (tables === undefined) return { tables: found.tables, notes: [] }
  const restored = {
    ...found,
    database: names.live,
    otherwise: found.otherwise,
    roots: rootsOf(scratch.filled.loaded.tables),
  }
  return { tables, notes: [...found.notes, ...compare(tables, restored)] }
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

async function formerWritten(
  { io, login }: Work,
  request: RestoreRequest,
  { names, moment, counted }: Former,
): Promise<boolean> {
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
