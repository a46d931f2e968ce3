import { expect, test } from 'vitest'
import { markedComment, markerIn } from '../../../src/engines/mysql/comment-marker.ts'

test.each([
  ['', undefined],
  ['our shop', undefined],
  ['we use db-seatbelt: it is good', undefined],
  ['db-seatbelt:', undefined],
  ['db-seatbelt rehearsal: {}', undefined],
  ['db-seatbelt: production', 'production'],
  ['DB-Seatbelt:test ', 'test'],
  ['db-seatbelt: production; our shop: since 2019; in Graz', 'production'],
  ['db-seatbelt: production\nour shop', 'production'],
])('the marker in %j: %s', (comment, value) => {
  expect(markerIn(comment)?.value).toBe(value)
})

test.each([
  ['', 'production', 'db-seatbelt: production'],
  ['our shop; in Graz', 'production', 'db-seatbelt: production; our shop; in Graz'],
  ['db-seatbelt: test; our shop', 'production', 'db-seatbelt: production; our shop'],
  ['db-seatbelt: production', undefined, ''],
  ['db-seatbelt: production; our\n\nshop', undefined, 'our\n\nshop'],
  ['our shop', undefined, 'our shop'],
])('the comment %j, marked %s: %j', (comment, value, marked) => {
  expect(markedComment(comment, value)).toBe(marked)
})
