import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { setImmediate as immediately } from 'node:timers/promises'
import { collectWhenLarge } from '../../effects/memory.ts'
import { headerBytes, readHeader } from './header.ts'
import { SqliteProblem } from './thread.ts'

// A table's pages mostly follow each other, its overflow pages among them.
const usualBlockBytes = 256 * 1024
const blocksKept = 8
const blocksWithoutPause = 16

/** The pages of a database file that nobody writes to: a private copy, not a live database. */
export class Pages {
  readonly usableBytes: number
  /** How many there are; their numbers begin with 1. */
  readonly count: number
  readonly #file: number
  readonly #pageSize: number
  readonly #blockBytes: number
  readonly #visited: Uint8Array
  readonly #blocks = new Map<number, Uint8Array>()
  #blocksRead = 0

  /** `blockBytes` are read at once: as many as the largest page has, or a multiple. Throws a `SqliteProblem` when the file is no database. */
  constructor(path: string, blockBytes = usualBlockBytes) {
    this.#blockBytes = blockBytes
    this.#file = openSync(path, 'r')
    try {
      const beginning = new Uint8Array(headerBytes)
      readSync(this.#file, beginning)
      const header = readHeader(beginning)
      if (header === undefined) throw new SqliteProblem('SQLITE_NOTADB', 'file is not a database')
      this.#pageSize = header.pageSize
      this.usableBytes = header.usableBytes
      this.count = Math.floor(fstatSync(this.#file).size / header.pageSize)
      this.#visited = new Uint8Array(Math.ceil((this.count + 1) / 8))
    } catch (error) {
      closeSync(this.#file)
      throw error
    }
  }

  /** The bytes of a page that belongs to one place only: one that was visited before is damage. */
  visit(number: number): Uint8Array {
    const page = this.page(number)
    const bit = 1 << (number & 7)
    if (((this.#visited[number >> 3] ?? 0) & bit) !== 0) throw damaged(`page ${number} is used twice`)
    this.#visited[number >> 3] = (this.#visited[number >> 3] ?? 0) | bit
    return page
  }

  /** The bytes of a page, without the reserved ones; they are good until other pages were asked for. */
  page(number: number): Uint8Array {
    if (number < 1 || number > this.count) throw damaged(`page ${number} does not exist`)
    const pagesInBlock = this.#blockBytes / this.#pageSize
    const block = Math.floor((number - 1) / pagesInBlock)
    const bytes = this.#blocks.get(block) ?? this.#load(block)
    const start = ((number - 1) % pagesInBlock) * this.#pageSize
    return bytes.subarray(start, start + this.usableBytes)
  }

  /** Whether so much was read that the rest of the process should have its turn. */
  get isPauseDue(): boolean {
    return this.#blocksRead >= blocksWithoutPause
  }

  async pause(): Promise<void> {
    this.#blocksRead = 0
    collectWhenLarge()
    await immediately()
  }

  close(): void {
    closeSync(this.#file)
  }

  #load(block: number): Uint8Array {
    const bytes = this.#room()
    const start = block * this.#blockBytes
    const wanted = Math.min(this.#blockBytes, this.count * this.#pageSize - start)
    if (readSync(this.#file, bytes, 0, wanted, start) < wanted) throw damaged('the file became shorter')
    this.#blocks.set(block, bytes)
    this.#blocksRead++
    return bytes
  }

  #room(): Uint8Array {
    const [oldest] = this.#blocks
    if (oldest === undefined || this.#blocks.size < blocksKept) return new Uint8Array(this.#blockBytes)
    this.#blocks.delete(oldest[0])
    return oldest[1]
  }
}

/** What SQLite would say of such a page. */
export function damaged(what: string): SqliteProblem {
  return new SqliteProblem('SQLITE_CORRUPT', `database disk image is malformed: ${what}`)
}
