/** How much of a file has to be read to know what it is. */
export const headerBytes = 100

/** The first page of a SQLite file (https://www.sqlite.org/fileformat2.html#the_database_header). */
export type FileHeader = {
  /** The length that the file must have; undefined where an old program did not keep the count. */
  readonly bytes: number | undefined
  readonly wal: boolean
  readonly pageSize: number
  /** Of a page, without what an extension keeps for itself at its end. */
  readonly usableBytes: number
}

const magic = 'SQLite format 3\0'

/** The header of a SQLite file; undefined for anything else. */
export function readHeader(beginning: Uint8Array): FileHeader | undefined {
  if (beginning.length < headerBytes) return undefined
  const view = new DataView(beginning.buffer, beginning.byteOffset, beginning.length)
  if (new TextDecoder('latin1').decode(beginning.subarray(0, magic.length)) !== magic) return undefined
  const stored = view.getUint16(16)
  const pageSize = stored === 1 ? 65536 : stored
  const countIsValid = view.getUint32(24) === view.getUint32(92)
  return {
    bytes: countIsValid ? pageSize * view.getUint32(28) : undefined,
    wal: view.getUint8(18) === 2,
    pageSize,
    usableBytes: pageSize - view.getUint8(20),
  }
}
