import { findCommand } from '../../src/effects/find-command.ts'
import { inherited } from '../../src/run/inherited.ts'
import { runWrapped, wrapperExitCode } from '../../src/run/wrapped.ts'

// A wrapper and nothing more: what the commands do around the wrapped command is tested with them.
inherited()
const environment = process.env
const command = process.argv.slice(2)
const found = findCommand(command, environment, process.cwd())

if ('missing' in found) {
  process.stderr.write(`${found.reason}\n`)
  process.exitCode = found.missing === 'not-found' ? 127 : 126
} else {
  process.stderr.write(`[starts ${process.pid}]\n`) // a wrapper speaks before it starts the command
  const running = runWrapped(command)
  process.stderr.write('[runs]\n') // from here on we know of every signal who else got it
  const outcome = await running
  process.stderr.write(`[${JSON.stringify(outcome.exit)}]\n`)
  process.exitCode = wrapperExitCode(outcome)
}
