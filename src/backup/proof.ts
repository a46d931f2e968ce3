import type { Rehearsal, TableRows } from '../engines/engine.ts'
import type { Manifest } from './manifest.ts'

/** What a restored backup is, held against what its manifest says. */
export type Proof = {
  /** One sentence each; none: it is the same. */
  readonly differences: readonly string[]
  /** What could only be counted, or not even that: a digest is missing in the manifest, or where it was restored. */
  readonly counted: readonly string[]
}

export function proofOf({ tables, schemaDigest }: Manifest, restored: Rehearsal): Proof {
  const there = new Map(restored.tables.map((table) => [table.name, table]))
  const known = new Set(tables.map(({ name }) => name))
  const others = restored.tables.filter(({ name }) => !known.has(name))
  const counted = tables.filter((table) => table.rows > 0 && !areComparable(table, there.get(table.name)))
  const unknown = schemaDigest !== undefined && restored.schemaDigest === undefined ? ['what is no row'] : []
  const schema = differ(schemaDigest, restored.schemaDigest)
    ? ['what is no row (tables, views, functions …) differs']
    : []
  return {
    differences: [
      ...tables.flatMap((table) => difference(table, there.get(table.name))),
      ...others.map(({ name }) => `${name} is not in the backup`),
      ...schema,
    ],
    counted: [...counted.map(({ name }) => name), ...unknown],
  }
}

function difference(table: TableRows, there: TableRows | undefined): readonly string[] {
  if (there === undefined) return [`${table.name} is missing`]
  if (there.rows !== table.rows) return [`${table.name} has ${there.rows} rows, not ${table.rows}`]
  if (differ(table.digest, there.digest)) return [`${table.name} has as many rows, but not the same ones`]
  const sameColumns = !differ(
    table.columns && JSON.stringify(table.columns),
    there.columns && JSON.stringify(there.columns),
  )
  return sameColumns ? [] : [`${table.name} has other columns`]
}

function areComparable(table: TableRows, there: TableRows | undefined): boolean {
  return table.digest !== undefined && there?.digest !== undefined
}

/** What is not known differs from nothing. */
function differ(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other
}
