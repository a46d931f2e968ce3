import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/failure.ts'
import { pinnedValues } from '../../src/run/pin.ts'
import type { Candidate } from '../../src/target/resolve.ts'
import type { TargetSource } from '../../src/target/target.ts'

function candidate(values: Readonly<Record<string, string>>, kind: TargetSource['kind'] = 'env-file'): Candidate {
  const label = kind === 'flag' ? '--database-url' : '.env.testing'
  return {
    target: { engine: 'sqlite', database: '/a.sqlite', source: { kind, label, keys: [], labels: {} } },
    reason: '',
    files: [label],
    values: new Map(Object.entries(values).map(([key, value]) => [key, { value, label }])),
  }
}

describe('what --pin gives the command', () => {
  it('is the database keys of the chosen file, and nothing else of it', () => {
    const values = { DB_DATABASE: 'shop_test', DB_PASSWORD: 'secret', BUN_BE_BUN: '1', PATH: '/evil', APP_ENV: 'x' }
    expect(pinnedValues([candidate(values)])).toEqual({ DB_DATABASE: 'shop_test', DB_PASSWORD: 'secret' })
  })

  it('must be one choice', () => {
    const several = [candidate({ DB_DATABASE: 'a' }), candidate({ DB_DATABASE: 'b' })]
    expect(() => pinnedValues(several)).toThrow(expect.objectContaining({ code: 10 }))
  })

  it('cannot be a URL, whose variable nobody knows', () => {
    expect(() => pinnedValues([candidate({}, 'flag')])).toThrow(Failure)
    expect(() => pinnedValues([candidate({}, 'flag')])).toThrow(expect.objectContaining({ code: 2 }))
  })
})
