import type { Table } from './catalogue.ts'
import { cellCount, childrenOf, layoutOf } from './cells.ts'
import { Pages } from './pages.ts'

const paths = 64
const blockBytes = 64 * 1024

/**
 * About how many rows each table has, by its name: what a few random ways down its b-tree come upon, as if all of it
 * were like them. The file may be written to meanwhile: 0 where that, or damage, leads nowhere.
 */
export function estimateRows(path: string, tables: readonly Table[]): ReadonlyMap<string, number> {
  const pages = new Pages(path, blockBytes)
  try {
    // Of the shadow tables of a virtual one, the longest has a row for each of its rows.
    return new Map(
      tables.map(({ name, roots }) => [name, Math.max(0, ...roots.map((root) => estimateOf(pages, root)))]),
    )
  } finally {
    pages.close()
  }
}

function estimateOf(pages: Pages, root: number): number {
  try {
    const found = Array.from({ length: paths }, () => rowsAlong(pages, root))
    return Math.round(found.reduce((sum, rows) => sum + rows, 0) / paths)
  } catch {
    return 0
  }
}

/** As many rows as there were if each page on the way stood for all of its level. */
function rowsAlong(pages: Pages, root: number): number {
  let rows = 0
  let number: number | undefined = root
  for (let alike = 1, depth = 0; number !== undefined && depth < deepest; depth++) {
    const page = pages.page(number)
    const layout = layoutOf(page)
    if (layout === undefined) return rows
    if (layout.hasPayload) rows += alike * cellCount(page)
    const children = childrenOf(page, layout)
    alike *= children.length
    number = children[Math.floor(Math.random() * children.length)]
  }
  return rows
}

const deepest = 40
