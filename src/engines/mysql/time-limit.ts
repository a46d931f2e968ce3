import type { Flavour } from './client.ts'

/**
 * A SELECT that the server itself ends after `seconds`, also while it waits for another session's lock (MariaDB:
 * `max_statement_time`, error 1969; MySQL: the hint MAX_EXECUTION_TIME, error 3024). Where it is the catalogue that is
 * read, MariaDB passes over a table that somebody else has locked for a second.
 */
export function limited(flavour: Flavour, seconds: number, select: string): string {
  if (flavour === 'mariadb') return `SET STATEMENT max_statement_time = ${seconds}, lock_wait_timeout = 1 FOR ${select}`
  return select.replace(/^\s*SELECT\b/i, `SELECT /*+ MAX_EXECUTION_TIME(${Math.ceil(seconds * 1000)}) */`)
}
