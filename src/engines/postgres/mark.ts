import { exitCode, Failure, messageOf } from '../../failure.ts'
import type { Connection } from './connection.ts'
import { isOwnMark, markedComment } from './marker.ts'
import { displayName, quoteIdentifier, quoteLiteral } from './names.ts'

type Commented = { readonly database: string; readonly comment: string; readonly owner: string }

const commentSql = `
  SELECT datname::text AS database, coalesce(shobj_description(oid, 'pg_database'), '') AS comment,
    pg_get_userbyid(datdba)::text AS owner FROM pg_database WHERE datname = current_database()`

/** Sets or removes our marker in the comment on the database. Throws a `Failure` (20) that says who may. */
export async function setMarker(connection: Connection, value: 'production' | 'none'): Promise<void> {
  const [found] = await connection.query<Commented>(commentSql)
  if (found === undefined) throw new Error('the server gave no answer')
  if (isOwnMark(found.comment)) throw isOurs(found)
  const comment = markedComment(found.comment, value === 'none' ? undefined : value)
  if (comment === found.comment) return
  try {
    await writeComment(connection, found.database, comment)
  } catch (error) {
    throw mayNot(error, found)
  }
}

async function writeComment(connection: Connection, database: string, comment: string): Promise<void> {
  const value = comment === '' ? 'NULL' : quoteLiteral(comment)
  try {
    await connection.query(`BEGIN READ WRITE; COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${value}; COMMIT`)
  } catch (error) {
    await connection.query('ROLLBACK').catch(() => [])
    throw error
  }
}

function isOurs({ database }: Commented): Failure {
  return new Failure(exitCode.refused, {
    what: `database ${displayName([database])} was made by db-seatbelt for itself: it carries another mark already`,
    next: ['name the database that your application uses'],
  })
}

const notOwner = '42501'
const readOnly = '25006'

function mayNot(error: unknown, { database, owner }: Commented): unknown {
  const { code } = error as { code?: string }
  const what = `the comment on database ${displayName([database])}, where the marker stands, could not be changed`
  if (code === notOwner) {
    const why = [`only its owner ${displayName([owner])} and superusers may change it`]
    return new Failure(exitCode.refused, { what, why, next: [`run this again as user ${displayName([owner])}`] }, error)
  }
  if (code !== readOnly) return error
  const next = ['run this again on the primary server: what is written there arrives here too']
  return new Failure(exitCode.refused, { what, why: [messageOf(error)], next }, error)
}
