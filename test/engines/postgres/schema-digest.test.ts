import { describe, expect, inject, test } from 'vitest'
import { DumpReader } from '../../../src/engines/postgres/reader.ts'
import { createDatabase, quoted, sql } from '../../servers/databases.ts'
import { everything } from './everything.ts'
import { dumpOf, targetOf } from './world.ts'

const server = inject('servers').postgres['15']

function digestOf(text: string, size = 4096): string {
  const reader = new DumpReader()
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; at += size) reader.feed(bytes.subarray(at, at + size))
  return reader.end().schemaDigest
}

describe('the digest of all that is no row', () => {
  test('is the same for two dumps of one database, and another after each change', async () => {
    const name = await createDatabase(server)
    await sql(server, name, everything)
    const digest = async () => (await dumpOf(targetOf(server, name))).schemaDigest
    const seen = [await digest()]
    expect(await digest()).toBe(seen[0])
    await sql(server, name, "INSERT INTO app.users (name) VALUES ('Eve'); SELECT setval('app.users_id_seq', 3)")
    expect(await digest()).toBe(seen[0])
    for (const change of [
      `SELECT nextval('"Seq 1"')`,
      "SELECT lo_put(4711, 39999, '\\x01')",
      'ALTER TABLE app.orders ADD newer int',
      "COMMENT ON TABLE app.orders IS 'x'",
      'GRANT SELECT ON app.orders TO pg_monitor',
      "UPDATE app.users SET name = 'Ann' WHERE id = 1; ALTER VIEW app.v RENAME TO w",
    ]) {
      await sql(server, name, change)
      seen.push(await digest())
    }
    expect(new Set(seen).size).toBe(7)
  })

  test('does not depend on what the database or the role says of how to write', async () => {
    const [plain, set] = [await createDatabase(server), await createDatabase(server)]
    const content = `CREATE TABLE t (at timestamptz, raw bytea, kind regtype); CREATE VIEW v AS SELECT at FROM t;
      INSERT INTO t VALUES ('2026-01-01 12:00+00', '\\x00ff5c', 'information_schema.sql_identifier')`
    for (const name of [plain, set]) await sql(server, name, content)
    for (const setting of [
      "TimeZone = 'Asia/Kolkata'",
      'bytea_output = escape',
      'quote_all_identifiers = on',
      "DateStyle = 'German'",
    ]) {
      await sql(server, set, `ALTER DATABASE ${quoted(server, set)} SET ${setting}`)
    }
    const [one, other] = [await dumpOf(targetOf(server, plain)), await dumpOf(targetOf(server, set))]
    expect(other.tables).toEqual(one.tables)
    expect(other.schemaDigest).toBe(one.schemaDigest)
  })

  const dump = `--
-- PostgreSQL database dump
--

\\restrict aaa

-- Dumped from database version 15.1
-- Dumped by pg_dump version 15.1

SET client_encoding = 'UTF8';
SELECT pg_catalog.set_config('search_path', '', false);
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.a (
    i integer
);
CREATE TABLE public.b (
    i integer
);
BEGIN;
SELECT pg_catalog.lo_open('1', 131072);
SELECT pg_catalog.lowrite(0, '\\x01');
SELECT pg_catalog.lowrite(0, '\\x02');
SELECT pg_catalog.lo_close(0);
SELECT pg_catalog.lo_open('2', 131072);
SELECT pg_catalog.lowrite(0, '\\x03');
SELECT pg_catalog.lo_close(0);
COMMIT;
COPY public.a (i) FROM stdin;
1
\\.
GRANT SELECT ON TABLE public.a TO bob;
GRANT SELECT ON TABLE public.b TO bob;
\\unrestrict aaa
`

  test.each([
    ['rows', (text: string) => text.replace('\n1\n', '\n2\n3\n')],
    ['the order of the columns of rows', (text: string) => text.replace('COPY public.a (i)', 'COPY public.a (i, j)')],
    ['the words of the header', (text: string) => text.replaceAll('15.1', '15.9')],
    ['the token of restrict', (text: string) => text.replaceAll('restrict aaa', 'restrict bbb')],
    ['no restrict', (text: string) => text.replace(/^\\(un)?restrict.*\n/gm, '')],
    ['settings of the session', (text: string) => `SET transaction_timeout = 0;\n${text}`],
    ['the order of statements', (text: string) => moved(text, 'CREATE TABLE public.a (\n    i integer\n);\n')],
    ['large objects outside of a transaction', (text: string) => text.replace('BEGIN;\n', '').replace('COMMIT;\n', '')],
    ['a tablespace said again', (text: string) => text.replace('BEGIN;', "SET default_tablespace = '';\nBEGIN;")],
  ])('does not see %s', (_what, change) => {
    expect(change(dump)).not.toBe(dump)
    expect(digestOf(change(dump))).toBe(digestOf(dump))
  })

  test.each([
    ['a column', (text: string) => text.replace('i integer', 'i bigint')],
    ['a statement less', (text: string) => text.replace('GRANT SELECT ON TABLE public.a TO bob;', '')],
    ['a statement twice', (text: string) => text.replace('BEGIN;', 'GRANT SELECT ON TABLE public.a TO bob;BEGIN;')],
    ['a byte of a large object', (text: string) => text.replace('x02', 'x04')],
    ['pieces of a large object in another order', (text: string) => swapped(text, 'x01', 'x02')],
    ['pieces of another large object', (text: string) => swapped(text, 'x02', 'x03')],
    ['another tablespace', (text: string) => text.replace("tablespace = ''", 'tablespace = fast')],
    [
      'the tablespace of another table',
      (text: string) => text.replace('CREATE TABLE public.b', 'SET default_tablespace = fast;\nCREATE TABLE public.b'),
    ],
    ['another access method', (text: string) => text.replace('= heap', '= columnar')],
    ['another grantor', (text: string) => text.replace('GRANT', "SET SESSION AUTHORIZATION 'eve';\nGRANT")],
  ])('sees %s', (_what, change) => {
    expect(change(dump)).not.toBe(dump)
    expect(digestOf(change(dump))).not.toBe(digestOf(dump))
  })

  test('which of two tables has the tablespace', () => {
    const fast = 'SET default_tablespace = fast;\n'
    const one = dump.replace('CREATE TABLE public.b', `${fast}CREATE TABLE public.b`)
    const other = dump
      .replace('CREATE TABLE public.a', `${fast}CREATE TABLE public.a`)
      .replace('CREATE TABLE public.b', "SET default_tablespace = '';\nCREATE TABLE public.b")
    expect(digestOf(one)).not.toBe(digestOf(other))
    expect(digestOf(moved(one, "SET default_tablespace = '';\n"))).toBe(digestOf(one))
  })

  test('a very long statement counts to its last byte, whatever chunks it comes in', () => {
    const long = (end: string) => `${dump}-- a comment\n\nSELECT '${'x'.repeat(1 << 20)}${end}';\n`
    const digests = [333, 65_536, 1 << 22].map((size) => digestOf(long('a'), size))
    expect(new Set(digests).size).toBe(1)
    expect(digestOf(long('b'))).not.toBe(digests[0])
  })
})

/** The text with this part of it at the end. */
function moved(text: string, part: string): string {
  return text.replace(part, '') + part
}

function swapped(text: string, one: string, other: string): string {
  return text.replace(one, '?').replace(other, one).replace('?', other)
}
