import { exitCode, Failure } from '../../failure.ts'
import type { ObjectKind, Server } from './catalogue.ts'
import { type Connection, errorNumber } from './connection.ts'
import type { Definition } from './definitions.ts'
import { accountOf, labelOf, quoteName } from './names.ts'
import { readRights } from './rights.ts'
import { definerOf } from './statement-text.ts'

/**
 * Throws a `Failure` (40) where the server would not let this account drop them. MySQL since 8.0.16: views, routines and
 * events whose definer has SYSTEM_USER, and that shows with the first DROP only.
 */
export async function ensureMayDrop(
  connection: Connection,
  server: Server,
  definitions: readonly Definition[],
): Promise<void> {
  const others = definitions.filter(
    ({ kind, sql }) => kind !== 'trigger' && kind !== 'library' && definerOf(sql) !== accountOf(server.account),
  )
  if (others.length === 0 || !knowsSystemUsers(server)) return
  if ((await readRights(connection)).has('SYSTEM_USER', '*')) return
  const barred = barredFrom(others, await readSystemUsers(connection))
  if (barred.length > 0) throw mayNotDrop(server, barred)
}

export function knowsSystemUsers({ flavour, version }: Pick<Server, 'flavour' | 'version'>): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return flavour === 'mysql' && (major > 8 || (major === 8 && (minor > 0 || patch >= 16)))
}

// Absent: this account may not read who has it, as most may not.
async function readSystemUsers(connection: Connection): Promise<ReadonlySet<string> | undefined> {
  try {
    const rows = await connection.query(
      "SELECT User AS user, Host AS host FROM mysql.global_grants WHERE PRIV = 'SYSTEM_USER'",
    )
    return new Set(rows.map((row) => `${quoteName(String(row['user']))}@${quoteName(String(row['host']))}`))
  } catch (error) {
    if (errorNumber(error) === 0) throw error
    return undefined
  }
}

/** Of these definitions those that only an account with SYSTEM_USER may drop; of a definer that is not known, all. */
export function barredFrom(
  definitions: readonly Definition[],
  systemUsers: ReadonlySet<string> | undefined,
): readonly Definition[] {
  if (systemUsers === undefined) return definitions
  return definitions.filter(({ sql }) => systemUsers.has((definerOf(sql) ?? '').replaceAll('"', '`')))
}

function mayNotDrop(server: Server, definitions: readonly Definition[]): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `${server.account} may not replace what other accounts defined in ${server.database}`,
    why: definitions.slice(0, 10).map(({ kind, name, sql }) => `${kind} ${labelOf(name)} of ${definerOf(sql)}`),
    next: [
      'restore as an account with the right SYSTEM_USER; the database is as it was before',
      `or, as an administrator: GRANT SYSTEM_USER ON *.* TO ${accountOf(server.account)};`,
    ],
  })
}

/** Throws a `Failure` (40) where triggers and functions may only be created by an account with SUPER (1419). */
export async function ensureMayCreate(
  connection: Connection,
  server: Server,
  kinds: ReadonlySet<ObjectKind>,
): Promise<void> {
  if (!kinds.has('trigger') && !kinds.has('function')) return
  const [row] = await connection.query('SELECT @@log_bin AS logged, @@log_bin_trust_function_creators AS trusted')
  if (Number(row?.['logged']) === 0 || Number(row?.['trusted']) === 1) return
  if ((await readRights(connection)).has('SUPER', '*')) return
  throw new Failure(exitCode.restoreFailed, {
    what: `${server.account} may not create the triggers and functions of ${server.database} again`,
    why: ['the server writes a binary log, and trusts only accounts with SUPER'],
    next: [trustStatement, 'then run the restore again; the database is as it was before'],
  })
}

export const trustStatement = 'as an administrator: SET GLOBAL log_bin_trust_function_creators = 1;'
