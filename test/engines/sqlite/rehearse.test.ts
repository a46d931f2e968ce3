import { readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Rehearsal } from '../../../src/engines/engine.ts'
import { sqlite } from '../../../src/engines/sqlite/engine.ts'
import { contentOf, copyOf, failureOf, ioWith, make, target, temporaryFolder } from './databases.ts'

async function rehearsed(path: string, copy: string, step = (_: string) => {}, io = ioWith()): Promise<Rehearsal> {
  const request = { target: target(path), content: contentOf(copy), properties: {}, step }
  return (await sqlite.rehearse?.(io, request)) ?? { tables: [], notes: [] }
}

const rich = [
  'CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, a)',
  'INSERT INTO t (a) VALUES (1), (zeroblob(100000))',
  'CREATE TABLE keyed (k TEXT PRIMARY KEY) WITHOUT ROWID',
  "INSERT INTO keyed VALUES ('a')",
  'CREATE VIRTUAL TABLE notes USING fts5(body)',
  "INSERT INTO notes VALUES ('fox')",
  'PRAGMA user_version = 7',
]

describe('a rehearsal', () => {
  it.each(['delete', 'wal'])('finds what was dumped, and touches nothing (journal_mode %s)', async (mode) => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), `PRAGMA journal_mode = ${mode}`, ...rich)
    const { tables, schemaDigest } = await copyOf(live, folder.at('copy'))
    make(live, 'DELETE FROM t')
    const before = readFileSync(live)
    const steps: string[] = []
    expect(await rehearsed(live, folder.at('copy'), (name) => steps.push(name))).toEqual({
      tables,
      schemaDigest,
      notes: [],
    })
    expect(steps).toEqual(['loading', 'comparing'])
    expect(readFileSync(live).equals(before)).toBe(true)
    expect(folder.names()).toEqual(['copy', 'live.db'])
  })

  it('is made beside the file that a link names, and says what only SQLite finds', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), 'CREATE TABLE t (a         )', 'INSERT INTO t VALUES (NULL)')
    writeFileSync(live, readFileSync(live, 'latin1').replace('(a         )', '(a NOT NULL)'), 'latin1')
    await copyOf(live, folder.at('copy'))
    using links = temporaryFolder()
    symlinkSync(live, links.at('link.db'))
    const seen: string[] = []
    const look = () => void seen.push(...folder.names().filter((name) => name.endsWith('.tmp')))
    const { notes } = await rehearsed(links.at('link.db'), folder.at('copy'), look)
    expect(notes).toEqual(["SQLite's check found: NULL value in t.a"])
    expect(seen).toEqual([expect.stringMatching(/^\.live\.db\.seatbelt-/)])
    expect(links.names()).toEqual(['link.db'])
  })

  it('is made in the temporary folder where there is no other', async () => {
    using folder = temporaryFolder()
    const { tables } = await copyOf(make(folder.at('x.db'), ...rich), folder.at('copy'))
    const name = `gone-${basename(folder.path)}.db`
    const seen: string[] = []
    const look = () => void seen.push(...readdirSync(tmpdir()).filter((file) => file.startsWith(`.${name}`)))
    expect((await rehearsed(`/no/such/folder/${name}`, folder.at('copy'), look)).tables).toEqual(tables)
    expect(seen).toHaveLength(1)
    look()
    expect(seen).toHaveLength(1)
  })

  it('leaves another one alone, and removes what a killed one left', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), ...rich)
    await copyOf(live, folder.at('copy'))
    writeFileSync(folder.at(`.live.db.seatbelt-${process.pid}-0123abcd.tmp`), 'left by another process of this number')
    writeFileSync(folder.at('.live.db.seatbelt-999999999-0123abcd.tmp-wal'), 'left')
    const others: Promise<Rehearsal>[] = []
    const startAnother = (name: string) =>
      void (name === 'comparing' && others.push(rehearsed(live, folder.at('copy'))))
    const first = await rehearsed(live, folder.at('copy'), startAnother)
    expect(await Promise.all(others)).toEqual([first])
    expect(folder.names()).toEqual(['copy', 'live.db'])
  })
})

describe('a rehearsal that fails', () => {
  it.each<[string, (copy: Buffer) => Buffer, RegExp]>([
    ['of a backup that is cut off', (copy) => copy.subarray(0, 8192), /cut off/],
    ['of an empty one', (copy) => copy.subarray(0, 0), /not a SQLite database/],
    ['of a damaged one', (copy) => copy.fill(0xaa, 4096, 8192), /damage|malformed/],
  ])('%s says so and leaves nothing', async (_, change, why) => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), ...rich)
    await copyOf(live, folder.at('copy'))
    writeFileSync(folder.at('copy'), change(readFileSync(folder.at('copy'))))
    const failure = await failureOf(rehearsed(live, folder.at('copy')))
    expect([failure.code, failure.text.why?.join()]).toEqual([40, expect.stringMatching(why)])
    expect(failure.text.what).toContain('was not touched')
    expect(folder.names()).toEqual(['copy', 'live.db'])
  })

  it('when it is interrupted leaves nothing', async () => {
    using folder = temporaryFolder()
    const live = make(folder.at('live.db'), ...rich)
    await copyOf(live, folder.at('copy'))
    const controller = new AbortController()
    const stop = () => controller.abort(new Error('interrupted'))
    const failure = await failureOf(rehearsed(live, folder.at('copy'), stop, ioWith(controller.signal)))
    expect(failure.message).toBe('interrupted')
    expect(folder.names()).toEqual(['copy', 'live.db'])
  })
})
