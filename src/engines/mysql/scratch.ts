import { randomBytes } from 'node:crypto'
import { type Charset, readCharset } from './catalogue.ts'
import { type Connection, errorNumber } from './connection.ts'
import { createMarker, readMarker } from './marker.ts'
import { besideName, quoteName } from './names.ts'
import { charsetClause, type RestorePlace } from './restore-place.ts'
import { dropDatabases } from './swap.ts'

/** A database beside the live one, made to be loaded. */
export type Scratch = { readonly id: string; readonly name: string; readonly charset: Charset }

const mayNot = new Set([1044, 1142, 1227])

/** Absent: this account may not create one. */
export async function createScratch(place: RestorePlace): Promise<Scratch | undefined> {
  const { connection, server } = place
  const id = randomBytes(4).toString('hex')
  const name = besideName(server.database, id, 'new')
  try {
    await connection.query(`CREATE DATABASE ${quoteName(name)}${charsetClause(place)}`)
  } catch (error) {
    if (mayNot.has(errorNumber(error))) return undefined
    throw error
  }
  await createMarker(connection, name, server.database, { state: 'loading' })
  const charset = await readCharset(connection, name)
  if (charset === undefined) throw new Error(`database ${name} cannot be seen`)
  return { id, name, charset }
}

// A swap that could not be ended is ended by the next run, by the plan in it.
export async function dropScratch(connection: Connection, scratch: string, live: string): Promise<void> {
  const marker = await readMarker(connection, scratch, live)
  if (marker?.state !== 'swapping') await dropDatabases(connection, [scratch])
}
