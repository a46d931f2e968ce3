import { describe, expect, inject, test } from 'vitest'
import type { Finding } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { createDatabase, sql } from '../../servers/databases.ts'
import { everything } from './everything.ts'
import { contentOf, dumpOf, ioFor, targetOf } from './world.ts'

const server = inject('servers').postgres['15']

const before = "--\n-- PostgreSQL database dump\n--\n\nSET client_encoding = 'UTF8';\n"
const after = '\n--\n-- PostgreSQL database dump complete\n--\n\n'

async function scan(text: string | Uint8Array): Promise<readonly Finding[]> {
  return postgres.scan(ioFor(), contentOf(text))
}

async function within(sql: string): Promise<string[]> {
  return (await scan(before + sql + after)).map(({ severity, what }) => `${severity} ${what}`)
}

describe('scan', () => {
  test('a real dump of everything asks for its extensions and rights alone', async () => {
    const name = await createDatabase(server)
    await sql(server, name, everything)
    const found = await scan((await dumpOf(targetOf(server, name))).bytes)
    expect(found.map(({ severity }) => severity)).toEqual(['ask', 'ask'])
    expect(found[0]?.what).toMatch(/^line \d+: installs an extension: CREATE EXTENSION/)
  })

  test.each([
    ['', 'empty'],
    ['\n', 'no dump of pg_dump'],
    ['-- MySQL dump 10.13', 'MySQL'],
    ['/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump 10.19', 'MariaDB'],
    ['SQLite format 3\0', 'SQLite'],
    ['PGDMP\x01', 'pg_restore'],
    [`toc.dat\0`, 'pg_restore'],
    [before, 'cut off'],
    [`${before}COPY t (a) FROM stdin;\n1\n2\n`, 'cut off'],
    [`${before}CREATE TABLE t (a in`, 'cut off'],
    [`${before}SELECT '${after}`, 'cut off'],
    [`${before}COPY t (a) FROM stdin;\n${after}`, 'cut off'],
    [`${before}${after}SELECT 1;`, 'cut off'],
  ])('%j is refused', async (text, why) => {
    const [first] = await scan(text)
    expect(first?.severity).toBe('refuse')
    expect(first?.what).toContain(why)
  })

  test.each([
    ['\\! touch /tmp/x', 'line 6: a command of psql that can run programs'],
    ['SELECT 1 \\g |sh', 'line 6: a command of psql that can run programs'],
    ["SELECT 'a' \\o /tmp/x\n;", 'line 6: a command of psql'],
    ["SELECT E'\\'' \\! x '", 'line 6: a command of psql'],
    ['SELECT $a$ $b$ $a$ \\! x', 'line 6: a command of psql'],
    ['SELECT 1; /* /* */ */ \\copy t from program x', 'line 6: a command of psql'],
    ['CREATE TABLE t(a int);\nCOPY t FROM stdin;\n1\n\\.\n\\! x', 'line 10: a command of psql'],
    ['COPY t FROM stdin; \\! x\n1\n\\.\n', 'a command of psql'],
    ["COPY t FROM PROGRAM 'x';", 'line 6: COPY … PROGRAM'],
    ["COPY t TO '/tmp/x';", 'line 6: COPY reads or writes a file'],
    ["COPY t FROM '/etc/passwd';", 'line 6: COPY reads or writes a file'],
    ["ALTER /* x */ SYSTEM SET a = 'b';", 'line 6: changes the settings of the whole server'],
    ["LOAD 'x';", 'line 6: loads a library'],
    ["SET client_encoding = 'SJIS';", 'line 6: an encoding'],
    ['\\connect a\n\\connect b', 'line 7: connects to several databases'],
  ])('%j is refused', async (text, finding) => {
    const found = await within(text)
    expect(found.join('\n')).toContain(`refuse ${finding.startsWith('line') ? finding : 'line 6: '}`)
    expect(found.join('\n')).toContain(finding)
  })

  test.each([
    ['-- x\n\nDROP DATABASE shop;', 'line 8: is about a database as such'],
    ['\\connect shop', 'line 6: names another database'],
    ['CREATE ROLE bob;', 'line 6: changes the roles'],
    ['GRANT admin TO bob;', 'line 6: makes a role a member'],
    ['GRANT SELECT ON TABLE t TO bob;', 'line 6: gives rights'],
    ['CREATE EXTENSION x;', 'line 6: installs an extension'],
    ['DO $$ BEGIN END $$;', 'line 6: runs code'],
    ['SET ROLE x;', 'line 6: acts as another role'],
    ['SELECT public.f();', 'line 6: runs a query that pg_dump never writes'],
    ["SELECT pg_catalog.setval('s', (SELECT f()));", 'line 6: runs a query'],
    ["SELECT pg_catalog.lo_export(1, '/tmp/x');", 'line 6: runs a query'],
    ["SELECT pg_catalog.set_config('session_authorization', 'x', false);", 'line 6: runs a query'],
    ["SELECT setval('s', 1, true);", 'line 6: runs a query'],
    ['WITH x AS (SELECT f()) SELECT 1;', 'line 6: runs a query'],
    ['(SELECT f());', 'line 6: runs a query'],
  ])('%j is asked for', async (text, finding) => {
    expect((await within(text)).join('\n')).toContain(`ask ${finding}`)
  })

  test.each([
    "COMMENT ON TABLE t IS '\\! x';",
    "SELECT pg_catalog.set_config('search_path', '', false);\nSELECT pg_catalog.setval('public.s', -7, true);",
    "SELECT pg_catalog.lo_create('1');\nSELECT pg_catalog.lo_open('1', 131072);\nSELECT pg_catalog.lowrite(0, '\\x00');\nSELECT pg_catalog.lo_close(0);",
    "SELECT * FROM pg_catalog.pg_restore_relation_stats('version', '180000'::integer, 'relpages', '1'::integer);",
    'COPY t (a) FROM stdin;\n\\! x\n\\\\.\n\\N\n\\.\n',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $_$ \\! x; COPY t FROM PROGRAM $_$;',
    '/* \\! x */ CREATE TABLE "\\! x"();',
    '\\restrict abc\n\\unrestrict abc',
    'CREATE FUNCTION f(x int) RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END;',
    'CREATE RULE r AS ON INSERT TO t DO INSTEAD (SELECT 1; SELECT 2);',
  ])('%j is fine', async (text) => {
    expect(await within(text)).toEqual([])
  })
})
