import type { Io } from '../effects/io.ts'
import { environmentNames } from '../environment/env-chains.ts'
import { Failure } from '../failure.ts'
import type { Invocation } from '../invocation.ts'
import { shellWords } from '../shell-words.ts'
import { databaseKeys } from '../target/keys.ts'
import { type Candidate, resolveTargets } from '../target/resolve.ts'
import { identityOf, type Target, urlToPaste } from '../target/target.ts'

/** What brings data back: a backup's file, which tells its database, or the name of an instant copy, which does not. */
export type BroughtBack = { readonly backup: string } | { readonly copy: string }

/** `note`: what a person has to add to the command. */
export type WayBack = { readonly command: string; readonly note?: string }

/**
 * The command that brings it back into this very database, when it is pasted in the same folder: with nothing more where
 * the env files there name it, with `--env-file` where a file of another name does, else with its URL without the
 * password. What was set for one call only is not counted upon.
 */
export async function wayBackTo(
  io: Io,
  { callOf, options }: Pick<Invocation, 'callOf' | 'options'>,
  candidate: Candidate,
  what: BroughtBack,
): Promise<WayBack> {
  const words = (files: readonly string[]) => shellWords([...optionsOf(what), ...envFileOptions(files), nameOf(what)])
  const call = callOf('restore-database')
  for (const files of distinct([options.envFiles, candidate.files]))
    if (await leadsTo(io, candidate.target, files, what)) return { command: `${call} ${words(files)}` }
  const command = `SEATBELT_DATABASE_URL=${shellWords([urlToPaste(candidate.target)])} ${call} ${words([])}`
  return { command, ...noteOf(candidate) }
}

function noteOf({ target }: Candidate): Pick<WayBack, 'note'> {
  if (target.engine === 'sqlite' || target.password === undefined) return {}
  const places =
    target.engine === 'postgres' ? 'the environment, an env file or ~/.pgpass' : 'the environment or an env file'
  return { note: `(no password is shown: write it into that URL, as in user:password@…, unless ${places} has it)` }
}

/** After a restore: the way back to what was there before it. */
export function sayBefore({ terminal }: Io, { operation }: Invocation, { command, note }: WayBack): void {
  operation.wayBack = [command]
  terminal.say(`  What was there before: ${terminal.style('bold', command)}`)
  if (note === undefined) return
  operation.wayBackNotes = [note]
  terminal.say(`  ${note}`)
}

function distinct(lists: readonly (readonly string[])[]): Iterable<readonly string[]> {
  return new Map(lists.map((list) => [JSON.stringify(list), list])).values()
}

function optionsOf(what: BroughtBack): readonly string[] {
  return 'copy' in what ? ['--instant'] : []
}

function nameOf(what: BroughtBack): string {
  return 'copy' in what ? what.copy : what.backup
}

function envFileOptions(files: readonly string[]): readonly string[] {
  return files.flatMap((file) => ['--env-file', file])
}

/** Whether these files (none: those that are found) lead there, with the variables of now and without them. */
async function leadsTo(io: Io, target: Target, envFiles: readonly string[], what: BroughtBack): Promise<boolean> {
  const environments = [io.environment, withoutVariables(io)]
  const all = await Promise.all(environments.map((environment) => found({ ...io, environment }, envFiles)))
  return all.every(
    (targets) => targets.some((one) => isAsGood(one, target)) && ('backup' in what || targets.length === 1),
  )
}

function withoutVariables({ environment }: Io): Io['environment'] {
  const telling = new Set<string>([...databaseKeys, ...environmentNames])
  return Object.fromEntries(Object.entries(environment).filter(([key]) => !telling.has(key)))
}

async function found({ cwd, environment }: Io, envFiles: readonly string[]): Promise<readonly Target[]> {
  try {
    const question = { cwd, environment, purpose: 'other', envFiles, variables: 'ignored' } as const
    return (await resolveTargets(question)).candidates.map(({ target }) => target)
  } catch (error) {
    if (error instanceof Failure) return []
    throw error
  }
}

// Another user may lack the rights.
function isAsGood(one: Target, other: Target): boolean {
  return identityOf(one) === identityOf(other) && userOf(one) === userOf(other)
}

function userOf(target: Target): string | undefined {
  return target.engine === 'sqlite' ? undefined : target.user
}
