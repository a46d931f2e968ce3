import type { TableRows } from '../engine.ts'

/**
 * Partitions and the partitioned tables that pg_dump copies their rows into: by the hash of an enum, rows may belong to
 * other partitions in another database. What is the same there is their sum.
 */
export type Roots = ReadonlyMap<string, string>

export function rootsOf(tables: readonly { readonly name: string; readonly root?: string }[]): Roots {
  return new Map(tables.flatMap(({ name, root }) => (root === undefined ? [] : [[name, root] as const])))
}

/** The tables, with one in the place of the partitions of each root. */
export function summed(tables: readonly TableRows[], roots: Roots): TableRows[] {
  const sums = new Map<string, TableRows>()
  for (const table of tables) {
    const name = roots.get(table.name) ?? table.name
    const sum = sums.get(name)
    sums.set(name, sum === undefined ? { ...table, name } : sumOf(sum, table))
  }
  return [...sums.values()]
}

// As `RowDigest` does with rows.
function sumOf(sum: TableRows, { rows, digest }: TableRows): TableRows {
  const both = { name: sum.name, rows: sum.rows + rows }
  if (sum.digest === undefined || digest === undefined) return both
  const total = BigInt.asUintN(64, BigInt(`0x${sum.digest}`) + BigInt(`0x${digest}`))
  return { ...both, digest: total.toString(16).padStart(16, '0') }
}

/** What was read back, with its partitions as they were written where their sums are the same. */
export function sharedOutAs(written: readonly TableRows[], found: readonly TableRows[], roots: Roots): TableRows[] {
  const [before, after] = [summed(written, roots), summed(found, roots)].map(
    (tables) => new Map(tables.map(({ name, rows, digest }) => [name, `${rows} ${digest}`])),
  )
  const same = (root: string | undefined) => root !== undefined && before?.get(root) === after?.get(root)
  const byName = new Map(written.map(({ name, rows, digest }) => [name, { rows, digest }]))
  return found.map((table) =>
    same(roots.get(table.name)) ? { ...table, ...byName.get(table.name) } : table,
  ) as TableRows[]
}
