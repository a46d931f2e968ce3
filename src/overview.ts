import { exitCode } from './failure.ts'
import { toolVersion } from './version.ts'

/** What `seatbelt` says when no command was named; returns the exit code. */
export function printOverview(names: readonly string[], words: readonly string[]): number {
  const [first] = words
  if (first === '--version') {
    process.stdout.write(`${toolVersion}\n`)
    return exitCode.done
  }
  const asked = first === '--help'
  const text = `Usage: seatbelt <command> [options]\n\nCommands:\n${names.map((name) => `  ${name}`).join('\n')}\n\nEach has its own --help.\n`
  if (asked) process.stdout.write(text)
  else process.stderr.write(first === undefined ? text : `seatbelt: unknown command '${first}'\n\n${text}`)
  return asked ? exitCode.done : exitCode.usage
}
