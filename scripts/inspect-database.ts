import { defineCommand } from '../src/command.ts'
import { decide } from '../src/decide.ts'
import { printable } from '../src/effects/terminal.ts'
import { exitCode } from '../src/failure.ts'
import { inspectionText, inspectTargets } from '../src/inspect.ts'
import { markDatabase } from '../src/mark.ts'
import { isTestCommand } from '../src/run/purpose.ts'

export default defineCommand({
  name: 'inspect-database',
  summary:
    'Show which database a command would touch, from where, and whether it answers. Changes nothing but the --mark.',
  words: '[-- command...]',
  wraps: false,
  options: ['envFile', 'databaseUrl', 'json', 'mark', 'allowProduction'],
  examples: [
    'inspect-database',
    'inspect-database --json -- npm test',
    'inspect-database --env-file .env.live --mark production',
  ],
  run: async (io, invocation) => {
    const { operation, options, words } = invocation
    const purpose = isTestCommand(words) ? 'test' : 'other'
    const decision = await decide(io, invocation, { purpose, wrapped: words.length > 0 })
    if (options.mark !== undefined) await markDatabase(io, invocation, decision, options.mark)
    const targets = await inspectTargets(io, decision)
    operation.document = 'printed'
    const { certain, notes } = decision
    if (options.json) io.terminal.result(JSON.stringify({ version: 1, targets, certain, notes }, null, 2))
    else io.terminal.result(printable(inspectionText(io.terminal, targets, certain, notes)))
    return exitCode.done
  },
})
