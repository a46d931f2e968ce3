import { describe, expect, it } from 'vitest'
import { asideBefore, chooseCopy, copiesBeyond } from '../../src/backup/instant-choice.ts'
import type { InstantCopy } from '../../src/engines/engine.ts'
import { Failure } from '../../src/failure.ts'

/** `c3`: a copy that was made with the backup `c3.sql`; `-a1`: what a swap put aside. */
function copies(names: string): readonly InstantCopy[] {
  const all = names.split(' ').filter((name) => name !== '')
  return all.map((name) => {
    const known = { name: name.replace('-', ''), createdAt: '2026-11-20T10:00:00.000Z', sizeBytes: 1 }
    return name.startsWith('-') ? known : { ...known, backup: `${name}.sql` }
  })
}

function namesOf(all: readonly InstantCopy[]): string {
  return all.map(({ name }) => name).join(' ')
}

describe('which copies go', () => {
  it.each([
    ['none of few', 'c1', 1, ''],
    ['the older ones', 'c3 c2 c1', 1, 'c2 c1'],
    ['fewer where more are kept', 'c3 c2 c1', 2, 'c1'],
    ['never what was put aside', '-a3 c2 -a2 c1 -a1', 1, 'c1'],
  ])('%s', (_, all, keep, gone) => {
    expect(namesOf(copiesBeyond(copies(all), keep))).toBe(gone)
  })

  it.each([
    ['none', 'c2 c1', ''],
    ['not the last one, whose way back was just said', '-a1 c1', ''],
    ['all before that', '-a3 c2 -a2 c1 -a1', 'a2 a1'],
  ])('what was put aside is named: %s', (_, all, named) => {
    expect(namesOf(asideBefore(copies(all)))).toBe(named)
  })
})

describe('which copy is meant', () => {
  it.each([
    ['the newest', 'c2 c1', undefined, 'c2'],
    ['the newest that was made, not what was put aside', '-a3 c2 c1', undefined, 'c2'],
    ['by its name', '-a3 c2 c1', 'c1', 'c1'],
    ['what was put aside, by its name', '-a3 c2', 'a3', 'a3'],
    ['by its backup', 'c2 c1', 'backups/c1.sql', 'c1'],
    ['by its backup in another folder', 'c2 c1', '/elsewhere/c1.sql', 'c1'],
  ])('%s', (_, all, named, expected) => {
    expect(chooseCopy(copies(all), named).name).toBe(expected)
  })

  it.each([
    ['', undefined, 'There is no instant copy'],
    ['-a1', undefined, 'There is no instant copy that was made with a backup'],
    ['c2', 'backups/c1.sql', 'There is no instant copy of backups/c1.sql'],
  ])('none: %j %j', (all, named, what) => {
    const choose = () => chooseCopy(copies(all), named)
    expect(choose).toThrow(Failure)
    expect(choose).toThrow(what)
  })

  it('tells how to bring back what was put aside', () => {
    const choose = () => chooseCopy(copies('-a2 -a1'), undefined)
    const next = ['To bring back what was put aside: restore-database --instant a2']
    expect(choose).toThrow(expect.objectContaining({ text: expect.objectContaining({ next }) }))
  })
})
