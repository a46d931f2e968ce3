import { describe, expect, it } from 'vitest'
import { type Kept, newestFirst, planRotation } from '../../src/backup/rotation.ts'

/** `app@3`: a backup of `app`, made in hour 3. */
function kept(...made: string[]): readonly Kept[] {
  return made.map((text) => {
    const [identity = '', hour = ''] = text.split('@')
    return {
      file: `database_${text}.sql`,
      identity,
      createdAt: `2026-11-20T${hour.padStart(2, '0')}:00:00.000Z`,
      storedBytes: 1,
    }
  })
}

function removed(
  backups: readonly Kept[],
  keep: number,
  protect: readonly string[] = [],
  identity = 'app',
): readonly string[] {
  const plan = planRotation(backups, { identity, keep, protect: protect.map((text) => `database_${text}.sql`) })
  return plan.remove.map(({ file }) => file.slice('database_'.length, -'.sql'.length))
}

describe('rotation', () => {
  it.each<[string, readonly Kept[], number, readonly string[], readonly string[]]>([
    ['keeps all within the number', kept('app@1', 'app@2'), 2, [], []],
    ['removes the oldest beyond it', kept('app@3', 'app@1', 'app@2'), 2, [], ['app@1']],
    [
      'leaves databases with alike names alone',
      kept('app_test@1', 'app@2', 'app_test@3', 'apple@1', 'app@4'),
      1,
      [],
      ['app@2'],
    ],
    ['keeps what was just made when the clock went back', kept('app@9', 'app@8', 'app@1'), 1, ['app@1'], ['app@8']],
    ['never keeps fewer than one', kept('app@1', 'app@2'), 0, [], ['app@1']],
    ['keeps what is protected', kept('app@1', 'app@2', 'app@3'), 1, ['app@1'], ['app@2']],
    ['has nothing to do without backups', [], 3, [], []],
  ])('%s', (_, backups, keep, protect, expected) => {
    expect(removed(backups, keep, protect)).toEqual(expected)
  })

  it('removes the 31st', () => {
    const all = Array.from(
      { length: 31 },
      (_, index) =>
        ({ ...kept('app@0')[0], file: `f${index}`, createdAt: new Date(index * 1000).toISOString() }) as Kept,
    )
    const plan = planRotation(all, { identity: 'app', keep: 30, protect: [] })
    expect(plan.remove.map(({ file }) => file)).toEqual(['f0'])
    expect(plan.keep).toHaveLength(30)
  })

  it('counts on within one instant by the name’s number', () => {
    const files = ['x-10.sql', 'x.sql', 'x-2.sql', 'x-9.sql']
    const sorted = files.map((file) => ({ file, createdAt: '2026-11-20T10:00:00.000Z' })).toSorted(newestFirst)
    expect(sorted.map(({ file }) => file)).toEqual(['x-10.sql', 'x-9.sql', 'x-2.sql', 'x.sql'])
  })

  it('reads times that are written otherwise than ours', () => {
    const times = ['2026-11-20T10:00:00+02:00', '+012026-11-20T10:00:00.000Z', '2026-11-20T09:00:00.000Z']
    const sorted = times.map((createdAt) => ({ file: 'x.sql', createdAt })).toSorted(newestFirst)
    expect(sorted.map(({ createdAt }) => createdAt)).toEqual([times[1], times[2], times[0]])
  })
})
