import { messageOf } from '../../failure.ts'
import { sessionSettings, type Work } from './beside.ts'
import type { Properties } from './catalogue.ts'
import { type Connection, openConnection } from './connection.ts'
import { readHere } from './here.ts'
import { noCopy } from './instant-failure.ts'
import { type InstantMark, instantMarkText } from './instant-mark.ts'
import { quoteIdentifier, quoteLiteral } from './names.ts'
import { propertyStatements } from './properties.ts'
import { applyProperties } from './scratch.ts'
import { endMaker } from './sessions.ts'

export type CopyPlan = {
  readonly mark: InstantMark
  readonly properties: Properties
  /** The failure of a database that others are connected to. */
  readonly inUse: () => Promise<Error>
}

/**
 * Makes the copy, says on it what it is, and gives it the rights and settings of the database, which the server does not
 * copy. What it could not have is a note. Throws a `Failure` (40), and leaves nothing behind.
 */
export async function createCopy(work: Work, name: string, { mark, properties, inUse }: CopyPlan): Promise<string[]> {
  const { io, login, target, server, besideName } = work
  const making = await openConnection(login, besideName, io)
  try {
    await making.query(sessionSettings)
    await copyDatabase(making, { name, live: target.database, major: server.major })
    const copy = quoteIdentifier(name)
    await making.query(`COMMENT ON DATABASE ${copy} IS ${quoteLiteral(instantMarkText(mark))}`)
    await making.query(`REVOKE ALL ON DATABASE ${copy} FROM PUBLIC`)
    const here = await readHere(making, server.major)
    return await applyProperties(making, propertyStatements(name, properties, here))
  } catch (error) {
    if (codeOf(error) !== nameTaken) await discard(work, name, making.processId)
    io.signal.throwIfAborted()
    if (codeOf(error) === objectInUse) throw await inUse()
    throw noCopy(target.database, [messageOf(error)], [], error)
  } finally {
    await making.close()
  }
}

const objectInUse = '55006'
const nameTaken = '42P04'

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? '')
}

type Copying = { readonly name: string; readonly live: string; readonly major: number }

/** Has the server make the copy, in the fastest of the ways that it knows. Throws what the server says. */
export async function copyDatabase(making: Connection, { name, live, major }: Copying): Promise<void> {
  const [row] = await making.query<{ size: string }>('SELECT pg_database_size($1::name)::text AS size', [live])
  const byFiles = copiesFiles(major, Number(row?.size))
  const cloning = byFiles && major >= clonesSince && (await wantsClones(making))
  const sql = createCopySql(name, live, byFiles)
  try {
    await making.query(sql)
  } catch (error) {
    if (!cloning || !cannotClone.has(codeOf(error))) throw error
    await making.query('SET file_copy_method = copy')
    await making.query(sql)
  }
}

const clonesSince = 18

/** Whether this build of the server can ask the file system for a second file on the same blocks. */
function wantsClones(making: Connection): Promise<boolean> {
  return making.query('SET file_copy_method = clone').then(
    () => true,
    () => false,
  )
}

// internal_error, io_error, feature_not_supported: as the file system answers
const cannotClone = new Set(['XX000', '58030', '0A000'])

const strategiesSince = 15
const largeBytes = 64 * 1024 * 1024

/**
 * Whether the server is to copy files rather than to log pages: faster, but before it the server has to write down all that
 * it holds in memory. Until 14 it knows no other way.
 */
export function copiesFiles(major: number, sizeBytes: number): boolean {
  return major >= strategiesSince && sizeBytes >= largeBytes
}

export function createCopySql(name: string, live: string, byFiles: boolean): string {
  const strategy = byFiles ? ' STRATEGY file_copy' : ''
  return `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE ${quoteIdentifier(live)} ALLOW_CONNECTIONS false${strategy}`
}

// Also after an interruption: the server goes on with the copy although nobody waits for it any more.
async function discard({ io, login, besideName }: Work, name: string, maker: number | undefined): Promise<void> {
  try {
    const connection = await openConnection(login, besideName, { environment: io.environment })
    try {
      await connection.query(sessionSettings)
      await endMaker(connection, maker)
      await connection.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)}`)
    } finally {
      await connection.close()
    }
  } catch (error) {
    io.terminal.warn(`${name} could not be dropped (${messageOf(error)})`)
  }
}
