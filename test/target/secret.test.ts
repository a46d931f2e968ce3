import { format, inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/failure.ts'
import { Secret } from '../../src/target/secret.ts'

const secret = new Secret('geheim')

describe('a secret', () => {
  it.each<[string, () => string]>([
    ['String', () => String(secret)],
    ['a template', () => `${secret}`],
    ['+', () => `a ${secret}`],
    ['JSON', () => JSON.stringify({ password: secret })],
    ['inspect', () => inspect({ deep: { password: secret } }, { depth: 9, showHidden: true })],
    ['Bun.inspect', () => Bun.inspect({ password: secret })],
    ['format', () => format('%s %o %j', secret, secret, secret)],
    ['its keys', () => JSON.stringify([Object.entries(secret), { ...secret }])],
    ['a clone', () => inspect(structuredClone(secret))],
    ['an error with it as cause', () => inspect(new Failure(1, { what: 'x' }, { password: secret }))],
    ['an error of its name', () => new Error(`no ${secret}`).message],
  ])('is not given out by %s', (_, print) => {
    expect(print()).not.toContain('geheim')
  })

  it('is given out when asked', () => {
    expect(secret.reveal()).toBe('geheim')
  })
})
