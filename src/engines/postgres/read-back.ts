import { Failure, messageOf } from '../../failure.ts'
import type { DumpResult } from '../engine.ts'
import { sessionSettings, type Work } from './beside.ts'
import { openConnection } from './connection.ts'
import { countReadable, type Readable } from './counts.ts'
import { startDump } from './dump.ts'
import { readFacts } from './facts.ts'
import type { Filled, Tools } from './fill-scratch.ts'
import type { Loaded } from './load.ts'

type Scratch = { readonly database: string; readonly tools: Tools; readonly filled: Filled }

/** A dump of the database that a backup was loaded into; `otherwise` says why other digests would prove nothing. */
export type ReadBack = Pick<DumpResult, 'client' | 'tables' | 'schemaDigest'> & { readonly otherwise?: string }

/** Dumps the scratch database as backups are dumped, in the encoding of the one that was loaded. Throws a `Failure` (30). */
export async function dumpScratch({ io, login }: Work, { database, tools, filled }: Scratch): Promise<ReadBack> {
  const connection = await openConnection(login, database, io)
  try {
    const facts = await readFacts(connection)
    const { loaded, settings } = filled
    const plan = { login, database, client: tools.client, facts: { ...facts, encoding: loaded.encoding }, settings }
    const dump = await startDump(io, connection, plan)
    for await (const _ of dump.chunks) io.signal.throwIfAborted()
    const otherwise = filled.otherwise ?? writtenOtherwise(loaded, facts)
    return { ...(await dump.finish()), ...(otherwise === undefined ? {} : { otherwise }) }
  } finally {
    await connection.close()
  }
}

/** What was restored, and what is to be said of how it was read. */
export type Compared = Readable & { readonly otherwise?: string; readonly notes: readonly string[] }

/** The tables of the scratch database with their digests; without them, and with a note, where it cannot be dumped. */
export async function readScratch(work: Work, scratch: Scratch): Promise<Compared> {
  try {
    return { ...(await dumpScratch(work, scratch)), unreadable: [], notes: [] }
  } catch (error) {
    work.io.signal.throwIfAborted()
    const note = `the rows were counted, not compared: what was loaded could not be read back (${reasonOf(error)})`
    return { ...(await countScratch(work, scratch.database)), notes: [note] }
  }
}

/** The tables of the scratch database, counted. */
export async function countScratch({ io, login }: Work, database: string): Promise<Readable> {
  const connection = await openConnection(login, database, io)
  try {
    await connection.query(sessionSettings)
    return await countReadable(connection)
  } finally {
    await connection.close()
  }
}

function reasonOf(error: unknown): string {
  return (error instanceof Failure ? error.text.why?.[0] : undefined) ?? messageOf(error)
}

/** Why the rows of a backup may be written in another way by this server. */
export function writtenOtherwise(
  backup: Pick<Loaded, 'serverMajor' | 'encoding'>,
  here: { readonly major: number; readonly encoding: string },
): string | undefined {
  if (backup.serverMajor === undefined) return 'it is not known which PostgreSQL wrote the backup'
  if (backup.serverMajor !== here.major)
    return `the backup is of PostgreSQL ${backup.serverMajor}, this server of ${here.major}`
  if (backup.encoding !== here.encoding) return `the backup is in ${backup.encoding}, this database in ${here.encoding}`
  return undefined
}
