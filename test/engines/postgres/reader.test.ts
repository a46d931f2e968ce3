import { describe, expect, inject, test } from 'vitest'
import { RowDigest } from '../../../src/engines/digest.ts'
import { DumpReader, type DumpSummary, type Piece } from '../../../src/engines/postgres/reader.ts'
import { createDatabase, sql } from '../../servers/databases.ts'
import { everything, sinceFourteen } from './everything.ts'
import { dumpOf, targetOf } from './world.ts'

const server = inject('servers').postgres['15']

type Read = { readonly summary: DumpSummary; readonly pieces: readonly Piece[] }

function read(bytes: Buffer, size: () => number): Read {
  const pieces: Piece[] = []
  const reader = new DumpReader((piece) => pieces.push({ ...piece, bytes: Buffer.from(piece.bytes) }))
  for (let at = 0; at < bytes.length; ) {
    const end = at + size()
    const chunk = Buffer.from(bytes.subarray(at, end))
    reader.feed(chunk)
    chunk.fill(0) // it is the giver's again
    at = end
  }
  return { summary: reader.end(), pieces }
}

/** What matters of the pieces, whatever chunks the bytes came in. */
function essence(pieces: readonly Piece[]): unknown[] {
  const kept: { kind: string; line: number; text: string }[] = []
  for (const { kind, line, bytes } of pieces) {
    const last = kept.at(-1)
    if (last?.kind === kind && kind === 'rows') last.text += bytes.toString('latin1')
    else kept.push({ kind, line, text: bytes.toString('latin1') })
  }
  return kept
}

// A small generator with a seed: a failure can be run again.
function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state * 1103515245 + 12345) & 0x7fffffff
    return state % below
  }
}

describe('the reader', () => {
  test('gives the same pieces whatever chunks the bytes come in, and loses none', async () => {
    const name = await createDatabase(server)
    await sql(server, name, everything + sinceFourteen)
    const { bytes, tables, schemaDigest } = await dumpOf(targetOf(server, name))
    const whole = read(bytes, () => bytes.length)
    expect(Buffer.concat(whole.pieces.map((piece) => piece.bytes)).equals(bytes)).toBe(true)
    const dumped = tables.map(({ columns: _, ...table }) => table)
    expect([...whole.summary.tables].sort((a, b) => (a.name < b.name ? -1 : 1))).toEqual(dumped)
    expect(whole.summary.schemaDigest).toBe(schemaDigest)
    for (let seed = 1; seed <= 25; seed++) {
      const next = random(seed)
      const most = [1, 2, 7, 64, 4096][seed % 5] ?? 1
      const split = read(bytes, () => 1 + next(most))
      expect(split.summary).toEqual(whole.summary)
      expect(essence(split.pieces)).toEqual(essence(whole.pieces))
    }
  })

  test('a dump that is cut anywhere is not complete', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE t(a int, b text); INSERT INTO t VALUES (1, $$x;y$$), (2, NULL)')
    const { bytes } = await dumpOf(targetOf(server, name))
    const trailer =
      bytes.indexOf('-- PostgreSQL database dump complete') + '-- PostgreSQL database dump complete'.length
    for (let end = 0; end < trailer; end++) {
      const { summary } = read(bytes.subarray(0, end), () => 4096)
      expect([end, summary.complete]).toEqual([end, false])
    }
    expect(read(bytes, () => 4096).summary.complete).toBe(true)
  })

  test('the digest of a table is that of its lines, whatever chunks they come in and however many COPYs', () => {
    const lines = ['1', '\\\\.', '', 'x'.repeat(100_000), '\\N\t\\N', '\\.x', 'größe', '1', '..', 'abc']
    const digest = new RowDigest()
    for (const line of lines) digest.row(Buffer.from(line))
    const copy = (rows: readonly string[]) => `COPY t FROM stdin;\n${rows.map((row) => `${row}\n`).join('')}\\.\n`
    const between = 'SELECT 1;\nCOPY u FROM stdin;\n1\n\\.\n'
    const text = Buffer.from(copy(lines.slice(0, 4)) + between + copy(lines.slice(4)))
    for (const size of [1, 2, 3, 4, 5, 7, 64, 4096, 65_536, 100_001, text.length]) {
      const [t] = read(text, () => size).summary.tables
      expect([size, t]).toEqual([size, { name: 't', rows: lines.length, digest: digest.toString() }])
    }
  })

  test('rows that go through a root are of the partition that the comment names', () => {
    const data = (name: string, via: string) =>
      `--\n-- Data for Name: ${name}; Type: TABLE DATA; Schema: public; Owner: me\n--\n\n${via}COPY public.all (n) FROM stdin;\n1\n\\.\n\n`
    const text = `${data('Part; 1', '-- load via partition root public.all\n\n')}${data('all', '')}`
    const found = read(Buffer.from(text), () => 7).summary.tables
    expect(found.map(({ name, root }) => [name, root])).toEqual([
      ['public."Part; 1"', 'public.all'],
      ['public.all', undefined],
    ])
  })

  test.each(['\n', '\r\n'])('the end mark of rows is no row, wherever it is cut: %j', (end) => {
    const text = Buffer.from(`COPY t FROM stdin;\n1\n\\.${end}SELECT 1;\n`)
    for (let size = 1; size <= text.length; size++) {
      const { tables, cut } = read(text, () => size).summary
      expect([size, tables[0]?.rows, cut]).toEqual([size, 1, undefined])
    }
  })

  test('a row and a statement of any size are read in constant memory', () => {
    const reader = new DumpReader()
    const feed = (text: string) => reader.feed(Buffer.from(text))
    const megabyte = Buffer.alloc(1 << 20, 'x')
    feed('COPY public.t (a) FROM stdin;\n')
    const before = process.memoryUsage().rss
    for (let i = 0; i < 200; i++) reader.feed(megabyte)
    feed("\n\\.\nSELECT '")
    for (let i = 0; i < 200; i++) reader.feed(megabyte)
    feed("';\n--\n-- PostgreSQL database dump complete\n--\n")
    expect(process.memoryUsage().rss - before).toBeLessThan(100 << 20)
    expect(reader.end()).toMatchObject({ tables: [{ name: 'public.t', rows: 1 }], complete: true })
  })

  test.each([
    ['COPY t FROM stdin;\n\\.\n', [['t', 0]]],
    ['COPY "a.b"."C ""d""" (x, "FROM stdin;") FROM stdin;\n1\n2\n\\.\n', [['"a.b"."C ""d"""', 2]]],
    ['copy BINARY Public.T from STDIN with (format csv);\n1\n\\.\r\n', [['public.t', 1]]],
    ["COPY (SELECT 'FROM stdin') TO stdout;\nSELECT 1;", []],
    ["SELECT 'COPY t FROM stdin;\n1\n\\.\n';", []],
    ['SET client_encoding = \'LATIN1\';\nCOPY "gr\xf6\xdfe" FROM stdin;\n\xe4\n\\.\n', [['"größe"', 1]]],
    ["SET standard_conforming_strings = off;\nSELECT 'a\\'';\nCOPY t FROM stdin;\n1\n\\.\n", [['t', 1]]],
    ["SELECT E'a'\n'\\'';\nCOPY t FROM stdin;\n1\n\\.\n", [['t', 1]]],
    ['SELECT a$b$ FROM x; COPY t FROM stdin;\n1\n\\.\n-- $b$', [['t', 1]]],
    ['SELECT $1$, $é$ ; $é$; COPY t FROM stdin;\n1\n\\.\n', [['t', 1]]],
    ["/* /* ; */ ' */ COPY t FROM stdin;\n1\n\\.\n", [['t', 1]]],
  ])('%j', (text, tables) => {
    const found = read(Buffer.from(text, text.includes('é') ? 'utf8' : 'latin1'), () => 3).summary.tables
    expect(found.map(({ name, rows }) => [name, rows])).toEqual(tables)
  })
})
