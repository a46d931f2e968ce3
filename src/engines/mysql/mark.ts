import { exitCode, Failure } from '../../failure.ts'
import type { Server } from './catalogue.ts'
import { markedComment } from './comment-marker.ts'
import { type Connection, errorNumber, errorSentence } from './connection.ts'
import { readComment } from './facts.ts'
import { accountOf, labelOf, quoteName } from './names.ts'

// The server's limit is 1024 characters; but one of more than 1200 bytes ends the whole server at the next connection to
// that database (measured, 10.11).
const longestComment = 1024

/** Sets or removes our line in the comment on the database. Throws a `Failure` (20) where there is no place for it. */
export async function setMarker(connection: Connection, server: Server, value: 'production' | 'none'): Promise<void> {
  const comment = await readComment(connection, server.database)
  if (comment === undefined) throw noComments(server)
  const marked = markedComment(comment, value === 'none' ? undefined : value)
  if (marked === comment) return
  if (Buffer.byteLength(marked) > longestComment) throw noRoom(server, comment)
  try {
    await connection.query(`ALTER DATABASE ${quoteName(server.database)} COMMENT = ?`, [marked])
  } catch (error) {
    throw mayNot(error, server)
  }
}

function noComments({ flavour, version, database }: Server): Failure {
  const seller = flavour === 'mariadb' ? 'MariaDB before 10.5' : 'MySQL'
  return new Failure(exitCode.refused, {
    what: `${seller} keeps no comment on a database, where the marker would stand`,
    why: [`the server is ${version}`],
    next: [`name it in seatbelt.json instead: { "productionNames": [${JSON.stringify(database)}] }`],
  })
}

function noRoom({ database }: Server, comment: string): Failure {
  return new Failure(exitCode.refused, {
    what: `The comment on database ${labelOf(database)} has no room for the marker`,
    why: [`it has ${Buffer.byteLength(comment)} of ${longestComment} bytes`],
    next: ['shorten the comment, then run this again'],
  })
}

const denied = new Set([1044, 1142, 1227])
const readOnly = 1290

function mayNot(error: unknown, { account, database }: Server): unknown {
  const number = errorNumber(error)
  const what = `The comment on database ${labelOf(database)}, where the marker stands, could not be changed`
  if (denied.has(number)) {
    const grant = `GRANT ALTER ON ${quoteName(database)}.* TO ${accountOf(account)};`
    return new Failure(
      exitCode.refused,
      { what, why: [`${account} lacks the right ALTER`], next: [`as an administrator: ${grant}`] },
      error,
    )
  }
  if (number !== readOnly) return error
  const next = ['run this again on the primary server: what is written there arrives here too']
  return new Failure(exitCode.refused, { what, why: [errorSentence(error)], next }, error)
}
