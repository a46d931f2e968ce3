import type { Io } from '../../effects/io.ts'
import { messageOf } from '../../failure.ts'
import type { RestoreOutcome, RestoreRequest, TableRows } from '../engine.ts'
import { holdLive, type Server, sessionSettings, type Work, workBeside } from './beside.ts'
import type { Properties } from './catalogue.ts'
import { openConnection } from './connection.ts'
import { compare, countRows } from './counts.ts'
import { discardScratch, type Filled, fillScratch, findTools, type Tools } from './fill-scratch.ts'
import { restoreInTransaction } from './in-transaction.ts'
import { lostMarkerNotes } from './marker.ts'
import { type Moment, noteMoment, rowsOf, writtenSince } from './meanwhile.ts'
import { quoteIdentifier } from './names.ts'
import { rootsOf } from './partitions.ts'
import { propertyStatements, templateStatements } from './properties.ts'
import { type Compared, countScratch, readScratch } from './read-back.ts'
import { restoreFailure } from './restore-failure.ts'
import { applyProperties, dropDatabase, type RestoreNames, restoreNames } from './scratch.ts'
import {
  dropSubscriptions,
  dropText,
  restoredNotes,
  type Subscription,
  stopSubscriptions,
  subscriptionsOf,
  subscriptionsText,
} from './subscriptions.ts'
import { swapIn, swapSql } from './swap.ts'

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
  const { target, server, connection } = work
  const moment = await noteMoment(connection, target.database)
  const names = restoreNames(target.database)
  const held = server.liveExists ? await holdLive(work) : undefined
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
    notes.push(...(await swapRestored(work, { names, properties, written })))
    return { way: 'swap', tables, notes }
  } catch (error) {
    await discardScratch(work, names)
    throw error
  } finally {
    await held?.close()
  }
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

async function swapRestored(work: Work, { names, properties, written }: SwapIn): Promise<string[]> {
  const { liveExists } = work.server
  const sql = swapSql({ names, liveExists, comment: properties['comment'] ?? '', now: work.io.now() })
  return swapIn(work, { live: names.live, incoming: names.scratch, liveExists, sql }, async (connection) => [
    ...(await applyProperties(connection, templateStatements(names.live, properties))),
    ...(await endFormer({ ...work, connection }, names, liveExists ? written : undefined)),
  ])
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

type Ended = { readonly notes: readonly string[]; readonly dropped: readonly Subscription[] }

/** Drops the former database, where there was one, and says what became of subscriptions. */
async function endFormer(
  work: Work,
  names: RestoreNames,
  written: (() => Promise<boolean>) | undefined,
): Promise<readonly string[]> {
  const { notes, dropped }: Ended = written ? await dropUnlessWritten(work, names, written) : { notes: [], dropped: [] }
  // The restored database is in place: nothing may make a failure of that any more.
  const restored = await subscriptionsOf(work.connection, names.live).catch(() => [])
  return [...notes, ...restoredNotes(restored, dropped)]
}

/** Drops the former database, unless it holds what is nowhere else. */
async function dropUnlessWritten(
  work: Work,
  { former }: RestoreNames,
  written: () => Promise<boolean>,
): Promise<Ended> {
  const { connection } = work
  // Nobody can drop a template.
  await connection.query(`ALTER DATABASE ${quoteIdentifier(former)} IS_TEMPLATE false`).catch(() => [])
  const kept = keptText(former, await quietSubscriptions(work, former))
  const keep = (why: string): Ended => ({ notes: [`${why}; ${kept}`], dropped: [] })
  try {
    if (await written()) return keep('the database was written to while it was restored')
  } catch (error) {
    return keep(`whether the database was written to while it was restored is not known (${messageOf(error)})`)
  }
  return dropFormer(work, former).catch((error: unknown) =>
    keep(`the database as it was before could not be dropped (${messageOf(error)})`),
  )
}

// Nothing may be brought into it between the look at what was written and the drop.
function quietSubscriptions(work: Work, former: string): Promise<readonly Subscription[]> {
  return stopSubscriptions(work, former).catch(() => subscriptionsOf(work.connection, former).catch(() => []))
}

function keptText(former: string, subscriptions: readonly Subscription[]): string {
  const withThem = subscriptions.length === 0 ? '' : ` with its ${subscriptionsText(subscriptions)}`
  const names = subscriptions.map(({ name }) => name)
  return `what was there is kept as ${former}${withThem}; when it is not needed: ${dropText(former, names)}`
}

async function dropFormer(work: Work, former: string): Promise<Ended> {
  const dropped = await dropSubscriptions(work, former)
  await dropDatabase(work.connection, former)
  return { notes: [], dropped }
}
