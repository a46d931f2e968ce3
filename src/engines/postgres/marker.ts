import type { Marker } from '../engine.ts'
import { quoteIdentifier, quoteLiteral } from './names.ts'

// One line of the database's comment is ours; the others are the user's.
const prefix = 'db-seatbelt:'

// What restores and copies write on databases of their own is no marker: it has a word before its colon.
const ownMark = /^db-seatbelt \w+: \{/

/** Whether a comment says that the database is one that db-seatbelt made for itself. */
export function isOwnMark(comment: string): boolean {
  return ownMark.test(comment)
}

/** What one of our marks says behind its prefix; undefined where the comment is no such mark. */
export function markBehind(prefix: string, comment: string): Readonly<Record<string, unknown>> | undefined {
  if (!comment.startsWith(prefix)) return undefined
  try {
    return JSON.parse(comment.slice(prefix.length)) ?? undefined
  } catch {
    return undefined
  }
}

/** What our line in a database's comment says, where there is one: `db-seatbelt: production`. */
export function markerIn(comment: string): Marker | undefined {
  const line = comment.split('\n').find(isMarker)
  const value = line?.slice(prefix.length).trim() ?? ''
  return value === '' ? undefined : { value, source: 'the comment on the database' }
}

/** The comment with another marker of ours, or with none; what users wrote stays as it is. */
export function markedComment(comment: string, value: string | undefined): string {
  return joined(value === undefined ? [] : [`${prefix} ${value}`], userLines(comment))
}

/**
 * The comment of a restored database: the user's text as the backup has it, the marker as the live database has it. A
 * marker says what a place is for: it neither travels with a dump nor is undone by one.
 */
export function restoredComment(backup: string | undefined, live = ''): string {
  if (isOwnMark(live)) return live
  const text = backup === undefined || isOwnMark(backup) ? live : backup
  return joined(live.split('\n').filter(isMarker), userLines(text))
}

/** Says that a database which had to be made anew has no marker, though the one in the backup had. */
export function lostMarkerNotes(backup: string | undefined, database: string): string[] {
  const marker = markerIn(backup ?? '')
  if (marker === undefined) return []
  const comment = quoteLiteral(markedComment(backup ?? '', marker.value))
  return [
    `the backup's database was marked ${marker.value}, this new one is not; if it is to be: COMMENT ON DATABASE ${quoteIdentifier(database)} IS ${comment}`,
  ]
}

function isMarker(line: string): boolean {
  return line.toLowerCase().startsWith(prefix)
}

function userLines(comment: string): readonly string[] {
  return comment === '' ? [] : comment.split('\n').filter((line) => !isMarker(line))
}

function joined(marker: readonly string[], text: readonly string[]): string {
  return [...marker, ...text].join('\n')
}
