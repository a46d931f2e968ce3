import type { Io } from '../../effects/io.ts'
import type { RestoreOutcome, RestoreRequest } from '../engine.ts'
import { ensureFree } from './busy.ts'
import { compareTables } from './comparison.ts'
import type { Connection } from './connection.ts'
import { ensureMayDrop } from './definition-rights.ts'
import { readDefinitions } from './definitions.ts'
import { restoreInPlace } from './in-place.ts'
import type { LoadChanges } from './load-filter.ts'
import { markerTable } from './marker.ts'
import { besideName, labelOf, quoteName } from './names.ts'
import { readLoaded } from './read-back.ts'
import { changeNotes, charsetClause, loadInto, type RestorePlace } from './restore-place.ts'
import { isRoutine, lostGrants, readRoutineGrants, unreadGrants } from './routine-grants.ts'
import { createScratch, dropScratch, type Scratch } from './scratch.ts'
import { swap, tableNames } from './swap.ts'
import { type DatabaseState, droppedDefinitions, swapPlan } from './swap-plan.ts'
import { workBeside } from './work-beside.ts'

export async function restore(io: Io, request: RestoreRequest): Promise<RestoreOutcome> {
  return workBeside(io, request, 'restore', restoreSomehow)
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

async function swapIn(place: RestorePlace, scratch: Scratch, changes: LoadChanges): Promise<readonly string[]> {
  const { io, connection, server } = place
  const live = server.database
  const { flavour } = server
  await connection.query(`CREATE DATABASE IF NOT EXISTS ${quoteName(live)}${charsetClause(place)}`)
  const [was, comes] = [await stateOf(connection, live), withoutMarker(await stateOf(connection, scratch.name))]
  const grants = await readRoutineGrants(connection, live)
  const facts = {
    live,
    scratch: scratch.name,
    old: besideName(live, scratch.id, 'old'),
    was,
    comes,
    enabledEvents: changes.enabledEvents,
    lostDefiners: changes.definers,
    creating: { database: live, flavour, charset: scratch.charset, grants: grants ?? [] },
  }
  const dropped = droppedDefinitions(facts)
  await ensureMayDrop(connection, server, dropped)
  const plan = swapPlan(facts)
  await ensureFree(
    connection,
    live,
    plan.moves.filter(({ direction }) => direction === 'out').map(({ table }) => table),
  )
  io.signal.throwIfAborted() // from here on it takes moments, and is finished
  await swap(connection, plan)
  if (grants !== undefined) return lostGrants(connection, live, grants, comes.definitions)
  return flavour === 'mysql' && dropped.some(isRoutine) ? [unreadGrants(live)] : []
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
