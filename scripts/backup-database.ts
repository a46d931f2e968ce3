import { backupFolder } from '../src/backup/folder.ts'
import { protectWithCopy } from '../src/backup/instant.ts'
import { type Protected, targetRecord } from '../src/backup/prepare.ts'
import { rotateFolder } from '../src/backup/rotate.ts'
import { rotationDocument, rotationText } from '../src/backup/rotation-table.ts'
import { defineCommand } from '../src/command.ts'
import { decide } from '../src/decide.ts'
import type { Io } from '../src/effects/io.ts'
import { exitCode } from '../src/failure.ts'
import type { Invocation } from '../src/invocation.ts'
import { backupOptions } from '../src/options.ts'
import { sayAndGuard } from '../src/say-and-guard.ts'

export default defineCommand({
  name: 'backup-database',
  summary: 'Back up the database that this project uses, and prove that the backup is whole.',
  words: '',
  wraps: false,
  options: [...backupOptions, 'prove', 'instant', 'instantKeep', 'rotate', 'dryRun', 'json'],
  examples: ['backup-database', 'backup-database --env-file .env.testing --compress zstd'],
  run: async (io, invocation) => {
    const { operation, options, root } = invocation
    if (options.rotate || options.dryRun) return rotateOnly(io, invocation)
    const decision = await decide(io, invocation, { purpose: 'other', wrapped: false })
    const folder = backupFolder(root, io.cwd, options.backupDirectory)
    operation.journalFolder = folder.path
    const guarded = await sayAndGuard(io, invocation, decision)
    const made: Protected[] = []
    for (const candidate of decision.candidates) {
      const request = { folder, options, reason: 'backup-database', guarded, prove: options.prove }
      made.push(await protectWithCopy(io, candidate, request))
    }
    operation.targets = made.map((one) => targetRecord(one, guarded.evidenceOf(one.candidate)))
    const files = made.flatMap(({ outcome }) => ('backup' in outcome ? [`${folder.shown}/${outcome.backup.file}`] : []))
    if (!options.json) for (const file of files) io.terminal.result(file)
    return files.length > 0 ? exitCode.done : exitCode.cannotConnect
  },
})

/** `--rotate`: no database is asked, and no backup is made. */
async function rotateOnly(io: Io, { operation, options, root }: Invocation): Promise<number> {
  const folder = backupFolder(root, io.cwd, options.backupDirectory)
  const plans = await rotateFolder(io, folder, options)
  if (!options.dryRun && plans.length > 0) operation.journalFolder = folder.path
  operation.document = 'printed'
  const document = rotationDocument(plans, !options.dryRun)
  io.terminal.result(options.json ? JSON.stringify(document, null, 2) : rotationText(plans, folder, !options.dryRun))
  return exitCode.done
}
