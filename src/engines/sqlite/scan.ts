import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { messageOf } from '../../failure.ts'
import type { BackupContent, Finding } from '../engine.ts'
import { immutably, sizeOf } from './access.ts'
import { type FileHeader, headerBytes, readHeader } from './header.ts'
import { writeContent } from './load.ts'
import { soundnessOf } from './soundness.ts'
import { inThread, SqliteProblem } from './thread.ts'

/** Looks at a file that we did not write: its header, its length, and on a private copy SQLite's own check. */
export async function scan(io: Io, content: BackupContent): Promise<readonly Finding[]> {
  const beginning = await beginningOf(content)
  const header = readHeader(beginning)
  if (header === undefined) return [whatItIs(beginning)]
  const folder = await mkdtemp(join(tmpdir(), 'seatbelt-scan-'))
  try {
    const copy = join(folder, 'copy.sqlite')
    await writeContent(io.signal, content, copy)
    return [...cutOff(header, sizeOf(copy)), ...walFlag(header), ...(await damageOf(io, copy))]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function beginningOf(content: BackupContent): Promise<Uint8Array> {
  let beginning = new Uint8Array()
  for await (const chunk of content()) {
    beginning = Buffer.concat([beginning, chunk])
    if (beginning.length >= headerBytes) break
  }
  return beginning
}

function notWhole(what: string): Finding {
  return { severity: 'refuse', what, notWhole: true }
}

const strangers: readonly (readonly [RegExp, string])[] = [
  [/PostgreSQL database/, 'this is a dump of PostgreSQL, not a SQLite database'],
  [/^PGDMP/, 'this is an archive of pg_dump, not a SQLite database'],
  [/MySQL dump|MariaDB dump|^\/\*M?!/, 'this is a dump of MySQL or MariaDB, not a SQLite database'],
  [/^PRAGMA foreign_keys=OFF/, "this is SQLite's text dump: load it with sqlite3 into a new file first"],
]

/** What a file is that has no header of SQLite's, by its first bytes. */
function whatItIs(beginning: Uint8Array): Finding {
  const text = new TextDecoder().decode(beginning)
  const stranger = strangers.find(([pattern]) => pattern.test(text))
  if (stranger !== undefined) return { severity: 'refuse', what: stranger[1] }
  if (beginning.length === 0) return notWhole('the file is empty')
  if (text.startsWith('SQLite format 3')) return notWhole('the file is cut off within its header')
  return notWhole('this is not a SQLite database, or it is encrypted')
}

function cutOff(header: FileHeader, bytes: number): readonly Finding[] {
  if (header.bytes === undefined || header.bytes <= bytes) return []
  return [notWhole(`the file is cut off: ${bytes} bytes of ${header.bytes}`)]
}

// A plain copy of a file in WAL mode has none of the rows that were still in its -wal.
function walFlag(header: FileHeader): readonly Finding[] {
  if (!header.wal) return []
  const what =
    'the file is in WAL mode: if it was copied while in use, the newest rows were left behind in its -wal file'
  return [{ severity: 'ask', what }]
}

async function damageOf(io: Io, copy: string): Promise<readonly Finding[]> {
  try {
    return await inThread(io.signal, immutably(copy), async (connection) => {
      const { damage, notes } = soundnessOf(await connection.rows('PRAGMA integrity_check'))
      return [...damage.slice(0, 5).map(notWhole), ...notes.map((what): Finding => ({ severity: 'ask', what }))]
    })
  } catch (error) {
    if (error instanceof SqliteProblem) return [notWhole(`SQLite cannot read it: ${messageOf(error)}`)]
    throw error
  }
}
