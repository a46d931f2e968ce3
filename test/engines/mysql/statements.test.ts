import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { RowDigest } from '../../../src/engines/digest.ts'
import { createdBy, DumpReader } from '../../../src/engines/mysql/dump-reader.ts'
import { codeOf } from '../../../src/engines/mysql/statement-code.ts'
import { type Piece, StatementSplitter } from '../../../src/engines/mysql/statements.ts'

function split(text: string, size = text.length, dollarQuotes = false): Piece[] {
  const splitter = new StatementSplitter(undefined, dollarQuotes)
  const bytes = Buffer.from(text)
  const pieces: Piece[] = []
  const keep = (found: readonly Piece[]) =>
    pieces.push(...found.map((piece) => ({ ...piece, bytes: Buffer.from(piece.bytes) })))
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    keep(splitter.write(chunk))
    chunk.fill(0) // it is the giver's again
  }
  keep(splitter.end())
  return pieces
}

function statements(text: string, size?: number): string[] {
  return split(text, size)
    .filter(({ kind }) => kind === 'statement')
    .map(({ bytes }) => Buffer.from(bytes).toString())
}

function rowsOf(text: string, size?: number): Record<string, number> {
  const counted: Record<string, number> = {}
  for (const piece of split(text, size))
    if (piece.kind === 'rows') counted[piece.table] = (counted[piece.table] ?? 0) + piece.rows
  return counted
}

function digestsOf(text: string, size: number): Record<string, string> {
  const digests = new Map<string, RowDigest>()
  const splitter = new StatementSplitter((table) => {
    const digest = digests.get(table) ?? new RowDigest()
    digests.set(table, digest)
    return digest
  })
  const bytes = Buffer.from(text)
  // Each chunk is gone after its call, as a buffer that is used again.
  for (let at = 0; at < bytes.length; at += size) {
    const chunk = Buffer.from(bytes.subarray(at, at + size))
    splitter.write(chunk)
    chunk.fill('(')
  }
  splitter.end()
  return Object.fromEntries([...digests].map(([table, digest]) => [table, digest.toString()]))
}

const awkward = readFileSync(join(import.meta.dirname, 'fixtures/awkward.sql'), 'utf8')

const rowsOfEachKind = [
  String.raw`(1,'a),(b;','it''s','\\','\'),(\"',"d\"",${'`x)`'})`,
  String.raw`(-2,_binary 'x\\\'',NULL,0x64656C696D69746572,0xDDDEDL /* ) ' */)`,
  "(3, -- ) (\n  (4),# '\n ((5)),6-1,7/2)",
  '()',
  "('')",
]
const tuples = {
  rows: [...rowsOfEachKind, '(8)', '(9)'],
  insert: `INSERT INTO \`t\` (\`values\`, b) VALUES\n${rowsOfEachKind.join(',\n')};\nINSERT INTO t VALUES (8),(9);\nSELECT (1);`,
}

describe('a dump is split as the mysql client does', () => {
  test('at the delimiter, outside of strings, names and comments', () => {
    expect(statements(awkward)).toEqual([
      "/*!40101 SET @x = 'a;b' */;",
      `SELECT 'it''s; \\' ', "d;\\"", \`b;\\\`, 1 -- ; no\n;`,
      "/*!50003 CREATE*/ /*!50003 TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; SET @b = ';;'; END */;;",
      "/*!50003 SET sql_mode = 'NO_BACKSLASH_ESCAPES' */;",
      "SELECT '\\';",
      '/*!50003 SET sql_mode = @saved */;',
      "SELECT '\\';';",
    ])
  })

  test('its rows are counted', () => {
    expect(rowsOf(awkward)).toEqual({ 't (;`x': 3, g: 2 })
  })

  test('wherever it is cut', () => {
    for (let size = 1; size < 60; size++) {
      expect(statements(awkward, size)).toEqual(statements(awkward))
      expect(rowsOf(awkward, size)).toEqual(rowsOf(awkward))
      expect(Buffer.concat(split(awkward, size).map(({ bytes }) => bytes)).toString()).toBe(awkward)
    }
  })

  test('its rows are given out from parenthesis to parenthesis, wherever it is cut', () => {
    const whole = digestsOf(tuples.insert, tuples.insert.length)
    const expected = new RowDigest()
    for (const row of tuples.rows) expected.row(Buffer.from(row))
    expect(whole).toEqual({ t: expected.toString() })
    for (let at = 1; at < tuples.insert.length; at++) expect(digestsOf(tuples.insert, at)).toEqual(whole)
  })

  test('rows of many chunks too', () => {
    const long = `(1,'${"it\\'s ".repeat(50_000)}',0x${'0D'.repeat(100_000)})`
    const expected = new RowDigest()
    expected.row(Buffer.from(long))
    expected.row(Buffer.from('(-2)'))
    for (const size of [4093, 65_536, 262_144, 1_000_000])
      expect(digestsOf(`INSERT INTO t VALUES ${long},(-2);`, size)).toEqual({ t: expected.toString() })
  })

  test("Oracle's client takes what stands between dollars for a string", () => {
    const [one, two] = ["CREATE LIBRARY a AS $$ it's; $js$ $$;", "CREATE LIBRARY b AS $js$ don't; $$ $j $js$;"]
    for (const size of [1, 7, 1000]) {
      const pieces = split(one + two, size, true).map(({ bytes }) => Buffer.from(bytes).toString())
      expect(pieces).toEqual([one, two])
    }
    const name = 'SELECT a$$, `$$`, @b$c$;'
    expect(split(`${name}SELECT 2;`, 1, true)).toHaveLength(2)
  })

  test('commands of the client are found, NULLs of LOAD DATA are not', () => {
    expect(
      split("SELECT 1;\n\\! ls\n;SELECT \\N, '\\!';").map((piece) => ('command' in piece ? piece.command : undefined)),
    ).toContain('!')
    expect(split("SELECT \\N, '\\!' -- \\!\n;").some((piece) => 'command' in piece)).toBe(false)
  })

  test('the line that shuts the client in a sandbox is no statement', () => {
    expect(statements('/*M!999999\\- enable the sandbox mode */ \nSELECT 1;')).toEqual(['SELECT 1;'])
  })
})

describe('what a statement creates', () => {
  test.each([
    ['CREATE TABLE `a``b` (', { kind: 'table', name: 'a`b' }],
    ['CREATE SEQUENCE `s` start with 1', { kind: 'sequence', name: 's' }],
    [
      '/*!50003 CREATE*/ /*!50017 DEFINER=`r t`@`%`*/ /*!50003 trigger q.tr before insert on q.t',
      { kind: 'trigger', name: 'tr' },
    ],
    ['/*!50106 CREATE*/ /*!50117 DEFINER=`r`@`%`*/ /*!50106 EVENT `e` ON', { kind: 'event', name: 'e' }],
    ['CREATE DEFINER=`r`@`%` PROCEDURE `p x`()', { kind: 'procedure', name: 'p x' }],
    ['CREATE DEFINER=`r`@`%` AGGREGATE FUNCTION `f`()', { kind: 'function', name: 'f' }],
    ['CREATE DEFINER="r"@"%" PACKAGE BODY "k" AS', { kind: 'package body', name: 'k' }],
    [
      '/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`r`@`%` SQL SECURITY DEFINER */\n/*!50001 VIEW `v` AS',
      { kind: 'view', name: 'v' },
    ],
    [
      '/*!50001 CREATE ALGORITHM=UNDEFINED */\n/*!50013 DEFINER=`r`@`%` SQL SECURITY DEFINER */\n/*!50001 JSON RELATIONAL DUALITY VIEW `v` AS',
      { kind: 'view', name: 'v' },
    ],
    ['CREATE LIBRARY `l`\n    LANGUAGE JAVASCRIPT\nAS $$ x $$', { kind: 'library', name: 'l' }],
    ['/*!50001 CREATE VIEW `v` AS SELECT 1 AS `a` */', undefined],
    ['INSERT INTO x', undefined],
  ])('%s', (text, object) => {
    expect(createdBy(codeOf(Buffer.from(text)))).toEqual(object)
  })
})

test('a dump is complete with its last line only', () => {
  const whole = 'CREATE TABLE `t` (a int);\n-- Dump completed on 2026-11-21  0:28:10\n'
  for (const [text, complete] of [
    [whole, true],
    [whole.slice(0, -12), true],
    [whole.slice(0, 30), false],
    [`${whole}SELECT 1;`, false],
  ] as const) {
    const reader = new DumpReader()
    for (const byte of Buffer.from(text)) reader.write(Uint8Array.of(byte))
    expect(reader.end().complete).toBe(complete)
  }
})
