import type { Marker } from '../engine.ts'

// Ours comes first, up to a semicolon; the rest is the user's. All on one line: MariaDB keeps the comment in db.opt as it
// is, line by line, and after a restart has only the first (measured, 10.11).
const ours = /^db-seatbelt:([^;\n]*)(?:; ?|(?=\n)|$)/i

/** What our part of a database's comment says, where there is one: `db-seatbelt: production; the shop of …`. */
export function markerIn(comment: string): Marker | undefined {
  const value = ours.exec(comment)?.[1]?.trim() ?? ''
  return value === '' ? undefined : { value, source: 'the comment on the database' }
}

/** The comment with another marker of ours, or with none; what users wrote stays as it is. */
export function markedComment(comment: string, value: string | undefined): string {
  const users = comment.replace(ours, '')
  if (value === undefined) return users
  return `db-seatbelt: ${value}${users === '' ? '' : `; ${users}`}`
}
