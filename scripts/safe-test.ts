import { defineCommand } from '../src/command.ts'
import { backupOptions } from '../src/options.ts'
import { sayOutcome } from '../src/run/say-outcome.ts'
import { wrap } from '../src/run/wrap.ts'

export default defineCommand({
  name: 'safe-test',
  summary: 'Back up the database that the tests may touch, then run them.',
  words: '<command...>',
  wraps: true,
  options: [...backupOptions, 'prove', 'report', 'pin', 'failOnLoss', 'instant', 'instantKeep', 'checkSeconds'],
  examples: ['safe-test npm test', 'safe-test --env-file .env.testing --pin vendor/bin/phpunit'],
  run: async (io, invocation) => {
    const wrapped = await wrap(io, invocation, 'test')
    sayOutcome(io, invocation, wrapped, { lines: 3 })
    return wrapped.exitCode
  },
})
