import { randomBytes } from 'node:crypto'
import { type MariaServer, mariaRows } from './mariadb.ts'
import { type PostgresServer, postgresRows } from './postgres.ts'

export type Server = PostgresServer | MariaServer

/** A name that no other test has. */
export function uniqueName(prefix = 'test'): string {
  return `${prefix}_${randomBytes(5).toString('hex')}`
}

/** Creates a database, whatever characters its name has, and returns the name. */
export async function createDatabase(server: Server, name: string = uniqueName()): Promise<string> {
  await sql(server, undefined, `CREATE DATABASE ${quoted(server, name)}`)
  return name
}

/** Runs one or more statements as the superuser; the rows of the last one. */
export async function sql(
  server: Server,
  database: string | undefined,
  text: string,
): Promise<Record<string, unknown>[]> {
  return server.engine === 'postgres'
    ? postgresRows(server, database ?? 'postgres', text)
    : mariaRows(server, database, text)
}

/** An identifier as this server wants it quoted. */
export function quoted(server: Server, name: string): string {
  return server.engine === 'postgres' ? `"${name.replaceAll('"', '""')}"` : `\`${name.replaceAll('`', '``')}\``
}

/** The URL that leads to a database as the superuser, with the password. */
export function urlOf(server: Server, database: string): string {
  const scheme = server.engine === 'postgres' ? 'postgres' : 'mysql'
  const { superuser, password, host, port } = server
  return `${scheme}://${superuser}:${password}@${host}:${port}/${encodeURIComponent(database)}`
}
