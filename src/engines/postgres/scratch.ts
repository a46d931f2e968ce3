import { randomBytes } from 'node:crypto'
import { messageOf } from '../../failure.ts'
import type { Properties } from './catalogue.ts'
import type { Connection } from './connection.ts'
import type { Here } from './fitting.ts'
import { strangerNotes } from './instant-list.ts'
import { lockSpace } from './lock.ts'
import { markBehind } from './marker.ts'
import { boundedBytes, nameBytes, quoteIdentifier, quoteLiteral } from './names.ts'
import { createDatabaseSql, type PropertyStatement } from './properties.ts'
import { dropText } from './subscriptions.ts'

/** The databases of one restore, told apart by an id that no other restore has. */
export type RestoreNames = { readonly live: string; readonly scratch: string; readonly former: string }

/** `shop_seatbelt_1a2b3c4d` and `shop_seatbelt_old_1a2b3c4d`. */
export function restoreNames(live: string, id = randomBytes(4).toString('hex')): RestoreNames {
  const ending = `_seatbelt_old_${id}`
  const beginning = boundedBytes(live, nameBytes - ending.length)
  return { live, scratch: `${beginning}_seatbelt_${id}`, former: `${beginning}${ending}` }
}

/** Our comment on a database that is not for users: what it is, for which database, since when. */
export type Mark = { readonly role: 'scratch' | 'former'; readonly database: string; readonly at: string }

const markPrefix = 'db-seatbelt restore: '

export function markText(mark: Mark): string {
  return markPrefix + JSON.stringify(mark)
}

/** The mark in a comment, where it is one. */
export function markIn(comment: string): Mark | undefined {
  const { role, database, at } = markBehind(markPrefix, comment) ?? {}
  if ((role !== 'scratch' && role !== 'former') || typeof database !== 'string' || typeof at !== 'string')
    return undefined
  return { role, database, at }
}

export type ScratchPlan = {
  readonly names: RestoreNames
  readonly properties: Properties
  readonly live: Properties | undefined
  readonly major: number
  readonly here: Here
  readonly now: Date
}

/** Makes the empty database beside, marked as ours and closed to everybody else. Notes what it could not have. */
export async function createScratch(connection: Connection, plan: ScratchPlan): Promise<string[]> {
  const { names, properties, live, major, here } = plan
  const notes: string[] = []
  try {
    await connection.query(createDatabaseSql(names.scratch, properties, major, here))
  } catch (error) {
    if (!isAboutLocale(error)) throw error
    const encoding = properties['encoding'] === undefined ? {} : { encoding: properties['encoding'] }
    await connection.query(createDatabaseSql(names.scratch, live ?? encoding, major, here))
    notes.push(`the backup's locale could not be used here (${messageOf(error)}): sorting may differ`)
  }
  await holdScratch(connection, names.scratch)
  const scratch = quoteIdentifier(names.scratch)
  const mark = markText({ role: 'scratch', database: names.live, at: plan.now.toISOString() })
  await connection.query(`COMMENT ON DATABASE ${scratch} IS ${quoteLiteral(mark)}`)
  await connection.query(`REVOKE ALL ON DATABASE ${scratch} FROM PUBLIC`)
  return notes
}

// Until this connection ends, however it does, the database is seen to be at work, also while no session is in it.
async function holdScratch(connection: Connection, name: string): Promise<void> {
  const sql = 'SELECT pg_advisory_lock($1, oid::int) FROM pg_database WHERE datname = $2'
  await connection.query(sql, [lockSpace, name])
}

// invalid_parameter_value, wrong_object_type (of the template), undefined_object, feature_not_supported
function isAboutLocale(error: unknown): boolean {
  return ['22023', '42809', '42704', '0A000'].includes((error as { code?: string }).code ?? '')
}

/** Gives the loaded database its properties; each that the server refuses is a note. */
export async function applyProperties(
  connection: Connection,
  statements: readonly PropertyStatement[],
): Promise<string[]> {
  const notes: string[] = []
  for (const { sql, otherwise } of statements) {
    await connection.query(sql).catch((error: unknown) => notes.push(`${otherwise} (${messageOf(error)})`))
  }
  return notes
}

/** Drops the scratch database, with whoever is still in it. */
export async function dropScratch(connection: Connection, names: RestoreNames): Promise<void> {
  await dropDatabase(connection, names.scratch)
}

const insufficientPrivilege = '42501'

/**
 * Drops a database, with whoever is still in it. Autovacuum may be: then FORCE is refused to all but superusers, while a
 * DROP without it ends autovacuum and waits for it.
 */
export async function dropDatabase(connection: Connection, name: string): Promise<void> {
  const sql = `DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`
  try {
    await connection.query(`${sql} WITH (FORCE)`)
  } catch (error) {
    if ((error as { code?: string }).code !== insufficientPrivilege) throw error
    await connection.query(sql)
  }
}

type Leftover = {
  readonly name: string
  readonly comment: string
  readonly sessions: number
  /** Whoever made it is at work. */
  readonly held: boolean
  /** Others may connect to it. */
  readonly open: boolean
  /** Names of its subscriptions to other servers: with one it cannot be dropped. */
  readonly subscriptions: readonly string[]
}

function readLeftovers(connection: Connection): Promise<Leftover[]> {
  const sql = `
    SELECT datname::text AS name, coalesce(shobj_description(oid, 'pg_database'), '') AS comment,
      (SELECT count(*)::int FROM pg_stat_activity a WHERE a.datid = d.oid) AS sessions,
      EXISTS (SELECT FROM pg_locks l WHERE l.locktype = 'advisory' AND l.classid::bigint = $1 AND l.objid = d.oid) AS held,
      datallowconn AS open,
      coalesce((SELECT json_agg(subname ORDER BY subname) FROM pg_subscription s WHERE s.subdbid = d.oid), '[]')
        AS subscriptions
    FROM pg_database d WHERE position('_seatbelt_' IN datname) > 0 ORDER BY datname`
  return connection.query<Leftover>(sql, [lockSpace])
}

/**
 * Drops scratch databases of this one whose maker was killed, from a session that may be in it. What cannot be dropped is
 * left to the next restore, which says so. Notes name instant copies whose maker was killed, which no list has.
 */
export async function clearScratches(connection: Connection, live: string): Promise<string[]> {
  const names = restoreNames(live)
  const all = await readLeftovers(connection)
  const strangers = strangerNotes(all, live)
  const found = all.filter((leftover) => leftoverStep(leftover, names) === 'drop')
  if (found.length === 0) return [...strangers]
  await connection.query('SET default_transaction_read_only = off')
  try {
    const drop = async (leftover: Leftover): Promise<string[]> => {
      await connection.query(`DROP DATABASE ${quoteIdentifier(leftover.name)}`)
      return [leftoverNote('drop', leftover)]
    }
    const notes: string[] = [...strangers]
    for (const leftover of found) notes.push(...(await drop(leftover).catch(() => [])))
    return notes
  } finally {
    await connection.query('SET default_transaction_read_only = on')
  }
}

/** What is done in another database of the server. */
type Inside = {
  readonly isEmpty: (database: string) => Promise<boolean>
  readonly dropSubscriptions: (database: string) => Promise<unknown>
}

/**
 * Drops what interrupted restores of this database left behind; what is not surely ours, or cannot be dropped, is only
 * named.
 */
export async function clearLeftovers(connection: Connection, names: RestoreNames, inside: Inside): Promise<string[]> {
  const notes: string[] = []
  for (const leftover of await readLeftovers(connection)) {
    const step = await decidedStep(leftover, names, inside.isEmpty)
    if (step === 'drop') notes.push(await dropLeftover(connection, leftover, inside))
    else if (step !== undefined) notes.push(leftoverNote(step, leftover))
  }
  return notes
}

async function dropLeftover(
  connection: Connection,
  leftover: Leftover,
  { dropSubscriptions }: Inside,
): Promise<string> {
  const { name, subscriptions } = leftover
  try {
    if (subscriptions.length > 0) await dropSubscriptions(name)
    await connection.query(`DROP DATABASE ${quoteIdentifier(name)}`)
    return leftoverNote('drop', leftover)
  } catch (error) {
    const why = messageOf(error)
    return `${name}, left behind by an interrupted restore, could not be dropped (${why}); as a superuser: ${dropText(name, subscriptions)}`
  }
}

// Killed between CREATE DATABASE and its mark: where there is no table, there is nothing to lose.
async function decidedStep(
  leftover: Leftover,
  names: RestoreNames,
  isEmpty: (database: string) => Promise<boolean>,
): Promise<ReturnType<typeof leftoverStep>> {
  const step = leftoverStep(leftover, names)
  const nobodys = step === 'unmarked' && leftover.comment === '' && isDead(leftover)
  return nobodys && (await isEmpty(leftover.name).catch(() => false)) ? 'drop' : step
}

/** What to do with a database that may be a leftover of a restore of this database: by its mark, never by its name alone. */
export function leftoverStep(leftover: Leftover, names: RestoreNames): 'drop' | 'former' | 'unmarked' | undefined {
  const mark = markIn(leftover.comment)
  if (mark?.database === names.live) return mark.role === 'former' ? 'former' : isDead(leftover) ? 'drop' : undefined
  const beginning = names.scratch.slice(0, -8)
  const alike = leftover.name.startsWith(beginning) && /^[0-9a-f]{8}$/.test(leftover.name.slice(beginning.length))
  return mark === undefined && alike ? 'unmarked' : undefined
}

function isDead({ sessions, held }: Leftover): boolean {
  return sessions === 0 && !held
}

function leftoverNote(step: 'drop' | 'former' | 'unmarked', { name, subscriptions }: Leftover): string {
  const dropIt = dropText(name, subscriptions)
  if (step === 'drop') return `dropped ${name}, left behind by an interrupted restore`
  if (step === 'former')
    return `${name} is this database as it was before an earlier restore; when it is not needed: ${dropIt}`
  return `${name} looks like the rest of an interrupted restore, but carries no mark of ours; look at it, then: ${dropIt}`
}
