import { basename } from 'node:path'
import type { CommandDefinition } from './command.ts'

type Loader = () => Promise<{ readonly default: CommandDefinition }>

/** Every command, loaded when it is called: `--version` of one does not pay for the others. */
export const commands: Readonly<Record<string, Loader>> = {
  'backup-database': () => import('../scripts/backup-database.ts'),
  'restore-database': () => import('../scripts/restore-database.ts'),
  'safe-test': () => import('../scripts/safe-test.ts'),
  'safe-migrate': () => import('../scripts/safe-migrate.ts'),
  'inspect-database': () => import('../scripts/inspect-database.ts'),
}

/** The command that is meant by the name we were called by, else by the first word (`seatbelt backup-database …`). */
export function chooseCommand(calledAs: string, words: readonly string[]): { name?: string; words: readonly string[] } {
  const name = basename(calledAs).replace(/\.exe$/, '')
  if (Object.hasOwn(commands, name)) return { name, words }
  const [first, ...rest] = words
  return first !== undefined && Object.hasOwn(commands, first) ? { name: first, words: rest } : { words }
}

async function main(): Promise<number> {
  const { name, words } = chooseCommand(process.argv0, process.argv.slice(2))
  const load = name === undefined ? undefined : commands[name]
  if (load === undefined) return (await import('./overview.ts')).printOverview(Object.keys(commands), words)
  const [{ runCommand }, { default: definition }] = await Promise.all([import('./command.ts'), load()])
  return runCommand(definition, words)
}

if (import.meta.main) process.exitCode = await main()
