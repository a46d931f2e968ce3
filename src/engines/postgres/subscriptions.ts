import { setTimeout as sleep } from 'node:timers/promises'
import { sessionSettings, type Work } from './beside.ts'
import { type Connection, openConnection, type Row } from './connection.ts'
import { displayName, quoteIdentifier, quoteLiteral } from './names.ts'

/** A subscription to the changes of another server. They are the whole server's: no copy of a database has them. */
export type Subscription = Row & { readonly name: string; readonly slot: string | null; readonly enabled: boolean }

/** The subscriptions of a database, from a session anywhere on the server. */
export function subscriptionsOf(connection: Connection, database: string): Promise<Subscription[]> {
  const sql = `SELECT subname::text AS name, subslotname::text AS slot, subenabled AS enabled
    FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid WHERE d.datname = $1 ORDER BY subname`
  return connection.query<Subscription>(sql, [database])
}

type Place = Pick<Work, 'io' | 'login' | 'connection'>

/**
 * Has the subscriptions of a database bring no more changes, and waits until none is at work: what comes later waits on
 * the publisher. Returns them. Throws what the server says.
 */
export async function stopSubscriptions(place: Place, database: string): Promise<readonly Subscription[]> {
  const found = await subscriptionsOf(place.connection, database)
  if (found.length > 0) await inside(place, database, (connection) => stop(connection, found))
  return found
}

/**
 * Removes the subscriptions of a database that is to be dropped, which the server refuses otherwise. Their slots on the
 * publishers are left alone: another database goes on with them. Throws what the server says.
 */
export async function dropSubscriptions(place: Place, database: string): Promise<readonly Subscription[]> {
  const found = await subscriptionsOf(place.connection, database)
  if (found.length === 0) return []
  await inside(place, database, async (connection) => {
    await stop(connection, found)
    for (const sql of found.flatMap(({ name }) => forgetSql(name))) await connection.query(sql)
  })
  return found
}

// Also after an interruption: what is to be dropped must not stay for that.
async function inside(
  { io, login }: Place,
  database: string,
  task: (connection: Connection) => Promise<void>,
): Promise<void> {
  const connection = await openConnection(login, database, { environment: io.environment })
  try {
    await connection.query(sessionSettings)
    await task(connection)
  } finally {
    await connection.close()
  }
}

// A worker looks at its subscription only before its next transaction.
async function stop(connection: Connection, subscriptions: readonly Subscription[]): Promise<void> {
  const enabled = subscriptions.filter((one) => one.enabled)
  for (const { name } of enabled) await connection.query(disableSql(name))
  const sql = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type LIKE 'logical replication%'`
  while ((await connection.query(sql)).length > 0) await sleep(20)
}

function disableSql(name: string): string {
  return `ALTER SUBSCRIPTION ${quoteIdentifier(name)} DISABLE`
}

// Without a slot's name, DROP SUBSCRIPTION asks nothing of the publisher.
function forgetSql(name: string): readonly string[] {
  const quoted = quoteIdentifier(name)
  return [`ALTER SUBSCRIPTION ${quoted} SET (slot_name = NONE)`, `DROP SUBSCRIPTION ${quoted}`]
}

/** What a person types to drop a database, whatever subscriptions it has. */
export function dropText(database: string, subscriptions: readonly string[], open = true): string {
  const dropIt = `DROP DATABASE ${quoteIdentifier(database)}`
  if (subscriptions.length === 0) return dropIt
  const inIt = subscriptions.flatMap((name) => [disableSql(name), ...forgetSql(name)]).join('; ')
  const opening = open ? '' : `ALTER DATABASE ${quoteIdentifier(database)} ALLOW_CONNECTIONS true; `
  return `${opening}in that database ${inIt}; then in another ${dropIt}`
}

/** "subscription s", "subscriptions a and b". */
export function subscriptionsText(subscriptions: readonly Pick<Subscription, 'name'>[]): string {
  const names = subscriptions.map(({ name }) => displayName([name]))
  return `${names.length === 1 ? 'subscription' : 'subscriptions'} ${names.join(' and ')}`
}

/** What has to be known of the subscriptions of a restored database, and of those that were dropped with the one before. */
export function restoredNotes(restored: readonly Subscription[], dropped: readonly Subscription[]): readonly string[] {
  const taken = new Set(restored.map(({ slot }) => slot))
  const orphans = dropped.filter(({ slot }) => slot !== null && !taken.has(slot))
  return [...restored.filter(({ enabled }) => !enabled).map(disabledNote), ...orphans.map(orphanNote)]
}

// A disabled one knows no tables, and passes over what comes for a table before it knows it: only a new copy is complete.
function disabledNote({ name }: Subscription): string {
  const alter = `ALTER SUBSCRIPTION ${quoteIdentifier(name)}`
  const followAgain = `empty the tables that it fills, then ${alter} ENABLE; ${alter} REFRESH PUBLICATION`
  return `subscription ${displayName([name])} is disabled, as every dump has it, and has lost what came since the backup; to follow again: ${followAgain}`
}

function orphanNote({ name, slot }: Subscription): string {
  const dropIt = `SELECT pg_drop_replication_slot(${quoteLiteral(slot ?? '')})`
  return `subscription ${displayName([name])} is not in the backup; its slot is left on the publisher, and holds up what it has to keep; when it is not needed, there: ${dropIt}`
}
