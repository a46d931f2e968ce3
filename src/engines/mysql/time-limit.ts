import type { Flavour } from './client.ts'

/**
 * A SELECT that the server itself ends after `seconds` (MariaDB: `max_statement_time`, error 1969; MySQL: the hint
 * MAX_EXECUTION_TIME, error 3024), and that waits for a table that another session has locked one second (error 1205;
 * a reading of the catalogue passes over it).
 */
export function limited(flavour: Flavour, seconds: number, select: string): string {
  if (flavour === 'mariadb') return `SET STATEMENT max_statement_time = ${seconds}, lock_wait_timeout = 1 FOR ${select}`
  const hints = `MAX_EXECUTION_TIME(${Math.ceil(seconds * 1000)}) SET_VAR(lock_wait_timeout = 1)`
  return select.replace(/^\s*SELECT\b/i, `SELECT /*+ ${hints} */`)
}
