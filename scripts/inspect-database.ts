import { defineCommand } from '../src/command.ts'
import { decide } from '../src/decide.ts'
import { printable } from '../src/effects/terminal.ts'
import { exitCode } from '../src/failure.ts'
import { inspectionText, inspectTargets } from '../src/inspect.ts'
import { isTestCommand } from '../src/run/purpose.ts'

export default defineCommand({
  name: 'inspect-database',
  summary: 'Show which database a command would touch, from where, and whether it answers. Changes nothing.',
  words: '[-- command...]',
  wraps: false,
  options: ['envFile', 'databaseUrl', 'json'],
  examples: ['inspect-database', 'inspect-database --json -- npm test'],
  run: async (io, invocation) => {
    const { operation, options, words } = invocation
    const purpose = isTestCommand(words) ? 'test' : 'other'
    const decision = await decide(io, invocation, { purpose, wrapped: words.length > 0 })
    const targets = await inspectTargets(io, decision)
    operation.document = 'printed'
    const { certain, notes } = decision
    if (options.json) io.terminal.result(JSON.stringify({ version: 1, targets, certain, notes }, null, 2))
    else io.terminal.result(printable(inspectionText(io.terminal, targets, certain, notes)))
    return exitCode.done
  },
})
