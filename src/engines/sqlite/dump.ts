import { statSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import type { Io } from '../../effects/io.ts'
import { onOneLine } from '../../effects/terminal.ts'
import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { DumpResult, ServerFacts, WrittenCopy } from '../engine.ts'
import {
  immutably,
  isBusy,
  isDamage,
  leavingNoTrace,
  outOfDamage,
  type Reading,
  sizeOf,
  untilDone,
  whoHolds,
} from './access.ts'
import { readCatalogue, schemaDigestOf, schemaKey } from './catalogue.ts'
import { readContents } from './contents.ts'
import { literal } from './names.ts'
import { type Connection, inThread, type Row, SqliteProblem } from './thread.ts'

/** The database that is dumped. */
export type DumpSource = { readonly path: string; readonly reading: Reading; readonly server: ServerFacts }

/** Writes a whole copy to `copy`, with mode 0600. Throws a `Failure` (30) and leaves nothing there. */
export async function writeCopy(io: Io, source: DumpSource, copy: string): Promise<WrittenCopy> {
  await reserve(copy)
  const vacuumed = await failingAsDump(io, source, () =>
    leavingNoTrace(io.signal, source.path, () => vacuum(io, source, copy)),
  ).catch(async (error) => {
    await Promise.all([copy, `${copy}-journal`].map((file) => rm(file, { force: true })))
    throw error
  })
  return { check: () => failingAsDump(io, source, () => checkCopy(io, source, copy, vacuumed)) }
}

async function failingAsDump<T>(io: Io, source: DumpSource, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    io.signal.throwIfAborted()
    throw dumpFailure(source.path, error)
  }
}

// VACUUM INTO takes an empty file: so it is ours, with our mode, before the first byte is in it.
async function reserve(copy: string): Promise<void> {
  try {
    await (await open(copy, 'wx', 0o600)).close()
  } catch (error) {
    throw new Failure(exitCode.dumpFailed, { what: `cannot write ${onOneLine(copy)}`, why: [messageOf(error)] }, error)
  }
}

/** `schemas`: before the copy was made, and after it. */
type Vacuumed = { readonly schemas: readonly string[]; readonly journalMode: string }

async function vacuum(io: Io, source: DumpSource, copy: string): Promise<Vacuumed> {
  const { path, reading } = source
  const changed = fingerprint(path)
  const vacuumed = await inThread(io.signal, reading.opening, async (connection) => {
    // The caller syncs what it keeps.
    await connection.rows('PRAGMA synchronous = OFF')
    const journalMode = String(only(await connection.rows('PRAGMA journal_mode'), 'journal_mode'))
    const before = schemaKey(await readCatalogue(connection))
    await connection.rows(`VACUUM INTO ${literal(copy)}`)
    return { schemas: [before, schemaKey(await readCatalogue(connection))], journalMode }
  })
  if (reading.immutable && fingerprint(path) !== changed) throw new Error('the file changed while it was read')
  return vacuumed
}

function fingerprint(path: string): string {
  const { size, mtimeMs, ino } = statSync(path)
  return `${ino} ${size} ${mtimeMs} ${sizeOf(`${path}-wal`)}`
}

/**
 * Opens the copy as a stranger would: its length, its catalogue, and the rows of every table. VACUUM itself reads every
 * page of every table and index, and stops at a damaged one: `quick_check` would only add half its time once more.
 */
async function checkCopy(io: Io, { reading, server }: DumpSource, copy: string, source: Vacuumed): Promise<DumpResult> {
  return inThread(io.signal, immutably(copy), async (connection) => {
    await requireWhole(connection, copy)
    const catalogue = await readCatalogue(connection)
    if (!source.schemas.includes(schemaKey(catalogue)))
      throw new Error('the copy does not have the same tables as the database')
    const schemaDigest = await schemaDigestOf(connection, catalogue)
    const { tables, notes } = await readContents(io.signal, connection, copy, catalogue.tables)
    return {
      client: `sqlite ${server.version}`,
      tables,
      properties: { journal_mode: source.journalMode },
      notes: [...reading.notes, ...notes],
      schemaDigest,
    }
  })
}

async function requireWhole(connection: Connection, copy: string): Promise<void> {
  const pages = Number(only(await connection.rows('PRAGMA page_count'), 'page_count'))
  const pageSize = Number(only(await connection.rows('PRAGMA page_size'), 'page_size'))
  if (pages * pageSize !== sizeOf(copy))
    throw new Error(`the copy is cut off: ${sizeOf(copy)} of ${pages * pageSize} bytes`)
}

/** The one value of a pragma. */
function only(rows: readonly Row[], column: string): Row[string] | undefined {
  return rows[0]?.[column]
}

function dumpFailure(path: string, error: unknown): Failure {
  if (error instanceof Failure) return error
  const database = `SQLite database ${onOneLine(path)}`
  const fail = (what: string, why: readonly string[], next: readonly string[]) =>
    new Failure(exitCode.dumpFailed, { what, why, next }, error)
  if (isBusy(error)) return fail(`another program keeps the ${database} locked`, whoHolds(path), untilDone)
  if (isDamage(error)) return fail(`the ${database} is damaged`, [messageOf(error)], outOfDamage(path))
  if (isFull(error))
    return fail('The disk is full: no backup was made, and nothing was rotated', [messageOf(error)], roomNeeded)
  const next = needsItsProgram.test(messageOf(error))
    ? ['use the backup of the program that defines it']
    : ['look at the reason above; then run the same command again']
  return fail(`the dump of the ${database} failed`, [messageOf(error)], next)
}

const roomNeeded = ['free some space, or name another folder with --backup-dir']

function isFull(error: unknown): boolean {
  return error instanceof SqliteProblem && error.code === 'SQLITE_FULL'
}

// An index or a column that calls what only one program registers cannot be written by anybody else.
const needsItsProgram = /no such (function|collation|module|tokenizer)/
