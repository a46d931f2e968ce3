/** How much of the beginning of a `-shm` file says how far the WAL goes: two copies of one header. */
export const walIndexBytes = 96

/** How far a WAL goes, as its index has it. */
export type WalPosition = { readonly frames: number; readonly text: string }

/**
 * The header of the index (https://www.sqlite.org/walformat.html#the_wal_index_header): the last frame that counts, the
 * size of the database, a checksum over all frames up to it, and the salts of this round of the WAL. Undefined while
 * another program is writing it.
 */
export function walPositionOf(beginning: Uint8Array): WalPosition | undefined {
  const [one, other] = [beginning.subarray(0, 48), beginning.subarray(48, 96)]
  const initialised = one[12] === 1
  if (other.length < 48 || !initialised || !Buffer.from(one).equals(other)) return undefined
  const [frames = 0] = new Uint32Array(one.slice(16, 20).buffer)
  return { frames, text: Buffer.from(one.subarray(16, 40)).toString('hex') }
}
