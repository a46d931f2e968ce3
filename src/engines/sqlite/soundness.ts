import { type Row, SqliteProblem } from './thread.ts'

/** What `integrity_check` or `quick_check` found: damage, or what a person should know and can live with. */
export type Soundness = { readonly damage: readonly string[]; readonly notes: readonly string[] }

// Rows that break a rule of their table: a program wrote them so, and a copy of them is a true copy.
const rowAgainstRule = /^(NULL|NUMERIC|TEXT|non-\w+) value in |^CHECK constraint failed in /
// The rows are whole; `REINDEX` or the index's own rebuild mends the rest. A check may name them for every row.
const indexAgainstRows = /missing from index|wrong # of entries in index|non-unique entry in index|inverted index/

/** Tells damaged pages, which make a copy worthless, from rows and indexes that were like that already. */
export function soundnessOf(found: readonly Row[]): Soundness {
  const lines = found.flatMap((row) => Object.values(row).map(String)).filter((line) => line !== 'ok')
  const tolerable = lines.filter((line) => rowAgainstRule.test(line) || indexAgainstRows.test(line))
  return { damage: lines.filter((line) => !tolerable.includes(line)), notes: summary(tolerable) }
}

function summary(lines: readonly string[]): readonly string[] {
  const [first] = lines
  if (first === undefined) return []
  const more = lines.length === 1 ? '' : `, and ${lines.length - 1} more`
  return [`SQLite's check found: ${first}${more}`]
}

/** The notes of a sound database. Throws what was found in a damaged one. */
export function requireSound(found: readonly Row[]): readonly string[] {
  const { damage, notes } = soundnessOf(found)
  if (damage.length > 0)
    throw new SqliteProblem('SQLITE_CORRUPT', `SQLite's check found damage: ${damage.slice(0, 5).join('; ')}`)
  return notes
}
