import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { Rehearsal, RehearsalRequest } from '../engine.ts'
import { findClient } from './client.ts'
import { accountOf, besideName, longestName, quoteName } from './names.ts'
import { dumpLoaded, onlyCounted, withoutDigest, writtenOtherwise } from './read-back.ts'
import { changeNotes, loadInto, type RestorePlace } from './restore-place.ts'
import { rowText } from './row-text.ts'
import { createScratch, dropScratch, type Scratch } from './scratch.ts'
import { workBeside } from './work-beside.ts'

/** The caller holds no session on the target: this takes its lock. Throws a `Failure` (11, 40, 50). */
export async function rehearse(io: Io, request: RehearsalRequest): Promise<Rehearsal> {
  return workBeside(io, request, 'rehearsal of a restore', rehearseBeside)
}

async function rehearseBeside(place: RestorePlace): Promise<Rehearsal> {
  const scratch = await createScratch(place)
  if (scratch === undefined) throw mayNotCreate(place)
  try {
    return await loadAndRead(place, scratch)
  } finally {
    await dropScratch(place.connection, scratch.name, place.server.database).catch(() => undefined) // the next run finds it
  }
}

async function loadAndRead(place: RestorePlace, { name }: Scratch): Promise<Rehearsal> {
  const { io, request, server } = place
  const program = await findClient(io, 'dump', server)
  request.step('loading')
  const changes = await loadInto(place, name, request.content, true)
  request.step('reading back')
  const read = await dumpLoaded(place, program, { name, sleeping: changes.enabledEvents }).catch(rethrow)
  const rehearsal = { ...read, notes: [...changeNotes(changes, server), ...read.notes] }
  const otherwise = writtenOtherwise(request, rowText(server, program))
  if (otherwise !== undefined) return withoutDigests(rehearsal, onlyCounted(otherwise))
  return changes.definers.size > 0 ? withoutSchema(rehearsal) : rehearsal
}

function withoutSchema({ schemaDigest: _, ...rehearsal }: Rehearsal): Rehearsal {
  return rehearsal
}

function withoutDigests({ tables, notes }: Rehearsal, note: string): Rehearsal {
  return { tables: tables.map(withoutDigest), notes: [...notes, note] }
}

function rethrow(error: unknown): never {
  throw error instanceof Failure ? new Failure(exitCode.restoreFailed, error.text, error) : error
}

function mayNotCreate({ server }: RestorePlace): Failure {
  const beside = `${quoteName(patternBeside(server.database))}.*`
  return new Failure(exitCode.restoreFailed, {
    what: `${server.account} may not create the database beside ${server.database} that a rehearsal loads`,
    next: [`as an administrator: GRANT ALL PRIVILEGES ON ${beside} TO ${accountOf(server.account)};`],
  })
}

/** All databases that can stand beside this one, as a GRANT names them. */
function patternBeside(database: string): string {
  const anyId = '00000000_new'
  const prefix = besideName(database, anyId.slice(0, 8), 'new').slice(0, -anyId.length)
  const exactly = prefix.replaceAll(/[\\%_]/g, '\\$&')
  // `_` stands for any character, itself too: where there is no room for more.
  return `${Array.from(exactly).length < longestName ? exactly : prefix}%`
}
