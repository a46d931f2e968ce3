import { exitCode, Failure } from '../../failure.ts'
import type { BackupContent, RestoreOutcome } from '../engine.ts'
import { ensureFree } from './busy.ts'
import { type CatalogueObject, readCatalogue, readCharset } from './catalogue.ts'
import { type Program, readsDollarQuotes } from './client.ts'
import { compareTables } from './comparison.ts'
import { type Connection, errorSentence } from './connection.ts'
import { ensureMayCreate, ensureMayDrop } from './definition-rights.ts'
import { type Definition, readDefinitions } from './definitions.ts'
import { type DumpContent, DumpReader } from './dump-reader.ts'
import { createMarker, dropMarker, markerTable, readMarker } from './marker.ts'
import { labelOf, qualified, quoteName } from './names.ts'
import { readLoaded } from './read-back.ts'
import { changeNotes, loadInto, type RestorePlace } from './restore-place.ts'
import { ensureTablesCanReturn } from './restrictions.ts'
import {
  grantSteps,
  grantsOn,
  isRoutine,
  lostGrants,
  type RoutineGrant,
  readRoutineGrants,
  unreadGrants,
} from './routine-grants.ts'
import { runSteps, tableNames } from './swap.ts'
import { createSteps, dropStatement } from './swap-plan.ts'

/**
 * Loads into the live database itself, for where no other way is open. The content is read through and compared before
 * anything is dropped; whatever fails afterwards brings the safety backup back.
 */
export async function restoreInPlace(place: RestorePlace, reason: string): Promise<RestoreOutcome> {
  const { request, server, connection } = place
  if (place.charset === undefined) throw cannotCreate(place)
  const marked = (await readMarker(connection, server.database, server.database))?.state === 'in-place'
  const wayBack = marked ? undefined : (request.wayBack ?? (await emptyWayBack(connection, server.database)))
  request.step('reading')
  const { tables, objects } = await readThrough(request.content, place.program)
  compareTables(tables, request.tables)
  await ensureMay(place, objects)
  await ensureFree(connection, server.database, [...(await tableNames(connection, server.database))])
  place.io.signal.throwIfAborted()
  await request.beforeSwap?.()
  const rights = await rightsToKeep(place)
  if (!marked) await mark(place)
  await dropDefinitions(place, async () => {
    if (!marked) await dropMarker(connection, server.database)
  })
  try {
    const outcome = await loadOver(place, reason)
    return { ...outcome, notes: [...outcome.notes, ...(await rights.giveAgain())] }
  } catch (error) {
    if (wayBack === undefined) throw stillNotWhole(place, error)
    await bringBack(place, wayBack, error)
    await rights.giveAgain()
    throw afterBringingBack(place, error)
  }
}

// What is found too late cannot be undone either: the way back drops and creates the same.
async function ensureMay({ connection, server }: RestorePlace, comes: readonly CatalogueObject[]): Promise<void> {
  const definitions = await readDefinitions(connection, server.database)
  await ensureMayDrop(connection, server, definitions)
  await ensureMayCreate(connection, server, new Set([...definitions, ...comes].map(({ kind }) => kind)))
  await ensureTablesCanReturn(connection, server)
}

// From here on the database is not whole until the mark is gone.
async function mark({ io, connection, server: { database } }: RestorePlace): Promise<void> {
  await createMarker(connection, database, database, { state: 'in-place', at: io.now().toISOString() })
}

function stillNotWhole({ server, io }: RestorePlace, error: unknown): unknown {
  if (io.signal.aborted) return io.signal.reason
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `The restore failed, and database ${server.database} is still NOT whole`,
      why: [sentenceOf(error), 'an earlier restore of it had been interrupted: there is nothing to go back to'],
      next: ['restore a backup that was taken before that one: restore-database lists them'],
    },
    error,
  )
}

type KeptRights = { readonly giveAgain: () => Promise<readonly string[]> }

async function rightsToKeep({ connection, server }: RestorePlace): Promise<KeptRights> {
  const { database } = server
  const grants = await readRoutineGrants(connection, database)
  const routines = (await readDefinitions(connection, database)).filter(isRoutine)
  if (grants === undefined) return { giveAgain: async () => (routines.length === 0 ? [] : [unreadGrants(database)]) }
  return { giveAgain: () => giveAgain(connection, database, grants).catch(() => [unreadGrants(database)]) }
}

async function giveAgain(
  connection: Connection,
  database: string,
  grants: readonly RoutineGrant[],
): Promise<readonly string[]> {
  const present = (await readDefinitions(connection, database)).filter(isRoutine)
  const lost = present.flatMap((routine) => grantsOn(grants, routine))
  await runSteps(connection, database, grantSteps(database, lost))
  return lostGrants(connection, database, grants, present)
}

function cannotCreate({ server }: RestorePlace): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `Database ${server.database} does not exist, and ${server.account} may not create it`,
    next: [`as an administrator: CREATE DATABASE ${quoteName(server.database)};`],
  })
}

async function emptyWayBack(connection: Connection, database: string): Promise<BackupContent> {
  const { objects } = await readCatalogue(connection, database)
  if (objects.length === 0) return async function* () {}
  throw new Failure(exitCode.restoreFailed, {
    what: `Database ${database} can only be restored in place, and there is no safety backup to go back to`,
    next: ['take one first: backup-database'],
  })
}

async function readThrough(content: BackupContent, program: Program): Promise<DumpContent> {
  const reader = new DumpReader(undefined, readsDollarQuotes(program))
  for await (const chunk of content()) reader.write(chunk)
  return reader.end()
}

async function loadOver(place: RestorePlace, reason: string): Promise<RestoreOutcome> {
  const { request, connection, server } = place
  request.step('loading')
  await clear(place)
  const changes = await loadInto(place, server.database, request.content, false)
  request.step('comparing')
  const { tables, notes: read } = await readLoaded(place, { name: server.database, sleeping: new Set() })
  compareTables(tables, request.tables)
  await dropMarker(connection, server.database)
  return {
    way: 'in-place',
    tables,
    notes: [`loaded into ${labelOf(server.database)} itself: ${reason}`, ...changeNotes(changes, server), ...read],
  }
}

async function bringBack(place: RestorePlace, wayBack: BackupContent, cause: unknown): Promise<void> {
  const { request, connection, server } = place
  request.step('bringing the safety backup back')
  try {
    await clear(place)
    // Also when it was an interruption that stopped the restore: this has to come to its end.
    await loadInto(
      { ...place, io: { ...place.io, signal: new AbortController().signal } },
      server.database,
      wayBack,
      false,
    )
    await dropMarker(connection, server.database)
  } catch (error) {
    throw new Failure(
      exitCode.restoreFailed,
      {
        what: `The restore failed, and the safety backup could not be brought back: database ${server.database} is NOT whole`,
        why: [sentenceOf(cause), sentenceOf(error)],
        next: ['restore the safety backup as soon as the server lets you: restore-database lists it first'],
      },
      error,
    )
  }
}

function afterBringingBack({ server, io }: RestorePlace, error: unknown): unknown {
  if (io.signal.aborted) return io.signal.reason
  const text = error instanceof Failure ? error.text : { what: sentenceOf(error) }
  return new Failure(
    exitCode.restoreFailed,
    { ...text, why: [...(text.why ?? []), `${server.database} was brought back from the safety backup`] },
    error,
  )
}

function sentenceOf(error: unknown): string {
  return error instanceof Failure ? [error.text.what, ...(error.text.why ?? [])].join(': ') : errorSentence(error)
}

/** Everything in a database is dropped but the mark; the database itself stays. */
async function clear(place: RestorePlace): Promise<void> {
  const { connection } = place
  const { database } = place.server
  await dropDefinitions(place)
  await connection.query('SET SESSION foreign_key_checks = 0')
  const { objects } = await readCatalogue(connection, database)
  for (const { kind, name } of objects) {
    if ((kind === 'table' && name !== markerTable) || kind === 'sequence')
      await connection.query(`DROP ${kind.toUpperCase()} ${qualified(database, name)}`)
  }
}

/** Drops all but the tables. Where that is not allowed it is found here, and what was dropped is created again. */
async function dropDefinitions(
  { connection, server }: RestorePlace,
  undone: () => Promise<void> = async () => undefined,
): Promise<void> {
  const { database, flavour } = server
  const grants = (await readRoutineGrants(connection, database)) ?? []
  const definitions = await readDefinitions(connection, database)
  const charset = await readCharset(connection, database)
  const dropped: Definition[] = []
  try {
    for (const definition of definitions.toReversed()) {
      await connection.query(dropStatement(definition.kind, qualified(database, definition.name)))
      dropped.unshift(definition)
    }
  } catch (error) {
    if (charset !== undefined)
      await runSteps(
        connection,
        database,
        dropped.flatMap((definition) => createSteps(definition, { database, flavour, charset, grants })),
      )
    await undone()
    throw error
  }
}
