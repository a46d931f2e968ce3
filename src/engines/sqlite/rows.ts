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

/** How many rows a table has, and a digest of them. */
export type StoredRows = { readonly rows: number; readonly digest: string }

/**
 * Reads whole tables of a file that nobody writes to, each by its root page, and looks through its other b-trees, the
 * indexes. Throws a `SqliteProblem` for a damaged one.
 */
export async function readRows(
  signal: AbortSignal,
  path: string,
  tables: readonly number[],
  others: readonly number[] = [],
): Promise<ReadonlyMap<number, StoredRows>> {
  const pages = new Pages(path)
  try {
    const found = new Map<number, StoredRows>()
    for (const root of tables) found.set(root, await readTable(signal, pages, root))
    for (const root of others) await readTree(signal, { pages, take: () => undefined }, root)
    return found
  } finally {
    pages.close()
  }
}

/**
 * The digest is of the rows' records one after the other, the last row first: so they mostly lie in a page, and a page
 * is hashed at once. It does not depend on how the rows are spread over pages, nor on the size of these. It stands in
 * manifests: with another one, restores of older backups would fail.
 */
async function readTable(signal: AbortSignal, pages: Pages, root: number): Promise<StoredRows> {
  const digest = new RowDigest()
  const rows = await readTree(signal, { pages, take: (bytes) => digest.part(bytes) }, root)
  if (rows > 0) digest.row(nothing)
  return { rows, digest: digest.toString() }
}

const nothing = new Uint8Array()

type Reading = {
  readonly pages: Pages
  /** Hears all rows of a tree in pieces, the last row first; a piece is good only until it returns. */
  readonly take: (bytes: Uint8Array) => void
}

/** What is left of a tree: a page, or a row that stands between two pages. */
type Step = number | { readonly page: number; readonly start: number }

async function readTree(signal: AbortSignal, reading: Reading, root: number): Promise<number> {
  let rows = 0
  const pending: Step[] = [root]
  for (let step = pending.pop(); step !== undefined; step = pending.pop()) {
    rows += typeof step === 'number' ? readPage(reading, pending, step) : readInnerRow(reading, step)
    if (!reading.pages.isPauseDue) continue
    await reading.pages.pause()
    signal.throwIfAborted()
  }
  return rows
}

/** Returns how many rows were taken from the page itself; what is below it joins the pending steps. */
function readPage(reading: Reading, pending: Step[], number: number): number {
  const page = reading.pages.visit(number)
  const layout = layoutOf(page)
  if (layout === undefined) throw damaged(`page ${number} is none of a table or an index`)
  if (layout.childBytes === 0) return readLeaf(reading, page, layout)
  const rowsBetween = layout.hasPayload ? cellCount(page) : 0
  for (const [index, child] of childrenOf(page, layout).entries()) {
    pending.push(child)
    if (index < rowsBetween) pending.push({ page: number, start: cellStart(page, layout, index) })
  }
  return 0
}

function readInnerRow({ pages, take }: Reading, { page: number, start }: Exclude<Step, number>): number {
  const page = pages.page(number).slice()
  const layout = layoutOf(page)
  if (layout !== undefined) readRow({ pages, take }, page, layout, start)
  return 1
}

/** Rows of which one ends where the other begins are taken in one piece. */
function readLeaf(reading: Reading, leaf: Uint8Array, layout: Layout): number {
  const count = cellCount(leaf)
  const most = mostInPage(layout, leaf.length)
  let page = leaf
  let from = 0
  let to = 0
  for (let index = count - 1; index >= 0; index--) {
    const start = cellStart(page, layout, index)
    const payload = varint(page, start)
    if (start !== to || payload > most) {
      takePiece(reading, page, from, to)
      from = start
    }
    if (payload <= most) to = payloadStart(page, layout, start) + payload
    else {
      // Its overflow pages may take this one's room.
      page = page.slice()
      readRow(reading, page, layout, start)
      to = from
    }
  }
  takePiece(reading, page, from, to)
  return count
}

function takePiece({ take }: Reading, page: Uint8Array, from: number, to: number): void {
  if (to > page.length) throw damaged('a row goes beyond its page')
  if (to > from) take(page.subarray(from, to))
}

function payloadStart(page: Uint8Array, { childBytes, hasRowid }: Layout, start: number): number {
  const afterLength = afterVarint(page, start + childBytes)
  return hasRowid ? afterVarint(page, afterLength) : afterLength
}

/** One row, with what of it stands in other pages. */
function readRow(reading: Reading, page: Uint8Array, layout: Layout, start: number): void {
  const payload = varint(page, start + layout.childBytes)
  const from = payloadStart(page, layout, start)
  const overflows = payload > mostInPage(layout, page.length)
  const end = from + (overflows ? bytesInPage(layout, page.length, payload) : payload)
  takePiece(reading, page, start + layout.childBytes, end)
  if (overflows) readOverflow(reading, fourBytes(page, end), payload - (end - from))
}

function readOverflow({ pages, take }: Reading, first: number, bytes: number): void {
  const room = pages.usableBytes - 4
  let next = first
  for (let left = bytes; left > 0; left -= room) {
    const page = pages.visit(next)
    take(page.subarray(4, 4 + Math.min(left, room)))
    next = fourBytes(page, 0)
  }
  if (next !== 0) throw damaged('a row is longer than it says')
}
