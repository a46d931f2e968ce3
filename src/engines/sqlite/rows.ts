import { RowDigest } from '../digest.ts'
import {
  afterVarint,
  bytesInPage,
  cellCount,
  cellStart,
  childrenOf,
  fourBytes,
  type Layout,
  layoutOf,
  mostInPage,
  varint,
} from './cells.ts'
import { damaged, Pages } from './pages.ts'

/** How many rows a table has, and a digest of them as they are stored. */
export type StoredRows = { readonly rows: number; readonly digest: string }

/** Reads whole tables of a file that nobody writes to, each by its root page. Throws a `SqliteProblem` for a damaged one. */
export async function readRows(
  signal: AbortSignal,
  path: string,
  roots: readonly number[],
): Promise<ReadonlyMap<number, StoredRows>> {
  const pages = new Pages(path)
  try {
    const found = new Map<number, StoredRows>()
    for (const root of roots) found.set(root, await readTree(signal, pages, root))
    return found
  } finally {
    pages.close()
  }
}

async function readTree(signal: AbortSignal, pages: Pages, root: number): Promise<StoredRows> {
  const digest = new RowDigest()
  let rows = 0
  const pending = [root]
  for (let seen = 1; pending.length > 0; seen++) {
    if (seen > pages.count) throw damaged('a table has more pages than the file')
    rows += readPage(pages, pending, digest)
    if (!pages.isPauseDue) continue
    await pages.pause()
    signal.throwIfAborted()
  }
  return { rows, digest: digest.toString() }
}

/** Takes the last of the pending pages, adds its rows to the digest and its children to the pending ones. */
function readPage(pages: Pages, pending: number[], digest: RowDigest): number {
  const page = pages.page(pending.pop() ?? 0)
  const layout = layoutOf(page)
  if (layout === undefined) throw damaged('a page of a table is none')
  pending.push(...childrenOf(page, layout).toReversed())
  const rows = layout.hasPayload ? cellCount(page) : 0
  if (rows > 0) addRows(pages, page, layout, digest)
  return rows
}

/**
 * The rows of a page are hashed at once where they lie without gaps, as in every page that VACUUM writes: one call for a
 * page takes a fifth of the time of one call for each row. So the same rows in pages that were filled otherwise (by
 * another version of SQLite) have another digest; other rows never have the same.
 */
function addRows(pages: Pages, page: Uint8Array, layout: Layout, digest: RowDigest): void {
  const start = packedFrom(page, layout)
  if (start !== undefined) digest.row(page.subarray(start))
  else addEachRow(pages, page.slice(), layout, digest)
}

const leastCellBytes = 4

/** Where the cells begin if they fill the page to its end, without a gap, a child or an overflow; else undefined. */
function packedFrom(page: Uint8Array, layout: Layout): number | undefined {
  const most = mostInPage(layout, page.length)
  let first = page.length
  let bytes = 0
  for (let index = cellCount(page) - 1; index >= 0; index--) {
    const start = cellStart(page, layout, index)
    const payload = varint(page, start)
    if (payload > most || layout.childBytes > 0) return undefined
    first = Math.min(first, start)
    bytes += Math.max(payloadStart(page, layout, start) + payload - start, leastCellBytes)
  }
  return first + bytes === page.length ? first : undefined
}

function payloadStart(page: Uint8Array, { hasRowid }: Layout, start: number): number {
  const afterLength = afterVarint(page, start)
  return hasRowid ? afterVarint(page, afterLength) : afterLength
}

function addEachRow(pages: Pages, page: Uint8Array, layout: Layout, digest: RowDigest): void {
  for (let index = 0; index < cellCount(page); index++) {
    addRow(pages, page, layout, cellStart(page, layout, index) + layout.childBytes, digest)
  }
}

function addRow(pages: Pages, page: Uint8Array, layout: Layout, start: number, digest: RowDigest): void {
  const payload = varint(page, start)
  const from = payloadStart(page, layout, start)
  const overflows = payload > mostInPage(layout, page.length)
  const end = from + (overflows ? bytesInPage(layout, page.length, payload) : payload)
  if (end + (overflows ? 4 : 0) > page.length) throw damaged('a row goes beyond its page')
  digest.part(page.subarray(start, end))
  if (overflows) addOverflow(pages, fourBytes(page, end), payload - (end - from), digest)
  digest.row(nothing)
}

const nothing = new Uint8Array()

function addOverflow(pages: Pages, first: number, bytes: number, digest: RowDigest): void {
  const room = pages.usableBytes - 4
  let next = first
  for (let left = bytes; left > 0; left -= room) {
    const page = pages.page(next)
    digest.part(page.subarray(4, 4 + Math.min(left, room)))
    next = fourBytes(page, 0)
  }
  if (next !== 0) throw damaged('a row is longer than it says')
}
