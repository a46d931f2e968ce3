import { randomBytes } from 'node:crypto'
import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { RestoreOutcome, RestoreRequest } from '../engine.ts'
import { ensureFree } from './busy.ts'
import { type Charset, readCharset, readServer, type Server } from './catalogue.ts'
import { findClient } from './client.ts'
import { compareTables } from './comparison.ts'
import { reachServer, serverTarget } from './connect.ts'
import { redacted } from './connect-failure.ts'
import { type Connection, errorNumber, errorSentence } from './connection.ts'
import { readDefinitions } from './definitions.ts'
import { restoreInPlace } from './in-place.ts'
import type { LoadChanges } from './load-filter.ts'
import { takeLock } from './lock.ts'
import { createMarker, markerTable, readMarker } from './marker.ts'
import { accountOf, besideName, labelOf, quoteName } from './names.ts'
import { readLoaded } from './read-back.ts'
import { recoverLeftovers } from './recover.ts'
import { changeNotes, charsetClause, loadInto, type RestorePlace } from './restore-place.ts'
import { readRights } from './rights.ts'
import { isRoutine, lostGrants, readRoutineGrants, unreadGrants } from './routine-grants.ts'
import { dropDatabases, swap, tableNames } from './swap.ts'
import { type DatabaseState, swapPlan } from './swap-plan.ts'

export async function restore(io: Io, request: RestoreRequest): Promise<RestoreOutcome> {
  const target = serverTarget(request.target)
  // Our own statements end in seconds and leave the database whole: an interruption is looked at between them.
  const connection = await reachServer({ ...io, signal: new AbortController().signal }, target)
  try {
    return await restoreOver(io, request, target, connection)
  } catch (error) {
    throw asFailure(error, target, io)
  } finally {
    await connection.end()
  }
}

async function restoreOver(
  io: Io,
  request: RestoreRequest,
  target: ServerTarget,
  connection: Connection,
): Promise<RestoreOutcome> {
  const server = { ...(await readServer(connection)), database: await storedName(connection, target.database) }
  await takeLock(connection, server.database, 10)
  const recovered = await recoverLeftovers(connection, server)
  const program = await findClient(io, 'load', server)
  const charset = await readCharset(connection, server.database)
  const place = {
    io,
    request,
    target,
    connection,
    server,
    program,
    charset,
    ...(await definerLimit(connection, server)),
  }
  const outcome = await restoreSomehow(place)
  return { ...outcome, notes: [...recovered, ...outcome.notes] }
}

async function storedName(connection: Connection, name: string): Promise<string> {
  const [row] = await connection.query('SELECT @@lower_case_table_names AS setting')
  return row?.['setting'] === 1 ? name.toLowerCase() : name
}

const definerRights = ['SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER']

async function definerLimit(connection: Connection, server: Server): Promise<{ readonly onlyDefiner?: string }> {
  const rights = await readRights(connection)
  const free = definerRights.some((right) => rights.has(right, '*'))
  return free ? {} : { onlyDefiner: accountOf(server.account) }
}

async function restoreSomehow(place: RestorePlace): Promise<RestoreOutcome> {
  const reason = await referredFromOutside(place)
  if (reason !== undefined) return restoreInPlace(place, reason)
  const scratch = await createScratch(place)
  if (scratch !== undefined) return restoreBeside(place, scratch)
  return restoreInPlace(place, `${place.server.account} may not create a database beside it`)
}

// A foreign key of another database would follow the old table when it is moved.
async function referredFromOutside({ connection, server }: RestorePlace): Promise<string | undefined> {
  const [row] = await connection.query(
    `SELECT CONSTRAINT_SCHEMA AS name FROM information_schema.REFERENTIAL_CONSTRAINTS
      WHERE UNIQUE_CONSTRAINT_SCHEMA = ? AND CONSTRAINT_SCHEMA <> ? LIMIT 1`,
    [server.database, server.database],
  )
  return row === undefined ? undefined : `foreign keys of database ${labelOf(String(row['name']))} refer to it`
}

type Scratch = { readonly id: string; readonly name: string; readonly charset: Charset }

const mayNot = new Set([1044, 1142, 1227])

async function createScratch(place: RestorePlace): Promise<Scratch | undefined> {
  const { connection, server } = place
  const id = randomBytes(4).toString('hex')
  const name = besideName(server.database, id, 'new')
  try {
    await connection.query(`CREATE DATABASE ${quoteName(name)}${charsetClause(place)}`)
  } catch (error) {
    if (mayNot.has(errorNumber(error))) return undefined
    throw error
  }
  await createMarker(connection, name, server.database, { state: 'loading' })
  const charset = await readCharset(connection, name)
  if (charset === undefined) throw new Error(`database ${name} cannot be seen`)
  return { id, name, charset }
}

async function restoreBeside(place: RestorePlace, scratch: Scratch): Promise<RestoreOutcome> {
  const { request, connection, server } = place
  try {
    request.step('loading')
    const changes = await loadInto(place, scratch.name, place.request.content, true)
    request.step('comparing')
    const { tables, notes } = await readLoaded(place, { name: scratch.name, sleeping: changes.enabledEvents })
    compareTables(tables, request.tables)
    await request.beforeSwap?.()
    request.step('swapping')
    const lost = await swapIn(place, scratch, changes)
    return { way: 'swap', tables, notes: [...changeNotes(changes, server), ...notes, ...lost] }
  } catch (error) {
    await dropScratch(connection, scratch.name, server.database).catch(() => undefined) // the next run finds it
    throw error
  }
}

// A swap that could not be ended is ended by the next run, by the plan in it.
async function dropScratch(connection: Connection, scratch: string, live: string): Promise<void> {
  const marker = await readMarker(connection, scratch, live)
  if (marker?.state !== 'swapping') await dropDatabases(connection, [scratch])
}

async function swapIn(place: RestorePlace, scratch: Scratch, changes: LoadChanges): Promise<readonly string[]> {
  const { io, connection, server } = place
  const live = server.database
  const { flavour } = server
  await connection.query(`CREATE DATABASE IF NOT EXISTS ${quoteName(live)}${charsetClause(place)}`)
  const [was, comes] = [await stateOf(connection, live), withoutMarker(await stateOf(connection, scratch.name))]
  const grants = await readRoutineGrants(connection, live)
  const plan = swapPlan({
    live,
    scratch: scratch.name,
    old: besideName(live, scratch.id, 'old'),
    was,
    comes,
    enabledEvents: changes.enabledEvents,
    creating: { database: live, flavour, charset: scratch.charset, grants: grants ?? [] },
  })
  await ensureFree(
    connection,
    live,
    plan.moves.filter(({ direction }) => direction === 'out').map(({ table }) => table),
  )
  io.signal.throwIfAborted() // from here on it takes moments, and is finished
  await swap(connection, plan)
  if (grants !== undefined) return lostGrants(connection, live, grants, comes.definitions)
  return flavour === 'mysql' && was.definitions.some(isRoutine) ? [unreadGrants(live)] : []
}

function withoutMarker(state: DatabaseState): DatabaseState {
  return { ...state, tables: state.tables.filter((name) => name !== markerTable) }
}

async function stateOf(connection: Connection, database: string): Promise<DatabaseState> {
  return {
    tables: [...(await tableNames(connection, database))],
    definitions: await readDefinitions(connection, database),
  }
}

function asFailure(error: unknown, target: ServerTarget, io: Io): unknown {
  if (error instanceof Failure || (io.signal.aborted && error === io.signal.reason)) return error
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `The restore of ${target.database} failed`,
      why: [redacted(errorSentence(error), target)],
      next: ['the database is as it was before; correct what the server said, then run the restore again'],
    },
    error,
  )
}
