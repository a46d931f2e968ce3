import { defineCommand } from '../src/command.ts'
import { backupOptions } from '../src/options.ts'
import { offerRestore } from '../src/run/offer-restore.ts'
import { sayOutcome } from '../src/run/say-outcome.ts'
import { wrap } from '../src/run/wrap.ts'
import { wrapperExitCode } from '../src/run/wrapped.ts'

export default defineCommand({
  name: 'safe-migrate',
  summary: 'Back up the database, run a migration or any write, offer the way back.',
  words: '<command...>',
  wraps: true,
  options: [
    ...backupOptions,
    'prove',
    'report',
    'pin',
    'restoreOnFailure',
    'failOnLoss',
    'instant',
    'instantKeep',
    'checkSeconds',
  ],
  examples: ['safe-migrate php artisan migrate'],
  run: async (io, invocation) => {
    const wrapped = await wrap(io, invocation, 'other')
    sayOutcome(io, invocation, wrapped, { lines: 10, same: 'No table, column or number of rows changed.' })
    if (wrapperExitCode(wrapped.outcome) !== 0 && !io.signal.aborted) await offerRestore(io, invocation, wrapped)
    return wrapped.exitCode
  },
})
