import { type Connection, errorNumber } from './connection.ts'
import type { Definition } from './definitions.ts'
import { labelOf, qualified, quoteName } from './names.ts'
import type { Step } from './swap-plan.ts'

/** What an account may do with one routine: the server takes it away when the routine is dropped. */
export type RoutineGrant = {
  readonly kind: string
  readonly routine: string
  /** `app`@`%`; a role without a host. */
  readonly account: string
  readonly rights: readonly string[]
}

/** Absent: this account may not read them. */
export async function readRoutineGrants(
  connection: Connection,
  database: string,
): Promise<readonly RoutineGrant[] | undefined> {
  try {
    const rows = await connection.query(
      `SELECT LOWER(Routine_type) AS kind, Routine_name AS routine, User AS user, Host AS host, Proc_priv AS rights
         FROM mysql.procs_priv WHERE Db = ?`,
      [database],
    )
    return rows.map((row) => ({
      kind: String(row['kind']),
      routine: String(row['routine']),
      account: accountOf(String(row['user']), String(row['host'])),
      rights: rightsOf(row['rights']),
    }))
  } catch (error) {
    if (errorNumber(error) === 0) throw error
    return undefined
  }
}

function accountOf(user: string, host: string): string {
  return host === '' ? quoteName(user) : `${quoteName(user)}@${quoteName(host)}`
}

function rightsOf(set: unknown): readonly string[] {
  const names = Array.isArray(set) ? set.map(String) : String(set).split(',')
  return names.filter((name) => name !== '').map((name) => name.toUpperCase())
}

/** Gives them again; who is gone or may not be given them is said afterwards. */
export function grantSteps(database: string, grants: readonly RoutineGrant[]): readonly Step[] {
  return grants.map(({ kind, routine, account, rights }) => {
    const given = rights.filter((right) => right !== 'GRANT')
    const option = rights.includes('GRANT') ? ' WITH GRANT OPTION' : ''
    return {
      sql: `GRANT ${given.length === 0 ? 'USAGE' : given.join(', ')} ON ${kind.toUpperCase()} ${qualified(database, routine)} TO ${account}${option}`,
      optional: true,
    }
  })
}

export function grantsOn(
  grants: readonly RoutineGrant[],
  { kind, name }: Pick<Definition, 'kind' | 'name'>,
): readonly RoutineGrant[] {
  return grants.filter((grant) => grant.kind === kind && grant.routine.toLowerCase() === name.toLowerCase())
}

const routineKinds = new Set(['procedure', 'function', 'package', 'package body', 'library'])

export function isRoutine({ kind }: Pick<Definition, 'kind'>): boolean {
  return routineKinds.has(kind)
}

/** What was lost of the rights on routines that are still there, one sentence each. */
export async function lostGrants(
  connection: Connection,
  database: string,
  before: readonly RoutineGrant[],
  routines: readonly Definition[],
): Promise<readonly string[]> {
  const after = (await readRoutineGrants(connection, database)) ?? []
  return routines
    .flatMap((routine) => grantsOn(before, routine))
    .filter((was) => !after.some((is) => isSame(was, is)))
    .map(
      ({ kind, routine, account, rights }) =>
        `${account} had ${rights.join(', ')} on ${kind} ${labelOf(routine)}, which could not be granted again`,
    )
}

function isSame(was: RoutineGrant, is: RoutineGrant): boolean {
  return (
    was.kind === is.kind &&
    was.account === is.account &&
    was.routine.toLowerCase() === is.routine.toLowerCase() &&
    was.rights.every((right) => is.rights.includes(right))
  )
}

export function unreadGrants(database: string): string {
  return `rights on single procedures and functions of ${labelOf(database)} could not be read, and may be gone: grant them again (GRANT EXECUTE ON PROCEDURE …)`
}
