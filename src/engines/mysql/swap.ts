import { exitCode, Failure } from '../../failure.ts'
import { busyFailure, isBusy, patience, waitAtMost } from './busy.ts'
import { type Connection, errorNumber, errorSentence } from './connection.ts'
import { writeMarker } from './marker.ts'
import { quoteName } from './names.ts'
import { type Move, openMoves, renameStatement, type Step, type SwapPlan } from './swap-plan.ts'

/**
 * Swaps the scratch database's tables in. Until RENAME the live database is the old one, after it the new one; the plan
 * is on the server before the first statement, so that the next run finishes or takes back what a crash cut.
 */
export async function swap(connection: Connection, plan: SwapPlan): Promise<void> {
  await writeMarker(connection, plan.scratch, plan.live, { state: 'swapping', plan })
  try {
    await waitAtMost(connection, patience.swapping)
    await connection.query(`CREATE DATABASE ${quoteName(plan.old)}`)
    await runSteps(connection, plan.live, plan.before)
    await move(connection, plan, plan.moves)
  } catch (error) {
    throw await afterTakingBack(connection, plan, error)
  }
  await finishSwap(connection, plan).catch((error: unknown) => {
    throw unfinished(plan, 'its tables are those of the backup, but not all that belongs to them is there', error)
  })
}

async function afterTakingBack(connection: Connection, plan: SwapPlan, cause: unknown): Promise<unknown> {
  const shown = isBusy(cause) ? await busyFailure(connection, plan.live, cause) : cause
  try {
    await takeBack(connection, plan)
    return shown
  } catch (error) {
    return unfinished(plan, 'its tables are the old ones, but triggers or views of them may be missing', error)
  }
}

function unfinished({ live }: SwapPlan, state: string, cause: unknown): Failure {
  return new Failure(
    exitCode.restoreFailed,
    {
      what: `The restore of ${live} stopped half-way: ${state}`,
      why: [errorSentence(cause)],
      next: ['run backup-database or the restore again: before anything else it makes the database whole'],
    },
    cause,
  )
}

async function move(connection: Connection, plan: SwapPlan, moves: readonly Move[]): Promise<void> {
  if (moves.length > 0) await connection.query(renameStatement(plan, moves))
}

/** The end of a swap whose tables were moved. */
async function finishSwap(connection: Connection, plan: SwapPlan): Promise<void> {
  await waitAtMost(connection, patience.lasting)
  await runSteps(connection, plan.live, plan.after)
  await writeMarker(connection, plan.scratch, plan.live, { state: 'swapped', old: plan.old })
  await dropDatabases(connection, [plan.old, plan.scratch])
}

async function takeBack(connection: Connection, plan: SwapPlan): Promise<void> {
  await waitAtMost(connection, patience.lasting)
  await runSteps(connection, plan.live, plan.undo)
  await dropDatabases(connection, [plan.old, plan.scratch])
}

/** Finishes a swap that was cut off, or takes it back where no table was moved yet. */
export async function resumeSwap(connection: Connection, plan: SwapPlan): Promise<'finished' | 'taken back'> {
  const [inOld, inScratch] = [await tableNames(connection, plan.old), await tableNames(connection, plan.scratch)]
  const open = openMoves(plan, inOld, inScratch)
  if (open.length === plan.moves.length) {
    await takeBack(connection, plan)
    return 'taken back'
  }
  await move(connection, plan, open)
  await finishSwap(connection, plan)
  return 'finished'
}

/** Base tables, versioned tables and sequences: what RENAME TABLE moves. */
export async function tableNames(connection: Connection, database: string): Promise<ReadonlySet<string>> {
  const rows = await connection.query(
    "SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_TYPE <> 'VIEW'",
    [database],
  )
  return new Set(rows.map((row) => String(row['name'])))
}

/** Drops each; the last one holds the marker. */
export async function dropDatabases(connection: Connection, names: readonly string[]): Promise<void> {
  await connection.query('SET SESSION foreign_key_checks = 0')
  for (const name of names) await connection.query(`DROP DATABASE IF EXISTS ${quoteName(name)}`)
}

// No such table, view, column or function: what a view may still be waiting for.
const notThereYet = new Set([1146, 1356, 1054, 1305])

/** Runs each in the database under its own settings; views that wait for another one again at the end. */
export async function runSteps(connection: Connection, database: string, steps: readonly Step[]): Promise<void> {
  await connection.query(`USE ${quoteName(database)}`)
  let waiting = steps
  while (waiting.length > 0) {
    const still: Step[] = []
    let last: unknown
    for (const step of waiting) {
      const error = await attempted(connection, step)
      if (error === undefined) continue
      still.push(step)
      last = error
    }
    if (still.length === waiting.length) throw last
    waiting = still
  }
}

async function attempted(connection: Connection, step: Step): Promise<unknown> {
  try {
    await runStep(connection, step)
    return undefined
  } catch (error) {
    if (step.optional === true) return undefined
    if (step.later === true && notThereYet.has(errorNumber(error))) return error
    throw error
  }
}

async function runStep(connection: Connection, { sql, settings }: Step): Promise<void> {
  if (settings === undefined) return void (await connection.query(sql))
  const names = Object.keys(settings)
  const kept = names.map((name) => `@seatbelt_${name} = @@${name}`)
  await connection.query(`SET ${kept.join(', ')}`)
  try {
    await connection.query(`SET ${names.map((name) => `${name} = ?`).join(', ')}`, Object.values(settings))
    await connection.query(sql)
  } finally {
    await connection.query(`SET ${names.map((name) => `${name} = @seatbelt_${name}`).join(', ')}`)
  }
}
