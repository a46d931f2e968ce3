import { describe, expect, it } from 'vitest'
import { explain } from '../src/effects/explain.ts'
import { CannotStart, exitCode, Failure, messageOf } from '../src/failure.ts'
import { listeningIo } from './listening-io.ts'

describe('a failure', () => {
  it('carries its code, its text and its cause', () => {
    const cause = new Error('deep')
    const failure = new Failure(exitCode.refused, { what: 'what', why: ['why'] }, cause)
    expect(failure).toMatchObject({
      code: 20,
      message: 'what',
      name: 'Failure',
      cause,
      text: { what: 'what', why: ['why'] },
    })
    expect(new CannotStart(127, { what: 'x' })).toMatchObject({ code: 2, wrapperCode: 127 })
  })

  it('is explained as what, why and next', () => {
    const io = listeningIo()
    explain(io.terminal, new Failure(1, { what: 'what', why: ['one', 'two'], next: ['do it'] }))
    expect(io.heard).toEqual(['what', '  one', '  two', '→ do it'])
  })

  it.each<[unknown, string]>([
    [new Error('x'), 'x'],
    ['x', 'x'],
    [undefined, 'undefined'],
    [null, 'null'],
    [{ toString: () => 'x' }, 'x'],
  ])('of %j has a message', (thrown, message) => expect(messageOf(thrown)).toBe(message))
})
