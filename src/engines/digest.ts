/** Rows of more bytes than this are hashed in blocks of it, so that a row of any size passes in constant memory. */
const blockBytes = 64 * 1024

// A dump has many tables, but one row at a time: the block of the last one is the next one's.
let spare: Uint8Array | undefined

/**
 * A digest of a table's rows in which their order does not count: the sum, modulo 2^64, of the xxHash64 of each row. A
 * sum and not XOR: two equal rows must not cancel each other. It finds what got lost or changed, not a forger's work.
 */
export class RowDigest {
  // Cut to 64 bits only when it is asked for: storing a bigint in an array costs more than the hash of a row.
  #sum = 0n
  #block: Uint8Array | undefined
  #filled = 0
  #seed = 0n

  /** One whole row, or the last part of one that `part` began. */
  row(bytes: Uint8Array): void {
    if (this.#filled === 0 && bytes.length <= blockBytes) this.#sum += Bun.hash.xxHash64(bytes)
    else {
      this.part(bytes)
      this.#endRow()
    }
  }

  /** A part of a row that goes on; where it is cut makes no difference. */
  part(bytes: Uint8Array): void {
    this.#block ??= spare ?? new Uint8Array(blockBytes)
    spare = undefined
    for (let at = 0; at < bytes.length; ) {
      if (this.#filled === blockBytes) this.#endBlock(this.#block)
      const piece = bytes.subarray(at, at + blockBytes - this.#filled)
      this.#block.set(piece, this.#filled)
      this.#filled += piece.length
      at += piece.length
    }
  }

  /** 16 hexadecimal digits. */
  toString(): string {
    return BigInt.asUintN(64, this.#sum).toString(16).padStart(16, '0')
  }

  #endBlock(block: Uint8Array): void {
    this.#seed = Bun.hash.xxHash64(block.subarray(0, this.#filled), this.#seed)
    this.#filled = 0
  }

  #endRow(): void {
    if (this.#block !== undefined) this.#endBlock(this.#block)
    spare = this.#block
    this.#block = undefined
    this.#sum += this.#seed
    this.#seed = 0n
  }
}
