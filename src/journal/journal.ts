import { constants, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { hostname, userInfo } from 'node:os'
import { join } from 'node:path'
import { ensurePrivateFolder, privateFile } from '../effects/files.ts'
import type { Environment, Io } from '../effects/io.ts'
import { messageOf } from '../failure.ts'
import { lossesOf, type Operation, secondsBetween } from '../operation.ts'

export const journalName = 'journal.jsonl'

/** One line: when, command, targets without secrets, backups, exit code, seconds, user@host. */
export function journalLine(operation: Operation, exitCode: number, now: Date, by: string): string {
  const backups = operation.targets.flatMap(({ backup }) => (backup === undefined ? [] : [backup]))
  const losses = lossesOf(operation)
  const entry = {
    version: 1,
    when: operation.startedAt.toISOString(),
    command: [operation.command, ...operation.wrapped].join(' '),
    targets: operation.targets.map(({ url }) => url),
    backups,
    ...(operation.restored === undefined ? {} : { restored: operation.restored }),
    ...(losses === 0 ? {} : { losses }),
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
    const line = journalLine(operation, exitCode, io.now(), `${userName(io.environment)}@${hostname()}`)
    await appendHere(join(operation.journalFolder, journalName), line)
  } catch (error) {
    io.terminal.warn(`The journal could not be written (${messageOf(error)}); nothing else is affected.`)
  }
}

// A link in its place could lead to any file of the user's.
async function appendHere(path: string, line: string): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW
  const file = await open(path, flags, privateFile)
  try {
    await file.writeFile(line)
  } finally {
    await file.close()
  }
}

// Bun's userInfo() only knows USER; a cron job and a container often have none.
function userName(environment: Environment): string {
  const named = environment['USER'] ?? environment['LOGNAME']
  return named === undefined || named === '' ? (passwdName(process.getuid?.()) ?? userInfo().username) : named
}

function passwdName(uid: number | undefined): string | undefined {
  try {
    const lines = readFileSync('/etc/passwd', 'utf8').split('\n')
    return lines.find((line) => line.split(':')[2] === String(uid))?.split(':')[0]
  } catch {
    return undefined
  }
}
