import { markBehind } from './marker.ts'
import { boundedBytes, nameBytes } from './names.ts'

/** Our comment on an instant copy: of which database it is, since when, and what the copy itself has no place for. */
export type InstantMark = {
  readonly database: string
  /** UTC, ISO 8601. */
  readonly at: string
  /** The file name of the backup that was made with it; none of a database that a swap put aside. */
  readonly backup?: string
  /** The database's own comment: this mark stands in its place. */
  readonly comment?: string
  /** It is a template: no copy is one, as nobody could drop it. */
  readonly template?: true
}

const prefix = 'db-seatbelt instant: '

export function instantMarkText(mark: InstantMark): string {
  return prefix + JSON.stringify(mark)
}

/** The mark in a comment, where it is one. */
export function instantMarkIn(comment: string): InstantMark | undefined {
  const mark: unknown = markBehind(prefix, comment)
  return isMark(mark) ? mark : undefined
}

function isMark(mark: unknown): mark is InstantMark {
  const { database, at, backup, comment } = (mark ?? {}) as Readonly<Record<string, unknown>>
  return (
    typeof database === 'string' &&
    typeof at === 'string' &&
    !Number.isNaN(Date.parse(at)) &&
    [backup, comment].every((text) => text === undefined || typeof text === 'string')
  )
}

const beginningOf = (live: string, ending: string) => boundedBytes(live, nameBytes - ending.length)

/** `shop_seatbelt_instant_20261121_031500`, in UTC; with `_2` and so on where that name is taken. */
export function instantName(live: string, now: Date, taken: ReadonlySet<string>): string {
  const stamp = now.toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '_')
  for (let number = 1; ; number++) {
    const ending = `_seatbelt_instant_${stamp}${number === 1 ? '' : `_${number}`}`
    const name = beginningOf(live, ending) + ending
    if (!taken.has(name)) return name
  }
}

/** Whether a database of that name may be a copy of this one whose maker was killed before he could mark it. */
export function looksLikeCopy(name: string, live: string): boolean {
  const ending = /_seatbelt_instant_\d{8}_\d{6}(_\d+)?$/.exec(name)?.[0]
  return ending !== undefined && name === beginningOf(live, ending) + ending
}
