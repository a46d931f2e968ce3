import { afterEach, describe, expect, it } from 'vitest'
import { type Kept, newestFirst, planRotation, type RotationRule } from '../../src/backup/rotation.ts'

const zone = process.env['TZ']
afterEach(() => {
  if (zone === undefined) delete process.env['TZ']
  else process.env['TZ'] = zone
})

function keptAt(file: string, createdAt: string, identity = 'app'): Kept {
  return { file, identity, target: `postgres://db/${identity}`, createdAt, storedBytes: 1 }
}

/** `app@3`: a backup of `app`, made in hour 3. */
function kept(...made: string[]): readonly Kept[] {
  return made.map((text) => {
    const [identity = '', hour = ''] = text.split('@')
    return keptAt(text, `2026-11-20T${hour.padStart(2, '0')}:00:00.000Z`, identity)
  })
}

const lastOnes: RotationRule = {
  keep: 30,
  keepDaily: 0,
  keepWeekly: 0,
  keepMonthly: 0,
  protect: [],
  inUse: [],
  now: new Date('2026-11-21T00:00:00Z'),
}

function removed(backups: readonly Kept[], rule: Partial<RotationRule>): readonly string[] {
  const verdicts = planRotation(backups, 'app', { ...lastOnes, ...rule })
  return verdicts.filter(({ keep }) => !keep).map(({ backup }) => backup.file)
}

/** What becomes of each, newest first: `file: keep, why` or `file: remove, why`. */
function fates(backups: readonly Kept[], rule: Partial<RotationRule>): readonly string[] {
  const verdicts = planRotation(backups, 'app', { ...lastOnes, ...rule })
  return verdicts.map(({ backup, keep, why }) => `${backup.file}: ${keep ? 'keep' : 'remove'}, ${why.join(' + ')}`)
}

describe('rotation', () => {
  it.each<[string, readonly Kept[], Partial<RotationRule>, readonly string[]]>([
    ['keeps all within the number', kept('app@1', 'app@2'), { keep: 2 }, []],
    ['removes the oldest beyond it', kept('app@3', 'app@1', 'app@2'), { keep: 2 }, ['app@1']],
    [
      'leaves databases with alike names alone',
      kept('app_test@1', 'app@2', 'app_test@3', 'apple@1', 'app@4'),
      { keep: 1 },
      ['app@2'],
    ],
    [
      'keeps what was just made when the clock went back',
      kept('app@9', 'app@8', 'app@1'),
      { keep: 1, protect: ['app@1'] },
      ['app@8'],
    ],
    ['never keeps fewer than one', kept('app@1', 'app@2'), { keep: 0 }, ['app@1']],
    ['keeps what is protected', kept('app@1', 'app@2', 'app@3'), { keep: 1, protect: ['app@1'] }, ['app@2']],
    ['keeps what a command depends on', kept('app@1', 'app@2'), { keep: 1, inUse: ['app@1'] }, []],
    ['has nothing to do without backups', [], { keep: 3 }, []],
  ])('%s', (_, backups, rule, expected) => {
    expect(removed(backups, rule)).toEqual(expected)
  })

  it('removes the 31st', () => {
    const all = Array.from({ length: 31 }, (_, index) => keptAt(`f${index}`, new Date(index * 1000).toISOString()))
    expect(removed(all, {})).toEqual(['f0'])
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

/** Backups called by their local time, `11-20 09:30`, in the present zone. */
function madeAt(...times: readonly string[]): readonly Kept[] {
  return times.map((time) => keptAt(time, new Date(`2026-${time.replace(' ', 'T')}:00`).toISOString()))
}

describe('beyond the last ones, rotation', () => {
  it('says why each stays, with all reasons, and why the others go', () => {
    const backups = madeAt('11-20 18:00', '11-20 09:00', '11-19 18:00', '11-19 09:00', '11-12 09:00', '10-31 09:00')
    expect(fates(backups, { keep: 1, keepDaily: 2, keepWeekly: 2, keepMonthly: 2, protect: ['11-19 09:00'] })).toEqual([
      '11-20 18:00: keep, newest 1 + daily 2026-11-20 + weekly 2026-W47 + monthly 2026-11',
      '11-20 09:00: remove, beyond the last 1, 2 daily, 2 weekly, 2 monthly',
      '11-19 18:00: keep, daily 2026-11-19',
      '11-19 09:00: keep, protected',
      '11-12 09:00: keep, weekly 2026-W46',
      '10-31 09:00: keep, monthly 2026-10',
    ])
    expect(fates(madeAt('11-20 18:00', '11-20 09:00'), { keep: 1, inUse: ['11-20 09:00'] })).toEqual([
      '11-20 18:00: keep, newest 1',
      '11-20 09:00: keep, a command that runs depends on it',
    ])
    expect(fates(madeAt('11-20 18:00', '11-20 09:00'), { keep: 1 })).toEqual([
      '11-20 18:00: keep, newest 1',
      '11-20 09:00: remove, beyond the last 1',
    ])
  })

  it.each<[string, Partial<RotationRule>, readonly string[]]>([
    ['one for each day', { keepDaily: 9 }, ['11-20 18:00', '11-19 18:00', '11-12 09:00', '10-31 09:00']],
    ['days without a backup do not count', { keepDaily: 3 }, ['11-20 18:00', '11-19 18:00', '11-12 09:00']],
    ['one for each week', { keepWeekly: 9 }, ['11-20 18:00', '11-12 09:00', '10-31 09:00']],
    ['one for each month', { keepMonthly: 9 }, ['11-20 18:00', '10-31 09:00']],
    ['none besides the newest', {}, ['11-20 18:00']],
  ])('keeps %s', (_, rule, expected) => {
    const backups = madeAt('11-20 18:00', '11-20 09:00', '11-19 18:00', '11-19 09:00', '11-12 09:00', '10-31 09:00')
    const gone = removed(backups, { keep: 1, ...rule })
    expect(backups.map(({ file }) => file).filter((file) => !gone.includes(file))).toEqual(expected)
  })

  it.each([
    ['UTC', '2026-11-20T23:30:00Z', 'daily 2026-11-20 + weekly 2026-W47 + monthly 2026-11'],
    ['Asia/Tokyo', '2026-11-20T23:30:00Z', 'daily 2026-11-21 + weekly 2026-W47 + monthly 2026-11'],
    ['America/New_York', '2026-11-01T02:00:00Z', 'daily 2026-10-31 + weekly 2026-W44 + monthly 2026-10'],
    // Clocks are set back in the night: one local day of 25 hours; and forward: one of 23.
    ['Europe/Berlin', '2026-10-24T22:00:00Z', 'daily 2026-10-25 + weekly 2026-W43 + monthly 2026-10'],
    ['Europe/Berlin', '2026-10-25T22:59:59Z', 'daily 2026-10-25 + weekly 2026-W43 + monthly 2026-10'],
    ['Europe/Berlin', '2026-10-25T23:00:00Z', 'daily 2026-10-26 + weekly 2026-W44 + monthly 2026-10'],
    ['Europe/Berlin', '2026-03-28T23:00:00Z', 'daily 2026-03-29 + weekly 2026-W13 + monthly 2026-03'],
    ['Europe/Berlin', '2026-03-29T22:00:00Z', 'daily 2026-03-30 + weekly 2026-W14 + monthly 2026-03'],
    // Midnight itself is skipped there.
    ['America/Santiago', '2026-09-06T04:00:00Z', 'daily 2026-09-06 + weekly 2026-W36 + monthly 2026-09'],
    ['UTC', '2026-01-01T00:00:00Z', 'daily 2026-01-01 + weekly 2026-W01 + monthly 2026-01'],
    ['UTC', '2021-01-03T12:00:00Z', 'daily 2021-01-03 + weekly 2020-W53 + monthly 2021-01'],
    ['UTC', '2024-12-30T12:00:00Z', 'daily 2024-12-30 + weekly 2025-W01 + monthly 2024-12'],
    ['UTC', '2024-02-29T12:00:00Z', 'daily 2024-02-29 + weekly 2024-W09 + monthly 2024-02'],
  ])('takes days in local time: in %s %s is %s', (timeZone, createdAt, expected) => {
    process.env['TZ'] = timeZone
    const [fate] = fates([keptAt('x', createdAt)], { keepDaily: 1, keepWeekly: 1, keepMonthly: 1 })
    expect(fate).toBe(`x: keep, newest 30 + ${expected}`)
  })

  it('neither counts nor removes what another clock made in the future', () => {
    const backups = [...madeAt('11-20 09:00', '11-20 18:00', '11-19 09:00'), keptAt('later', '2031-01-01T00:00:00Z')]
    expect(fates(backups, { keep: 1, keepDaily: 1 })).toEqual([
      'later: keep, made in the future',
      '11-20 18:00: keep, newest 1 + daily 2026-11-20',
      '11-20 09:00: remove, beyond the last 1, 1 daily',
      '11-19 09:00: remove, beyond the last 1, 1 daily',
    ])
  })

  it('removes nothing when our own clock went back behind all of them', () => {
    const backups = madeAt('11-20 09:00', '11-20 18:00', '11-19 09:00')
    expect(removed(backups, { keep: 1, now: new Date('2000-01-01T00:00:00Z') })).toEqual([])
  })

  it('keeps a growing history in bounds: a year of a backup each hour', () => {
    let backups: readonly Kept[] = []
    for (let hour = 0; hour < 365 * 24; hour++) {
      const now = new Date(Date.UTC(2026, 0, 1, hour))
      backups = [...backups, keptAt(now.toISOString(), now.toISOString())]
      const gone = removed(backups, { keep: 5, keepDaily: 7, keepWeekly: 4, keepMonthly: 12, now })
      backups = backups.filter(({ file }) => !gone.includes(file))
    }
    const days = backups.map(({ createdAt }) => createdAt.slice(0, 10))
    expect(backups.length).toBeLessThanOrEqual(5 + 7 + 4 + 12)
    expect(new Set(days.map((day) => day.slice(0, 7))).size).toBe(12)
    expect(days).toEqual(expect.arrayContaining(['2026-12-31', '2026-12-25', '2026-11-30', '2026-01-31']))
  })
})
