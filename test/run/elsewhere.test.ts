import { describe, expect, it } from 'vitest'
import type { ServerWrites } from '../../src/engines/engine.ts'
import { changedElsewhere, elsewhereTexts, isComparable } from '../../src/run/elsewhere.ts'
import { targetOfUrl } from '../../src/target/resolve.ts'
import type { Target } from '../../src/target/target.ts'

function target(url: string): Target {
  const found = targetOfUrl(url, '/', 'a test')
  if ('problem' in found) throw new Error(found.problem)
  return found
}

/** `shop:1 other:2`: what a server counted of each database. */
function counted(text: string, since = 'start'): ServerWrites {
  const pairs = text.split(' ').map((one) => one.split(':') as [string, string])
  return { since, databases: new Map(pairs) }
}

function found(before: string, after: string, names: readonly string[] = ['shop'], engine = 'postgres') {
  const targets = names.map((name) => target(`${engine}://app:geheim@db/${name}`))
  const readings = targets.map((one) => ({ target: one, before: counted(before), after: counted(after) }))
  return changedElsewhere(readings, targets).map(({ database, what }) => `${database} ${what}`)
}

describe('what was written elsewhere', () => {
  it.each<[string, string, string, readonly string[] | undefined, readonly string[]]>([
    ['nothing', 'shop:1 dev:1', 'shop:1 dev:1', undefined, []],
    ['the target itself', 'shop:1 dev:1', 'shop:2 dev:1', undefined, []],
    ['another', 'shop:1 dev:1 b:1', 'shop:1 dev:2 b:1', undefined, ['dev written']],
    ['one that is gone', 'shop:1 dev:1', 'shop:1', undefined, ['dev dropped']],
    ['the target that is gone', 'shop:1 dev:1', 'dev:1', undefined, []],
    ['a new one', 'shop:1', 'shop:1 dev:9', undefined, []],
    ['another target', 'shop:1 dev:1', 'shop:2 dev:2', ['shop', 'dev'], []],
    ['another, told by two readings', 'a:1 b:1 c:1', 'a:1 b:1 c:2', ['a', 'b'], ['c written']],
    ['what is ours', 'shop:1 shop_seatbelt_1a2b3c4d:1', 'shop:1', undefined, []],
    ['workers of a test run', 't_test:1 t_test_1:1 t_test-2:1', 't_test:1 t_test_1:2', ['t_test'], []],
    ['a name that only ends alike', 'shop:1 shop_2:1', 'shop:1 shop_2:2', undefined, ['shop_2 written']],
    ['workers of other tests', 'shop:1 x_test_1:1', 'shop:1 x_test_1:2', undefined, ['x_test_1 written']],
  ])('%s', (_, before, after, names, expected) => {
    expect(found(before, after, names)).toEqual(expected)
  })

  it('is a URL without a password in the report', () => {
    const shop = target('postgres://app:geheim@db/shop')
    const readings = [{ target: shop, before: counted('my_dev:1'), after: counted('my_dev:2') }]
    expect(changedElsewhere(readings, [shop])).toEqual([
      { url: 'postgres://app@db:5432/my_dev', database: 'my_dev', what: 'written' },
    ])
  })

  it('is not known of a server that counts anew', () => {
    const shop = target('postgres://app@db/shop')
    const reading = { target: shop, before: counted('dev:5'), after: counted('dev:1', 'later') }
    expect(isComparable(reading)).toBe(false)
    expect(changedElsewhere([reading], [shop])).toEqual([])
  })
})

describe('the lines', () => {
  const record = (database: string, what: 'written' | 'dropped' = 'written') => ({ url: '', database, what })

  it('say what happened, and what to do next time', () => {
    expect(elsewhereTexts([record('shop_dev'), record('old', 'dropped')])).toEqual([
      '`shop_dev` was written to while this ran, and is not backed up',
      '`old` was dropped or renamed while this ran, and is not backed up',
      '  Was it the command? Name that database next time: --env-file FILE, or SEATBELT_DATABASE_URL=…',
    ])
  })

  it('are none where nothing happened, few where much did, and one each', () => {
    expect(elsewhereTexts([])).toEqual([])
    const many = elsewhereTexts(['a\n\x1b[2J', 'b', 'c', 'd', 'e'].map((name) => record(name)))
    expect(many).toHaveLength(5)
    expect(many[0]).toContain('a\\n\\x1b[2J')
    expect(many[3]).toBe('… and 2 more databases')
  })
})
