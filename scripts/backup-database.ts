import { backupFolder } from '../src/backup/folder.ts'
import { type Protected, protect, targetRecord } from '../src/backup/prepare.ts'
import { defineCommand } from '../src/command.ts'
import { decide } from '../src/decide.ts'
import { exitCode } from '../src/failure.ts'
import { sayAndGuard } from '../src/say-and-guard.ts'

export default defineCommand({
  name: 'backup-database',
  summary: 'Back up the database that this project uses, and prove that the backup is whole.',
  words: '',
  wraps: false,
  options: ['envFile', 'databaseUrl', 'backupDir', 'keep', 'compress', 'alwaysDump', 'allowProduction', 'yes', 'json'],
  examples: ['backup-database', 'backup-database --env-file .env.testing --compress zstd'],
  run: async (io, invocation) => {
    const { operation, options, root } = invocation
    const decision = await decide(io, invocation, { purpose: 'other', wrapped: false })
    const folder = backupFolder(root, io.cwd, options.backupDirectory)
    operation.journalFolder = folder.path
    const guarded = await sayAndGuard(io, invocation, decision)
    const made: Protected[] = []
    for (const candidate of decision.candidates) {
      made.push(await protect(io, candidate, { folder, options, reason: 'backup-database', guarded }))
    }
    operation.targets = made.map((one) => targetRecord(one, guarded.evidenceOf(one.candidate)))
    const files = made.flatMap(({ outcome }) => ('backup' in outcome ? [`${folder.shown}/${outcome.backup.file}`] : []))
    if (!options.json) for (const file of files) io.terminal.result(file)
    return files.length > 0 ? exitCode.done : exitCode.cannotConnect
  },
})
