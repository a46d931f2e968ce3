import type { ToolEnd } from '../../effects/spawn.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { DumpPlan } from './dump.ts'
import { placeName } from './login.ts'

/** The failure of a pg_dump that did not end well: its own words, and what to do. */
export function dumpFailure(end: ToolEnd, plan: DumpPlan): Failure {
  const said = messageLines(end.stderr, plan.login.password?.reveal())
  const how = end.signal === null ? `ended with ${end.exitCode}` : `was ended by ${end.signal}`
  return new Failure(exitCode.dumpFailed, {
    what: `pg_dump ${how}: database ${plan.database} was not backed up`,
    why: said.length > 0 ? said : ['it said nothing'],
    next: nextSteps(end.stderr, plan),
  })
}

/** The failure of a dump that pg_dump took for good, but that is not whole. */
export function incomplete(why: string, plan: DumpPlan): Failure {
  return new Failure(exitCode.dumpFailed, {
    what: `the dump of database ${plan.database} is not whole, nothing was kept`,
    why: [why],
    next: ['run it again; when tables are created or dropped all the time, wait until that is over'],
  })
}

/** The failure of a dump in which the server had something written that psql would obey. */
export function brokenOut(command: string, plan: DumpPlan): Failure {
  return new Failure(exitCode.dumpFailed, {
    what: `the dump of database ${plan.database} holds a command for psql, nothing was kept`,
    why: [`${onOneLine(command)}: an object's name may break out of its comment (CVE-2025-8714)`],
    next: [
      `look who made the objects of this database, and update the client tools of PostgreSQL ${plan.client.major} to their latest minor release`,
    ],
  })
}

const mostLines = 8

// The tools do not print passwords; hiding a very short one would only show where it is.
const shortest = 4

/** What a client tool said, line by line, without the password and without more than a person reads. */
export function messageLines(stderr: string, password: string | undefined): string[] {
  const text =
    password === undefined || password.length < shortest ? stderr : stderr.replaceAll(password, '**redacted**')
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return lines.length > mostLines ? [...lines.slice(0, mostLines), `… ${lines.length - mostLines} more lines`] : lines
}

/** What helps against a known error of pg_dump. */
export function nextSteps(stderr: string, plan: Pick<DumpPlan, 'login' | 'facts'>): string[] {
  const { login, facts } = plan
  if (/row-level security|row security/.test(stderr)) {
    return [`row-level security hides rows from ${login.user}: use the tables' owner, or a role with BYPASSRLS`]
  }
  if (/permission denied/.test(stderr)) {
    return [
      `a backup must read everything: GRANT pg_read_all_data TO ${login.user} (PostgreSQL 14 and newer), or use the owner`,
    ]
  }
  if (/lock timeout|could not obtain lock|canceling statement due to lock/.test(stderr)) {
    return ['another session holds a lock (a migration?): wait for it to end, then run this again']
  }
  if (/server version mismatch/.test(stderr)) {
    return [`install the client tools of PostgreSQL ${facts.major}`]
  }
  if (/unsupported startup parameter/.test(stderr)) {
    return ['a connection pooler stands between: set SEATBELT_DATABASE_URL to the address of the server without it']
  }
  if (/No space left on device|could not write/.test(stderr)) return ['free disk space, then run this again']
  if (/out of shared memory|max_locks_per_transaction/.test(stderr)) {
    return ['raise max_locks_per_transaction on the server: a dump locks every table']
  }
  return [`check that PostgreSQL on ${placeName(login)} is healthy, then run this again`]
}
