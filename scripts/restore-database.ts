import { backupFolder } from '../src/backup/folder.ts'
import { listBackups } from '../src/backup/list.ts'
import { backupTable, pickBackup } from '../src/backup/list-table.ts'
import { locateBackup } from '../src/backup/locate.ts'
import { confirmRestore, examine, restoreBackup, restoredText, sayRestored } from '../src/backup/restore.ts'
import { defineCommand } from '../src/command.ts'
import { decide, settleOnOne } from '../src/decide.ts'
import { exitCode } from '../src/failure.ts'
import { backupOptions } from '../src/options.ts'
import { againWith, sayAndGuard } from '../src/say-and-guard.ts'

export default defineCommand({
  name: 'restore-database',
  summary: 'Bring a backup back: loaded beside, compared, swapped in. Without a backup: list them.',
  words: '[backup]',
  wraps: false,
  options: [...backupOptions, 'json'],
  examples: ['restore-database', 'restore-database backups/database_shop_2026-11-20_23-20-58.sql'],
  run: async (io, invocation) => {
    const { operation, options, root, words } = invocation
    const folder = backupFolder(root, io.cwd, options.backupDirectory)
    const named = words[0] ?? (await chooseFromList())
    if (named === undefined) return exitCode.done

    const file = await locateBackup(named, folder, io.cwd)
    const all = await decide(io, invocation, { purpose: 'other', wrapped: false })
    const { candidate, decision } = settleOnOne(all, file.manifest, invocation.callOf(operation.command))
    operation.journalFolder = folder.path
    const task = { file, candidate, folder, options }
    const findings = await examine(io, task)
    const guarded = await sayAndGuard(io, invocation, decision)
    await confirmRestore(io, task, findings, againWith(invocation)(['--yes']))
    const restored = await restoreBackup(io, task, guarded)
    if (!options.json) io.terminal.result(restoredText(task, restored))
    sayRestored(io, invocation, task, restored)
    return exitCode.done

    async function chooseFromList(): Promise<string | undefined> {
      const backups = await listBackups(folder)
      if (options.json) {
        operation.document = 'printed'
        io.terminal.result(JSON.stringify({ version: 1, backups: backups.map(({ manifest }) => manifest) }, null, 2))
        return undefined
      }
      if (io.terminal.interactive && backups.length > 0) return pickBackup(io, backups, folder)
      io.terminal.result(backupTable(backups, folder))
      return undefined
    }
  },
})
