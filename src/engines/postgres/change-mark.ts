import { createHash } from 'node:crypto'
import type { ChangeMark } from '../engine.ts'

/** What the server says at one moment of whether, and how, it was written to. */
export type ChangeReading = {
  /** Another after every start, and after a crash of any of its processes: both may empty tables without a trace. */
  readonly server: string
  /** Its number: another database may have the name by now. */
  readonly database: string
  /** Which transactions have ended and which run, on the whole server: whatever writes has a number in here. */
  readonly transactions: string
  /** What was inserted, updated and deleted in this database, and since when that is counted; empty: no proof here. */
  readonly counters: string
  /** What a backup holds, but other databases' transactions can change: roles, tablespaces, the database's own properties. */
  readonly surroundings: string
  /** The sequences with their values: `nextval` need not have a transaction, and is counted nowhere. */
  readonly sequences: string
  /** Who else is on this database. */
  readonly sessions: readonly OtherSession[]
}

export type OtherSession = {
  /** Another for every session that there was. */
  readonly id: string
  /** When it last began or ended a statement; undefined while it executes one, or where we may not see it. */
  readonly restingSince: string | undefined
}

/**
 * The mark of a reading. With the values of an earlier one: these very values where one of two proofs shows that nothing
 * was changed since. Either no transaction that could write has ended on the whole server; or this database's counters of
 * writes are the same, nobody holds back what he counted, and what is not counted is the same too. A sequence that is set
 * away and back while a dump runs is not seen.
 */
export function markOf(now: ChangeReading, earlier: ChangeMark['values'] | undefined): ChangeMark {
  const values = valuesOf(now)
  const same = (...keys: readonly string[]) => keys.every((key) => earlier?.[key] === values[key])
  if (earlier === undefined || !same('server', 'database', 'sequences')) return { values }
  if (same('transactions')) return { values: earlier }
  if (now.counters === '' || !same('counters', 'surroundings')) return { values }
  const others = now.sessions.filter((session) => !resting(session, earlier['sessions']))
  return others.length === 0 ? { values: earlier } : { values, unsettled: unsettledText(others.length) }
}

function valuesOf({ sessions, sequences, surroundings, ...plain }: ChangeReading): Record<string, string> {
  return {
    ...plain,
    surroundings: digest(surroundings),
    sequences: digest(sequences),
    sessions: sessions.flatMap((session) => sessionKey(session) ?? []).join(' '),
  }
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}

function sessionKey({ id, restingSince }: OtherSession): string | undefined {
  return restingSince === undefined ? undefined : `${id}/${restingSince}`
}

// It may tell what it wrote only when it ends. It wrote nothing if it has rested since before the earlier reading.
function resting(session: OtherSession, earlier = ''): boolean {
  const key = sessionKey(session)
  return key !== undefined && earlier.split(' ').includes(key)
}

function unsettledText(others: number): string {
  return others === 1
    ? 'another session may hold changes that are not counted yet'
    : `${others} other sessions may hold changes that are not counted yet`
}
