import { createHash } from 'node:crypto'
import { exitCode, Failure } from '../../failure.ts'
import type { Connection } from './connection.ts'

/** The lock's name: of the server's limit of 64 characters, whatever the database is called. */
export function lockName(database: string): string {
  return `db-seatbelt:${createHash('sha256').update(database).digest('hex').slice(0, 48)}`
}

/** Takes the lock that all our operations on this database take; the server frees it with the connection. Failure 50. */
export async function takeLock(connection: Connection, database: string, seconds: number): Promise<void> {
  const [row] = await connection.query('SELECT GET_LOCK(?, ?) AS taken', [lockName(database), seconds])
  if (row?.['taken'] === 1) return
  const [holder] = await connection.query('SELECT IS_USED_LOCK(?) AS id', [lockName(database)])
  throw new Failure(exitCode.busy, {
    what: `Another operation of ours holds database ${database}`,
    why: [`waited ${seconds} s; its connection on the server is ${String(holder?.['id'] ?? 'gone by now')}`],
    next: ['wait for it to end, then run this again'],
  })
}
