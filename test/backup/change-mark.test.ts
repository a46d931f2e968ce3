import { describe, expect, it } from 'vitest'
import { provesUnchanged, readMark } from '../../src/backup/change-mark.ts'
import type { ChangeMark, Session } from '../../src/engines/engine.ts'

const values = { system: '7', inserted: '12' }

describe('a mark of change', () => {
  it('proves that nothing was changed when it is as it was', () => {
    expect(provesUnchanged(values, { values: { inserted: '12', system: '7' } })).toBe(true)
  })

  it.each<[string, ChangeMark['values'] | undefined, ChangeMark | undefined]>([
    ['none was noted', undefined, { values }],
    ['there is none now', values, undefined],
    ['there never was one', undefined, undefined],
    ['a value is another', values, { values: { ...values, inserted: '13' } }],
    ['a value is missing now', values, { values: { system: '7' } }],
    ['a value was not there', { system: '7' }, { values }],
    ['a value of the same is under another name', { a: '1' }, { values: { b: '1' } }],
    ['changes may be under way', values, { values, unsettled: '2 other sessions' }],
    ['nothing was counted', {}, { values: {} }],
  ])('proves nothing when %s', (_, earlier, now) => {
    expect(provesUnchanged(earlier, now)).toBe(false)
  })

  const sessionWith = (changeMark?: Session['changeMark']) => ({ ...(changeMark && { changeMark }) }) as Session

  it.each<[string, Session]>([
    ['has no place for it', sessionWith()],
    ['does not tell', sessionWith(async () => undefined)],
    ['fails to read it', sessionWith(() => Promise.reject(new Error('permission denied')))],
  ])('is unknown where the server %s', async (_, session) => {
    expect(await readMark(session, values)).toBeUndefined()
  })

  it('is read with the earlier one before the eyes', async () => {
    const session = sessionWith(async (earlier) => ({ values: { ...earlier, seen: 'yes' } }))
    expect(await readMark(session, values)).toEqual({ values: { ...values, seen: 'yes' } })
  })
})
