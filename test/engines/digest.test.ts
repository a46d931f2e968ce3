import { describe, expect, test } from 'vitest'
import { RowDigest } from '../../src/engines/digest.ts'

const bytes = (text: string) => Buffer.from(text)

function digestOf(rows: readonly string[]): string {
  const digest = new RowDigest()
  for (const row of rows) digest.row(bytes(row))
  return digest.toString()
}

function digestInParts(row: Uint8Array, size: number): string {
  const digest = new RowDigest()
  let at = 0
  for (; row.length - at > size; at += size) digest.part(row.subarray(at, at + size))
  digest.row(row.subarray(at))
  return digest.toString()
}

describe('the digest of rows', () => {
  test('has 16 digits, also of no rows', () => {
    expect(digestOf([])).toBe('0000000000000000')
    expect(digestOf(['1\tAnna'])).toMatch(/^[0-9a-f]{16}$/)
  })

  test('does not depend on the order of the rows', () => {
    expect(digestOf(['a', 'b', 'c'])).toBe(digestOf(['c', 'a', 'b']))
  })

  test.each([
    ['another value', ['a', 'b'], ['a', 'x']],
    ['a row less', ['a', 'b'], ['a']],
    ['equal rows, which must not cancel each other', ['a', 'a'], []],
    ['a row twice and another once, the other way round', ['a', 'a', 'b'], ['a', 'b', 'b']],
    ['a cut between rows elsewhere', ['ab', 'c'], ['a', 'bc']],
  ])('sees %s', (_what, one, other) => {
    expect(digestOf(one)).not.toBe(digestOf(other))
  })

  test.each([1000, 65_536, 65_537, 131_072, 200_001])('a row of %i bytes is the same however it is cut', (size) => {
    const row = Buffer.alloc(size, 'seatbelt of many bytes, ')
    const whole = digestInParts(row, size)
    for (const part of [7, 999, 65_535, 65_536, 65_537]) expect(digestInParts(row, part)).toBe(whole)
    const changed = Buffer.from(row)
    changed[size - 1] = 1
    expect(digestInParts(changed, 999)).not.toBe(whole)
  })

  test('rows that follow a long one are counted on their own', () => {
    const long = Buffer.alloc(100_000, 'x')
    const [one, other] = [new RowDigest(), new RowDigest()]
    one.row(long)
    one.row(bytes('a'))
    other.row(bytes('a'))
    other.part(long.subarray(0, 70_000))
    other.row(long.subarray(70_000))
    expect(one.toString()).toBe(other.toString())
  })

  test('of each of many tables is its own, and holds no memory for rows that are read', () => {
    const half = Buffer.alloc(50_000, 'x')
    const before = process.memoryUsage().rss
    const digests = Array.from({ length: 3000 }, () => new RowDigest())
    for (const digest of digests) {
      digest.part(half)
      digest.row(half)
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(100_000_000)
    const both = [new RowDigest(), new RowDigest()] as const
    both[0].part(half)
    both[1].part(bytes('y'))
    both[0].row(half)
    both[1].row(half)
    expect(String(both[0])).toBe(String(digests[0]))
    expect(String(both[1])).toBe(digestInParts(Buffer.concat([bytes('y'), half]), 999))
  })

  test('is the exact sum of millions of them', () => {
    const digest = new RowDigest()
    const row = bytes('1\tAnna')
    const number = 2 ** 23
    for (let at = 0; at < number; at++) digest.row(row)
    const sum = BigInt.asUintN(64, Bun.hash.xxHash64(row) * BigInt(number))
    expect(digest.toString()).toBe(sum.toString(16).padStart(16, '0'))
  })
})
