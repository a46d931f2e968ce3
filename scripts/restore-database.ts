import { type BackupFolder, backupFolder } from '../src/backup/folder.ts'
import { copyLines, listCopies } from '../src/backup/instant-list.ts'
import { listBackups } from '../src/backup/list.ts'
import { backupTable, pickBackup } from '../src/backup/list-table.ts'
import { locateBackup, manifestNamed } from '../src/backup/locate.ts'
import { lookAtServer } from '../src/backup/look-at-server.ts'
import { requireItsOwn } from '../src/backup/other-database.ts'
import { backupRecord } from '../src/backup/prepare.ts'
import { prove, requireManifest } from '../src/backup/prove.ts'
import { confirmRestore, examine, restoreBackup, restoredText, sayRestored } from '../src/backup/restore.ts'
import { confirmSwap, planSwap, saySwapped, swapIn, swappedText } from '../src/backup/restore-instant.ts'
import { defineCommand } from '../src/command.ts'
import { candidatesIfAny, decide, settleOnOne } from '../src/decide.ts'
import type { Io } from '../src/effects/io.ts'
import { exitCode, Failure } from '../src/failure.ts'
import type { Invocation } from '../src/invocation.ts'
import { backupOptions } from '../src/options.ts'
import { againWith, sayAndGuard } from '../src/say-and-guard.ts'

export default defineCommand({
  name: 'restore-database',
  summary: 'Bring a backup back: loaded beside, compared, swapped in. Without a backup: list them.',
  words: '[backup]',
  wraps: false,
  options: [...backupOptions, 'check', 'instant', 'json'],
  examples: ['restore-database', 'restore-database backups/database_shop_2026-11-20_23-20-58.sql'],
  run: async (io, invocation) => {
    const { operation, options, root, words } = invocation
    const folder = backupFolder(root, io.cwd, options.backupDirectory)
    if (options.check) return checkOnly(io, invocation, folder)
    if (invocation.ownArguments.includes('--instant')) return restoreInstantly(io, invocation, folder)
    const named = words[0] ?? (await chooseFromList())
    if (named === undefined) return exitCode.done

    const file = await locateBackup(named, folder, io.cwd)
    const all = await decide(io, invocation, { purpose: 'other', wrapped: false })
    const { candidate, decision } = settleOnOne(all, file.manifest, invocation.callOf(operation.command))
    operation.journalFolder = folder.path
    const task = { file, candidate, folder, options }
    const findings = await examine(io, task)
    const again = againWith(invocation)
    await requireItsOwn(io, invocation, {
      shown: file.shown,
      manifest: file.manifest,
      candidate,
      all: all.candidates,
      again,
    })
    const guarded = await sayAndGuard(io, invocation, decision)
    await confirmRestore(io, task, findings, again(['--yes']))
    const restored = await restoreBackup(io, task, guarded)
    if (!options.json) io.terminal.result(restoredText(task, restored))
    await sayRestored(io, invocation, task, restored)
    return exitCode.done

    async function chooseFromList(): Promise<string | undefined> {
      const backups = await listBackups(folder)
      const copies = await listCopies(io, await candidatesIfAny(io, invocation))
      if (options.json) {
        operation.document = 'printed'
        const manifests = backups.map(({ manifest }) => manifest)
        io.terminal.result(JSON.stringify({ version: 1, backups: manifests, copies }, null, 2))
        return undefined
      }
      const inside = copyLines(copies, invocation.callOf(operation.command))
      if (io.terminal.interactive && backups.length > 0) {
        for (const line of inside) io.terminal.say(line)
        return pickBackup(io, backups, folder)
      }
      for (const line of [backupTable(backups, folder), ...inside]) io.terminal.result(line)
      return undefined
    }
  },
})

/** `--instant`: an instant copy takes the database's place, and nothing is loaded. */
async function restoreInstantly(io: Io, invocation: Invocation, folder: BackupFolder): Promise<number> {
  const { operation, options, words } = invocation
  const all = await decide(io, invocation, { purpose: 'other', wrapped: false })
  const manifest = words[0] === undefined ? undefined : await manifestNamed(words[0], folder)
  const { candidate, decision } = settleOnOne(all, manifest, invocation.callOf(operation.command))
  operation.journalFolder = folder.path
  const again = againWith(invocation)
  await requireItsOwn(io, invocation, { shown: words[0] ?? '', manifest, candidate, all: all.candidates, again })
  const guarded = await sayAndGuard(io, invocation, decision)
  const task = await planSwap(io, candidate, folder, words[0])
  await confirmSwap(io, invocation, task, again)
  const swapped = await swapIn(io, task, guarded)
  if (!options.json) io.terminal.result(swappedText(task, swapped))
  await saySwapped(io, invocation, task, swapped)
  return exitCode.done
}

/** `--check`: proves a backup, and overwrites nothing. */
async function checkOnly(io: Io, invocation: Invocation, folder: BackupFolder): Promise<number> {
  const { operation, options, words, callOf } = invocation
  const [named] = words
  if (named === undefined) throw new Failure(exitCode.usage, { what: '--check needs the backup that is to be proven' })
  const file = await locateBackup(named, folder, io.cwd)
  requireManifest(file)
  const all = await decide(io, invocation, { purpose: 'other', wrapped: false })
  const { candidate, decision } = settleOnOne(all, file.manifest, callOf(operation.command))
  operation.journalFolder = folder.path
  await examine(io, { file, candidate, folder, options })
  await lookAtServer(io, candidate, await sayAndGuard(io, invocation, decision))
  const { manifest, text, notes } = await prove(io, { ...file, target: candidate.target })
  operation.targets = operation.targets.map((one) => ({ ...one, ...backupRecord({ file: manifest.file, manifest }) }))
  operation.notes.push(...notes)
  if (!options.json) io.terminal.result(text)
  for (const note of notes) io.terminal.warn(`  ${note}`)
  return exitCode.done
}
