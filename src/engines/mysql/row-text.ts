import type { Program, ServerKind } from './client.ts'

/**
 * What decides how rows are written out, besides the rows: digests of dumps prove something to each other where this is
 * equal. Versions without their last number: `MariaDB 10.11 through MariaDB 10.11`.
 */
export function rowText(server: ServerKind, program: Program): string {
  return `${seriesOf(server)} through ${seriesOf(program)}`
}

function seriesOf({ flavour, version }: ServerKind): string {
  const series = /^\d+\.\d+/.exec(version)?.[0] ?? version
  return `${flavour === 'mariadb' ? 'MariaDB' : 'MySQL'} ${series}`
}
