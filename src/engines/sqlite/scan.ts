import { constants } from 'bun:sqlite'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { messageOf } from '../../failure.ts'
import type { BackupContent, Finding } from '../engine.ts'
import { patient, sizeOf } from './access.ts'
import { type FileHeader, headerBytes, readHeader } from './header.ts'
import { writeContent } from './load.ts'
import { uriOf } from './names.ts'
import { soundnessOf } from './soundness.ts'
import { inThread, SqliteProblem } from './thread.ts'

/** Looks at a file that we did not write: its header, its length, and on a private copy SQLite's own check. */
export async function scan(io: Io, content: BackupContent): Promise<readonly Finding[]> {
  const beginning = await beginningOf(content)
  const header = readHeader(beginning)
  if (header === undefined) return [refuse(whatItIs(beginning))]
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

function refuse(what: string): Finding {
  return { severity: 'refuse', what }
}

function whatItIs(beginning: Uint8Array): string {
  const text = new TextDecoder().decode(beginning.subarray(0, headerBytes))
  if (beginning.length === 0) return 'the file is empty'
  if (text.includes('PostgreSQL database')) return 'this is a dump of PostgreSQL, not a SQLite database'
  if (/MySQL dump|MariaDB dump|^\/\*M?!/.test(text)) return 'this is a dump of MySQL or MariaDB, not a SQLite database'
  if (text.startsWith('PGDMP')) return 'this is an archive of pg_dump, not a SQLite database'
  if (/^PRAGMA foreign_keys=OFF/.test(text))
    return "this is SQLite's text dump: load it with sqlite3 into a new file first"
  if (text.startsWith('SQLite format 3')) return 'the file is cut off within its header'
  return 'this is not a SQLite database, or it is encrypted'
}

function cutOff(header: FileHeader, bytes: number): readonly Finding[] {
  if (header.bytes === undefined || header.bytes <= bytes) return []
  return [refuse(`the file is cut off: ${bytes} bytes of ${header.bytes}`)]
}

// A plain copy of a file in WAL mode has none of the rows that were still in its -wal.
function walFlag(header: FileHeader): readonly Finding[] {
  if (!header.wal) return []
  const what =
    'the file is in WAL mode: if it was copied while in use, the newest rows were left behind in its -wal file'
  return [{ severity: 'ask', what }]
}

async function damageOf(io: Io, copy: string): Promise<readonly Finding[]> {
  const flags = constants.SQLITE_OPEN_READONLY | constants.SQLITE_OPEN_URI
  try {
    return await inThread(io.signal, { file: uriOf(copy, 'immutable=1'), flags }, async (connection) => {
      await patient(connection)
      const { damage, notes } = soundnessOf(await connection.rows('PRAGMA integrity_check'))
      return [...damage.slice(0, 5).map(refuse), ...notes.map((what): Finding => ({ severity: 'ask', what }))]
    })
  } catch (error) {
    if (error instanceof SqliteProblem) return [refuse(`SQLite cannot read it: ${messageOf(error)}`)]
    throw error
  }
}
