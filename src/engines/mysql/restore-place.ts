import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { RestoreRequest } from '../engine.ts'
import type { Charset, Server } from './catalogue.ts'
import type { Program } from './client.ts'
import type { Connection } from './connection.ts'
import { load } from './load.ts'
import type { LoadChanges } from './load-filter.ts'
import { liftRestrictions } from './restrictions.ts'

/** Everything that the ways of restoring share. */
export type RestorePlace = {
  readonly io: Io
  readonly request: RestoreRequest
  readonly target: ServerTarget
  readonly connection: Connection
  readonly server: Server
  readonly program: Program
  /** Absent: the database does not exist yet. */
  readonly charset: Charset | undefined
  /** Present when this account may create objects for no one else. */
  readonly onlyDefiner?: string
}

/** What the backup says of the database's charset, else what the live one has. */
export function charsetClause({ request, charset }: Pick<RestorePlace, 'request' | 'charset'>): string {
  const { charset: name = charset?.charset, collation = charset?.collation } = request.properties
  const words = [
    name === undefined ? '' : ` CHARACTER SET ${word(name)}`,
    collation === undefined ? '' : ` COLLATE ${word(collation)}`,
  ]
  return words.join('')
}

function word(text: string): string {
  if (/^\w+$/.test(text)) return text
  throw new Failure(exitCode.restoreFailed, {
    what: `The backup's manifest names a charset or collation that cannot be one: ${text}`,
  })
}

export async function loadInto(
  place: RestorePlace,
  database: string,
  content: RestoreRequest['content'],
  sleepingEvents: boolean,
): Promise<LoadChanges> {
  const { io, target, connection, program, server, onlyDefiner } = place
  const access = { target, route: connection.route, encrypted: connection.encrypted }
  const { lifted } = await liftRestrictions(connection)
  const filter = { sleepingEvents, lifted, ...(onlyDefiner === undefined ? {} : { onlyDefiner }) }
  return load({ io, access, program, database, account: server.account, content, filter })
}

export function changeNotes(changes: LoadChanges, server: Server): readonly string[] {
  const definers = [...changes.definers].join(', ')
  return [
    ...(definers === ''
      ? []
      : [
          `${server.account} may not create objects for others: what ${definers} had defined is its own where it was created anew`,
        ]),
    ...(changes.sandboxRemoved
      ? ['the line that shuts the client in a sandbox was left out: this client cannot read it']
      : []),
    ...(changes.databases === 0
      ? []
      : [`${changes.databases} statements that name a database (USE, CREATE DATABASE) were left out`]),
    ...(changes.replication === 0
      ? []
      : ['what the file says of replication (GTID_PURGED, SQL_LOG_BIN) was left out: it belongs to another server']),
  ]
}
