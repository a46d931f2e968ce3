import { defineCommand } from '../src/command.ts'
import { offerRestore } from '../src/run/offer-restore.ts'
import { sayOutcome, wrap } from '../src/run/wrap.ts'

export default defineCommand({
  name: 'safe-migrate',
  summary: 'Back up the database, run a migration or any write, offer the way back.',
  words: '<command...>',
  wraps: true,
  options: [
    'envFile',
    'databaseUrl',
    'backupDir',
    'keep',
    'compress',
    'allowProduction',
    'yes',
    'report',
    'pin',
    'restoreOnFailure',
  ],
  examples: ['safe-migrate php artisan migrate'],
  run: async (io, invocation) => {
    const wrapped = await wrap(io, invocation, 'other')
    sayOutcome(io, invocation, wrapped)
    if (wrapped.exitCode !== 0) await offerRestore(io, invocation, wrapped.backups)
    return wrapped.exitCode
  },
})
