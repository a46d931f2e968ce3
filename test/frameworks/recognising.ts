import { join, resolve } from 'node:path'
import type { Environment, Io } from '../../src/effects/io.ts'
import { openTerminal } from '../../src/effects/terminal.ts'
import type { Purpose } from '../../src/environment/env-chains.ts'
import type { Framework, Recognition } from '../../src/frameworks/framework.ts'
import { seeThrough } from '../../src/frameworks/see-through.ts'
import { urlOf } from '../../src/target/target.ts'

export const layouts = join(import.meta.dirname, 'layouts')

export type Question = {
  readonly command: string
  readonly folder: string
  readonly environment?: Environment
  readonly purpose?: Purpose
}

// The projects' own programs are Debian's.
const path = '/usr/local/bin:/usr/bin:/bin'

/** What a framework says of a command in a folder of the layouts, seen through as the decision does it. */
export async function recognition(framework: Framework, question: Question): Promise<Recognition | undefined> {
  const cwd = resolve(layouts, question.folder)
  const environment = { PATH: path, HOME: '/nowhere', ...question.environment }
  const { calls } = await seeThrough(question.command.split(' '), cwd, environment)
  const [call] = calls
  if (call === undefined) return undefined
  return framework.recognise(ioIn(cwd, environment), call, question.purpose ?? 'other')
}

function ioIn(cwd: string, environment: Environment): Io {
  return {
    environment,
    cwd,
    now: () => new Date(),
    terminal: openTerminal({}, { loudness: 'quiet', color: false }),
    signal: new AbortController().signal,
  }
}

/** The recognition in one line a test can name: its state, and the databases. */
export async function databasesOf(framework: Framework, question: Question): Promise<readonly string[]> {
  const found = await recognition(framework, question)
  if (found === undefined) return ['not its own']
  if (!('candidates' in found)) return [found.state]
  const state = found.state === 'known' ? found.by : found.state
  return [state, ...found.candidates.map(({ target }) => urlOf(target).replace(`${layouts}/`, ''))]
}
