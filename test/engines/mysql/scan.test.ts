import { describe, expect, test } from 'vitest'
import { ScanReader } from '../../../src/engines/mysql/scan-reader.ts'

const trailer = '\n-- Dump completed on 2026-11-21  0:28:10\n'

function findings(text: string, size = 7): string[] {
  const reader = new ScanReader()
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size))
  return reader.end().map(({ severity, what }) => `${severity}: ${what}`)
}

describe('a foreign file', () => {
  test.each([
    ['nothing', '', 'refuse: the file is empty'],
    [
      'a cut one',
      'CREATE TABLE t (a int);\n',
      'ask: the line "-- Dump completed" is missing at its end: it may be cut off',
    ],
    [
      'PostgreSQL',
      '--\n-- PostgreSQL database dump\n--\nSET x = 1;',
      'refuse: it is a dump of PostgreSQL, not of MySQL',
    ],
    ['pg_dump -Fc', 'PGDMP\u0001\u000e', 'refuse: it is an archive of pg_dump, not a MySQL dump'],
    ['SQLite', 'SQLite format 3\0xxx', 'refuse: it is a SQLite database, not a MySQL dump'],
    ['SQLite text', 'PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;', 'refuse: it is a dump of SQLite, not of MySQL'],
    ['gzip', '\u001f\u008b\b', 'refuse: it is compressed, but its name does not say so'],
    ['no text', 'abc\0def', 'refuse: it is no SQL text'],
    ['comments only', `-- x${trailer}`, 'refuse: there is no statement in it'],
    ['\\!', `SELECT 1;\n\n\\! rm -rf x\n${trailer}`, 'refuse: line 3: the client command \\!'],
    ['\\! in executable code', `/*!50003 SELECT 1 \\! ls */;${trailer}`, 'refuse: line 1: the client command \\!'],
    ['system', `SELECT 1;\nsystem ls\n;${trailer}`, 'refuse: line 2: the client command system'],
    ['SOURCE', `SELECT 1;\n  SOURCE /etc/x;${trailer}`, 'refuse: line 2: the client command SOURCE'],
    [
      'tee after a delimiter',
      `DELIMITER //\nSELECT 1//\ntee /tmp/x\n//${trailer}`,
      'refuse: line 3: the client command tee',
    ],
    ['USE', `USE \`other\`;${trailer}`, 'ask: USE names database other: left out when it is loaded'],
    [
      'CREATE DATABASE',
      `/*!40000 CREATE DATABASE IF NOT EXISTS x */;${trailer}`,
      'ask: CREATE DATABASE names database x: left out when it is loaded',
    ],
    [
      'DROP DATABASE',
      `DROP DATABASE IF EXISTS x;${trailer}`,
      'ask: DROP DATABASE names database x: left out when it is loaded',
    ],
    ['another database', `INSERT INTO other.t VALUES (1);${trailer}`, 'refuse: line 1: a statement for database other'],
    ['a table of another', `DROP TABLE IF EXISTS \`o\`.\`t\`;${trailer}`, 'refuse: line 1: a statement for database o'],
    [
      'LOAD DATA',
      `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;${trailer}`,
      'refuse: line 1: LOAD DATA reads a file',
    ],
    ['GRANT', `GRANT ALL ON *.* TO x;${trailer}`, 'ask: line 1: accounts or rights are changed'],
    ['SET GLOBAL', `SET GLOBAL x = 1;${trailer}`, "ask: line 1: the server's settings are changed"],
    ['SET @@GLOBAL', `SET @@GLOBAL.GTID_PURGED='x';${trailer}`, "ask: line 1: the server's settings are changed"],
  ])('%s', (_, text, finding) => {
    expect(findings(text)).toContain(finding)
    expect(findings(text, 100_000)).toEqual(findings(text))
  })

  test('strings, names and comments are no commands', () => {
    const text = `/*M!999999\\- enable the sandbox mode */ \n/*!40101 SET @a = 1 */;
CREATE TABLE \`a\\!\` (a int); -- \\! ls
/* \\! ls */ INSERT INTO t VALUES ('
system ls
\\\\! USE x; \\'; GRANT'),(2);
DELIMITER ;;
ALTER DATABASE \`q\` CHARACTER SET latin1 ;;
CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 'use x'; END ;;
DELIMITER ;${trailer}`
    expect(findings(text)).toEqual([])
  })
})
