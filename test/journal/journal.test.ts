import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { journalLine, journalName, writeJournal } from '../../src/journal/journal.ts'
import { beginOperation, documentOf, type Operation, secondsBetween } from '../../src/operation.ts'
import { shownCommand } from '../../src/shell-words.ts'
import { listeningIo } from '../listening-io.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const start = new Date('2026-11-20T23:20:58.120Z')
const end = new Date('2026-11-20T23:21:00.620Z')

function operation(parts: Partial<Operation> = {}): Operation {
  const target = { url: 'postgres://app@db:5432/shop', reason: '.env names it', production: [], backup: 'x.sql' }
  return { ...beginOperation('safe-test', start), wrapped: ['npm test'], targets: [target], ...parts }
}

describe('a line of the journal', () => {
  it('says when, what, on which database, with which backup, how it ended, how long, and who', () => {
    expect(JSON.parse(journalLine(operation(), 3, end, 'me@here'))).toEqual({
      version: 1,
      when: '2026-11-20T23:20:58.120Z',
      command: 'safe-test npm test',
      targets: ['postgres://app@db:5432/shop'],
      backups: ['x.sql'],
      exitCode: 3,
      seconds: 2.5,
      by: 'me@here',
    })
  })

  it('says how much is gone after the command, where something is', () => {
    const changes = [
      { kind: 'emptied', table: 'users', loss: true, before: 3, after: 0 },
      { kind: 'table-new', table: 'jobs', loss: false, after: 0 },
    ] as const
    const targets = operation().targets.map((target) => ({ ...target, changes }))
    const line = journalLine(operation({ targets }), 0, end, 'me@here')
    expect(JSON.parse(line)).toMatchObject({ losses: 1, exitCode: 0 })
  })

  it('is one line, whatever the command holds', () => {
    const line = journalLine(operation({ wrapped: [shownCommand(['sh', '-c', 'a\nb\r\u2028'])] }), 0, end, 'me@here')
    expect(line.endsWith('\n')).toBe(true)
    expect(line.slice(0, -1)).not.toMatch(/[\n\r]/)
  })

  it.each([
    ['mysql', '-pgeheim'],
    ['psql', 'postgres://app:geheim@db/x'],
    ['sh', '-c', 'PGPASSWORD=geheim psql'],
  ])('holds no password of %j', (...words) => {
    expect(journalLine(operation({ wrapped: [shownCommand(words)] }), 0, end, 'me@here')).not.toContain('geheim')
  })

  it('never counts backwards', () => {
    expect(secondsBetween(end, start)).toBe(0)
  })
})

describe('the journal', () => {
  it('grows by a line for each operation, for its user alone', async () => {
    const journalFolder = join(temporaryFolder(), 'backups')
    const io = listeningIo({ environment: { USER: 'me' } })
    await writeJournal(io, operation({ journalFolder }), 0)
    await writeJournal(io, operation({ journalFolder }), 1)
    const lines = readFileSync(join(journalFolder, journalName), 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line)).map(({ exitCode, by }) => [exitCode, by])).toEqual([
      [0, `me@${hostname()}`],
      [1, `me@${hostname()}`],
    ])
    expect(statSync(join(journalFolder, journalName)).mode & 0o777).toBe(0o600)
    expect(io.heard).toEqual([])
  })

  it('is written by many at once, line by line', async () => {
    const journalFolder = temporaryFolder()
    await Promise.all(
      Array.from({ length: 50 }, (_, index) => writeJournal(listeningIo(), operation({ journalFolder }), index)),
    )
    const lines = readFileSync(join(journalFolder, journalName), 'utf8').trimEnd().split('\n')
    expect(new Set(lines.map((line) => JSON.parse(line).exitCode)).size).toBe(50)
  })

  it('that is lost fails nothing, and is told', async () => {
    const journalFolder = temporaryFolder()
    mkdirSync(join(journalFolder, journalName))
    const io = listeningIo()
    await writeJournal(io, operation({ journalFolder }), 0)
    expect(io.heard).toEqual([
      expect.stringMatching(/^The journal could not be written \(.*EISDIR.*\); nothing else is affected\.$/),
    ])
  })

  it('has no place before a folder is known', async () => {
    const cwd = temporaryFolder()
    await writeJournal(listeningIo({ cwd }), operation(), 0)
    expect(readdirSync(cwd)).toEqual([])
  })
})

describe('the document of an operation', () => {
  it('holds its exit code, and the failure where there was one', () => {
    const failed = operation({ failure: { code: 20, what: 'Refused', next: ['do it'] } })
    expect(documentOf(failed, 125, end)).toMatchObject({
      version: 1,
      exitCode: 125,
      seconds: 2.5,
      failure: { code: 20, what: 'Refused' },
    })
    expect(documentOf(operation(), 0, end)).not.toHaveProperty('failure')
  })

  it('of a command of ours names no wrapped one', () => {
    expect(documentOf(operation({ wrapped: [] }), 0, end)).not.toHaveProperty('wrapped')
  })
})
