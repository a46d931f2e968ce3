import { describe, expect, it } from 'vitest'
import { counted, shownAge, shownBytes, shownCount, shownSeconds } from '../../src/effects/units.ts'

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1, '1 B'],
    [999, '999 B'],
    [1000, '1.0 kB'],
    [1234, '1.2 kB'],
    [99_940, '99.9 kB'],
    [123_456, '123 kB'],
    [999_400, '999 kB'],
    [999_600, '1.0 MB'],
    [1_000_000, '1.0 MB'],
    [516_000_000, '516 MB'],
    [1.2e9, '1.2 GB'],
    [3.4e12, '3.4 TB'],
    [5e15, '5000 TB'],
  ])('of %d bytes are %s', (bytes, text) => expect(shownBytes(bytes)).toBe(text))
})

describe('times', () => {
  it.each([
    [0, '0.0 s'],
    [0.44, '0.4 s'],
    [12.3, '12 s'],
    [59.6, '1 min 0 s'],
    [185, '3 min 5 s'],
    [3661, '61 min 1 s'],
  ])('of %d seconds are %s', (seconds, text) => expect(shownSeconds(seconds)).toBe(text))
})

describe('ages', () => {
  it.each([
    [-5, 'just now'],
    [0.9, 'just now'],
    [1, '1 second ago'],
    [59.9, '59 seconds ago'],
    [60, '1 minute ago'],
    [150, '2 minutes ago'],
    [3600, '1 hour ago'],
    [86_399, '23 hours ago'],
    [86_400, '1 day ago'],
    [1000 * 86_400, '1,000 days ago'],
  ])('of %d seconds are %s', (seconds, text) => expect(shownAge(seconds)).toBe(text))
})

describe('counts', () => {
  it.each([
    [0, 'row', '0 rows'],
    [1, 'row', '1 row'],
    [1204, 'table', '1,204 tables'],
  ])('of %d %s are %s', (count, noun, text) => expect(counted(count, noun)).toBe(text))
  it('have thousands apart', () => expect(shownCount(4_500_000)).toBe('4,500,000'))
})
