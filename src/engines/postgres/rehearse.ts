import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { Rehearsal, RehearsalRequest, TableRows } from '../engine.ts'
import { type Work, workBeside } from './beside.ts'
import { aboutTables, byObjectNames, differences, namesObjects } from './counts.ts'
import { discardScratch, type Filled, fillScratch, findTools } from './fill-scratch.ts'
import { placeName } from './login.ts'
import { displayName } from './names.ts'
import { rootsOf, sharedOutAs } from './partitions.ts'
import { dumpScratch, type ReadBack } from './read-back.ts'
import { restoreFailure } from './restore-failure.ts'
import { restoreNames } from './scratch.ts'

/** Loads a backup of ours into a scratch database, dumps that, and drops it, whatever happens. Throws a `Failure` (40). */
export async function rehearseDump(io: Io, request: RehearsalRequest): Promise<Rehearsal> {
  if (request.target.engine !== 'postgres') throw new Error(`not a PostgreSQL target: ${request.target.engine}`)
  return workBeside(io, request.target, async (work) => {
    requireScratch(work)
    const names = restoreNames(work.target.database)
    try {
      const tools = await findTools(work)
      const filled = await fillScratch(work, request, { names, tools })
      request.step('comparing')
      return rehearsalOf(await dumpScratch(work, { database: names.scratch, tools, filled }), filled, request.tables)
    } catch (error) {
      throw asRehearsalFailure(error, work)
    } finally {
      await discardScratch(work, names)
    }
  })
}

function requireScratch({ server, login, target }: Work): void {
  if (server.inRecovery) {
    throw restoreFailure(target.database, `the server on ${placeName(login)} is a read replica`, [
      'a backup can be tried out on the primary server only',
    ])
  }
  if (server.mayCreate) return
  const user = displayName([login.user])
  throw restoreFailure(target.database, `${login.user} may not create the scratch database to try the backup out in`, [
    `as a superuser: ALTER ROLE ${user} CREATEDB`,
  ])
}

// What would be the failure of a dump is one of the restore here.
function asRehearsalFailure(error: unknown, { target }: Work): unknown {
  if (!(error instanceof Failure) || error.code !== exitCode.dumpFailed) return error
  const { why = [], next = [] } = error.text
  const what = 'the backup was loaded into a scratch database, but could not be dumped from there'
  return new Failure(
    exitCode.restoreFailed,
    { what, why: [...why, `database ${target.database} is as it was before`], next },
    error,
  )
}

/** What was read back, less what would prove nothing; notes say why. */
function rehearsalOf(found: ReadBack, filled: Filled, backup: readonly TableRows[] | undefined): Rehearsal {
  const [rows, schema] = [comparableRows(found, filled), comparableSchema(found, filled)]
  const known = new Set((backup ?? rows.tables).map(({ name }) => name))
  return {
    // A read replica dumps no unlogged tables.
    tables: rows.tables.filter((table) => known.has(table.name) || table.rows > 0),
    notes: [...filled.notes, ...found.notes, ...rows.notes, ...schema.notes],
    ...(schema.digest === undefined ? {} : { schemaDigest: schema.digest }),
  }
}

function comparableRows({ tables, otherwise }: ReadBack, { loaded }: Filled): Pick<Rehearsal, 'tables' | 'notes'> {
  if (otherwise !== undefined) {
    return { tables: tables.map(withoutDigest), notes: [`the rows were counted, not compared: ${otherwise}`] }
  }
  const shared = sharedOutAs(loaded.tables, tables, rootsOf(loaded.tables))
  const changed = new Set(differences(loaded.tables, shared).changed.map(({ name }) => name))
  const byName = shared.filter((table) => changed.has(table.name) && namesObjects(table))
  const comparable = shared.map((table) => (byName.includes(table) ? withoutDigest(table) : table))
  return { tables: comparable, notes: aboutTables(byObjectNames, byName) }
}

type Schema = { readonly digest?: string | undefined; readonly notes: readonly string[] }

function comparableSchema(found: ReadBack, filled: Filled): Schema {
  const reason = schemaReason(found, filled)
  return reason === undefined
    ? { digest: found.schemaDigest, notes: [] }
    : { notes: [`what is no row was not compared: ${reason}`] }
}

function schemaReason({ client, schemaDigest, otherwise }: ReadBack, { loaded, altered }: Filled): string | undefined {
  if (otherwise !== undefined) return otherwise
  const writer = `pg_dump ${loaded.clientVersion}`
  if (writer !== client) return `the backup is by ${writer}, here is ${client}`
  const differs = altered && schemaDigest !== loaded.schemaDigest
  return differs ? 'this user or this server could not take all of it' : undefined
}

function withoutDigest({ digest: _, ...table }: TableRows): TableRows {
  return table
}
