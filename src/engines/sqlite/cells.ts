/**
 * How a page of a b-tree holds its cells (https://www.sqlite.org/fileformat2.html#b_tree_pages). Rows are the cells of a
 * table's leaves; of a WITHOUT ROWID table, which is stored as an index, the inner cells too.
 */
export type Layout = {
  /** Where the pointers to the cells begin. */
  readonly pointers: number
  /** Bytes of a cell before what it says of itself: the number of the child page left of it. */
  readonly childBytes: number
  readonly hasRowid: boolean
  readonly hasPayload: boolean
}

const layouts: Readonly<Record<number, Layout>> = {
  2: { pointers: 12, childBytes: 4, hasRowid: false, hasPayload: true },
  5: { pointers: 12, childBytes: 4, hasRowid: true, hasPayload: false },
  10: { pointers: 8, childBytes: 0, hasRowid: false, hasPayload: true },
  13: { pointers: 8, childBytes: 0, hasRowid: true, hasPayload: true },
}

/** Undefined for a page that is none of a b-tree. */
export function layoutOf(page: Uint8Array): Layout | undefined {
  return layouts[page[0] ?? 0]
}

export function cellCount(page: Uint8Array): number {
  return twoBytes(page, 3)
}

/** Where a cell begins. */
export function cellStart(page: Uint8Array, { pointers }: Layout, index: number): number {
  return twoBytes(page, pointers + 2 * index)
}

/** The pages below an inner page, from left to right. */
export function childrenOf(page: Uint8Array, layout: Layout): readonly number[] {
  if (layout.childBytes === 0) return []
  const lefts = Array.from({ length: cellCount(page) }, (_, index) => fourBytes(page, cellStart(page, layout, index)))
  return [...lefts, fourBytes(page, 8)]
}

/** Of the payload's bytes, how many may stand in the page itself, as the file format has it. */
export function mostInPage({ hasRowid }: Layout, usableBytes: number): number {
  return hasRowid ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23
}

/** Of a payload that overflows, how many bytes stand in the page itself. */
export function bytesInPage(layout: Layout, usableBytes: number, payload: number): number {
  const least = Math.floor(((usableBytes - 12) * 32) / 255) - 23
  const bytes = least + ((payload - least) % (usableBytes - 4))
  return bytes <= mostInPage(layout, usableBytes) ? bytes : least
}

/** Reads the variable-length number at `at`; large ones lose their last digits, and no length is as large. */
export function varint(page: Uint8Array, at: number): number {
  let value = 0
  for (let index = 0; index < 8; index++) {
    const byte = page[at + index] ?? 0
    value = value * 128 + (byte & 127)
    if (byte < 128) return value
  }
  return value * 256 + (page[at + 8] ?? 0)
}

/** Where the variable-length number at `at` ends. */
export function afterVarint(page: Uint8Array, at: number): number {
  for (let index = 0; index < 8; index++) if ((page[at + index] ?? 0) < 128) return at + index + 1
  return at + 9
}

function twoBytes(page: Uint8Array, at: number): number {
  return ((page[at] ?? 0) << 8) | (page[at + 1] ?? 0)
}

export function fourBytes(page: Uint8Array, at: number): number {
  return twoBytes(page, at) * 65536 + twoBytes(page, at + 2)
}
