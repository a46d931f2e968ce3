import { appendFile } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { ensurePrivateFolder, privateFile } from '../effects/files.ts'
import type { Io } from '../effects/io.ts'
import { messageOf } from '../failure.ts'
import { type Operation, secondsBetween } from '../operation.ts'

export const journalName = 'journal.jsonl'

/** One line: when, command, targets without secrets, backups, exit code, seconds, user@host. */
export function journalLine(operation: Operation, exitCode: number, now: Date, by: string): string {
  const backups = operation.targets.flatMap(({ backup }) => (backup === undefined ? [] : [backup]))
  const entry = {
    version: 1,
    when: operation.startedAt.toISOString(),
    command: [operation.command, ...operation.wrapped].join(' '),
    targets: operation.targets.map(({ url }) => url),
    backups,
    ...(operation.restored === undefined ? {} : { restored: operation.restored }),
    exitCode,
    seconds: secondsBetween(operation.startedAt, now),
    by,
  }
  return `${JSON.stringify(entry)}\n`
}

/** Adds the operation to the journal. Losing the journal never fails an operation; it is said. */
export async function writeJournal(io: Io, operation: Operation, exitCode: number): Promise<void> {
  if (operation.journalFolder === undefined) return
  try {
    await ensurePrivateFolder(operation.journalFolder)
    const line = journalLine(operation, exitCode, io.now(), `${userName()}@${hostname()}`)
    await appendFile(join(operation.journalFolder, journalName), line, { mode: privateFile })
  } catch (error) {
    io.terminal.warn(`The journal could not be written (${messageOf(error)}); nothing else is affected.`)
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
