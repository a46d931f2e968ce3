/** Numbers that look random and are the same in each run. */
export type Random = {
  /** A whole number from 0 to `limit` - 1. */
  below(limit: number): number
  pick<T>(from: readonly T[]): T
  bytes(count: number): Uint8Array
  /** A time of the last years, as databases write it. */
  moment(): string
}

export function randomFrom(seed: number): Random {
  let state = seed
  const below = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * limit)
  }
  return {
    below,
    pick: (from) => from[below(from.length)] as (typeof from)[number],
    bytes: (count) => Uint8Array.from({ length: count }, () => below(256)),
    moment: () => new Date(1_700_000_000_000 + below(80_000_000) * 1000).toISOString().slice(0, 19).replace('T', ' '),
  }
}
