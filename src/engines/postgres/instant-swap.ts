import type { Io } from '../../effects/io.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { InstantCopy } from '../engine.ts'
import { holdLive, type Work, workBeside } from './beside.ts'
import { readProperties } from './catalogue.ts'
import { markOf } from './instant.ts'
import { unfitCopy } from './instant-failure.ts'
import { type MarkedCopy, markedCopy, ownCopy, readDatabases } from './instant-list.ts'
import { type InstantMark, instantMarkText, instantName } from './instant-mark.ts'
import { restoredComment } from './marker.ts'
import { quoteIdentifier, quoteLiteral } from './names.ts'
import { subscriptionsOf, subscriptionsText } from './subscriptions.ts'
import { swapIn } from './swap.ts'

/** What a swap leaves: what was there before as a copy, where there was a database. */
type Swapped = { readonly former?: InstantCopy; readonly notes: readonly string[] }

/** Puts a copy in the place of the database, whose sessions are ended. Throws a `Failure` (40, 50). */
export async function swapCopyIn(
  io: Io,
  target: ServerTarget,
  wanted: InstantCopy,
  beforeSwap: (() => Promise<void>) | undefined,
): Promise<Swapped> {
  return workBeside(io, target, async (work) => {
    const { connection, server } = work
    const copy = await ownCopy(connection, target.database, wanted.name)
    requireRename(work, copy)
    const held = server.liveExists ? await holdLive(work) : undefined
    try {
      await beforeSwap?.()
    } finally {
      await held?.close()
    }
    return swapWith(work, copy)
  })
}

function requireRename({ server, besideIsLive, login }: Work, { name }: MarkedCopy): void {
  if (besideIsLive) throw unfitCopy(name, 'a swap needs a session in another database, and none lets us in')
  if (server.mayCreate && server.ownsLive) return
  throw unfitCopy(name, `user ${login.user} may not rename databases: it must own them, and have CREATEDB`)
}

async function swapWith(work: Work, copy: MarkedCopy): Promise<Swapped> {
  const { io, connection, server, target } = work
  const live = await readProperties(connection, target.database)
  const taken = new Set((await readDatabases(connection)).map(({ name }) => name))
  const name = instantName(target.database, io.now(), taken)
  const [row] = await connection.query<{ size: string }>(sizeSql, [target.database])
  const former = markedCopy(name, Number(row?.size ?? 0), markOf(target.database, io.now(), live))
  const comment = restoredComment(copy.mark.comment ?? '', live?.['comment'])
  const sql = instantSwapSql(target.database, { copy, comment, ...(server.liveExists ? { former } : {}) })
  const names = { live: target.database, incoming: copy.name, liveExists: server.liveExists }
  const subscriptions = await subscriptionsOf(connection, target.database)
  const swapped = await swapIn(work, { ...names, sql }, async () => [])
  const stayed = `${subscriptionsText(subscriptions)} stayed with ${name}, and brings nothing until that is swapped back`
  const notes = subscriptions.length === 0 ? swapped : [...swapped, stayed]
  const { mark: _, ...aside } = former
  return server.liveExists ? { former: aside, notes } : { notes }
}

const sizeSql = 'SELECT pg_database_size(oid)::text AS size FROM pg_database WHERE datname = $1'

type Parts = {
  readonly copy: { readonly name: string; readonly mark: InstantMark }
  /** What the database will be called that is there now; none where it is gone. */
  readonly former?: { readonly name: string; readonly mark: InstantMark }
  /** Of the database that takes its place; empty: none. */
  readonly comment: string
}

/** The swap, in one transaction: nobody can connect to what is put aside, and everybody again to what takes its place. */
export function instantSwapSql(database: string, { copy, former, comment }: Parts): string {
  const [live, incoming] = [quoteIdentifier(database), quoteIdentifier(copy.name)]
  const commented = comment === '' ? 'NULL' : quoteLiteral(comment)
  return [
    'BEGIN',
    ...(former === undefined ? [] : putAside(live, quoteIdentifier(former.name), former.mark)),
    `ALTER DATABASE ${incoming} RENAME TO ${live}`,
    `ALTER DATABASE ${live} ALLOW_CONNECTIONS true`,
    ...(copy.mark.template ? [`ALTER DATABASE ${live} IS_TEMPLATE true`] : []),
    `COMMENT ON DATABASE ${live} IS ${commented}`,
    'COMMIT',
  ].join('; ')
}

// Nobody could drop a template.
function putAside(live: string, aside: string, mark: InstantMark): readonly string[] {
  return [
    `ALTER DATABASE ${live} RENAME TO ${aside}`,
    `ALTER DATABASE ${aside} ALLOW_CONNECTIONS false IS_TEMPLATE false`,
    `COMMENT ON DATABASE ${aside} IS ${quoteLiteral(instantMarkText(mark))}`,
  ]
}
