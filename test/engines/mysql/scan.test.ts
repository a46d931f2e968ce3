import { describe, expect, test } from 'vitest'
import { ScanReader } from '../../../src/engines/mysql/scan-reader.ts'
import { createDatabase } from '../../servers/databases.ts'
import { dumpOf, runScript, server, targetOf } from './world.ts'

const trailer = '\n-- Dump completed on 2026-11-21  0:28:10\n'

const header = '-- Host: localhost    Database: x\n'
const outside = 'refuse: line 1: a statement for database victim'

function findings(text: string, size = 7): string[] {
  const reader = new ScanReader()
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) reader.write(bytes.subarray(at, at + size))
  return reader.end().map(({ severity, what }) => `${severity}: ${what}`)
}

test('what the dumping client writes of every kind of object is found harmless', async () => {
  const name = await createDatabase(server)
  await runScript(name, 'everything.sql')
  const { bytes } = await dumpOf(targetOf(name))
  expect(findings(bytes.toString('latin1'), 64 * 1024)).toEqual([])
})

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
    [
      'USE of its own',
      `${header}USE \`x\`;${trailer}`,
      'ask: line 2: USE names database x: left out when it is loaded',
    ],
    ['USE', `USE \`other\`;${trailer}`, 'refuse: line 1: USE names database other'],
    ['USE of another', `${header}USE \`other\`;${trailer}`, 'refuse: line 2: USE names database other'],
    ['USE without a blank', `USE\`victim\`;${trailer}`, 'refuse: line 1: USE names database victim'],
    [
      'DROP DATABASE without one',
      `DROP DATABASE\`victim\`;${trailer}`,
      'refuse: line 1: DROP DATABASE names database victim',
    ],
    [
      'a line comment in it',
      `DROP -- x\nDATABASE # y\nvictim;${trailer}`,
      'refuse: line 1: DROP DATABASE names database victim',
    ],
    [
      'ALTER DATABASE',
      `ALTER DATABASE victim READ ONLY = 1;${trailer}`,
      'refuse: line 1: ALTER DATABASE names database victim',
    ],
    ['RENAME TABLE', `RENAME TABLE victim.t TO q2;${trailer}`, outside],
    ['TRUNCATE', `TRUNCATE victim.t;${trailer}`, outside],
    ['REPLACE', `REPLACE victim.t VALUES (1);${trailer}`, outside],
    ['INSERT', `INSERT victim.t VALUES (1);${trailer}`, outside],
    ['INSERT quoted', `INSERT INTO\`victim\`.\`t\` VALUES (1);${trailer}`, outside],
    ['INSERT SELECT', `INSERT INTO t SELECT * FROM victim.t;${trailer}`, outside],
    ['OR REPLACE', `CREATE OR REPLACE TABLE victim.t(a int);${trailer}`, outside],
    ['the second of a list', `DROP TABLE q, victim.t;${trailer}`, outside],
    ['a MERGE table', `CREATE TABLE m (a int) ENGINE=MERGE UNION=(\`victim\`.\`t\`);${trailer}`, outside],
    [
      'its own, qualified',
      `${header}INSERT INTO x.t VALUES (1);${trailer}`,
      'refuse: line 2: a statement for database x',
    ],
    [
      'a trigger',
      `CREATE TRIGGER a BEFORE INSERT ON t FOR EACH ROW DELETE FROM victim.t;${trailer}`,
      'refuse: line 1: a trigger that works in database victim',
    ],
    ['PREPARE', `PREPARE s FROM 'x';${trailer}`, 'refuse: line 1: PREPARE runs what cannot be read here'],
    ['EXECUTE', `EXECUTE IMMEDIATE 'x';${trailer}`, 'refuse: line 1: EXECUTE runs what cannot be read here'],
    ['what no dump has', `CALL p();${trailer}`, 'ask: line 1: a statement that no dump needs: CALL P'],
    [
      'DELIMITER in a statement',
      `CREATE TABLE t (a int) delimiter ;\nUSE x;${trailer}`,
      'refuse: line 1: the client command delimiter',
    ],
    [
      'a mode that only some servers set',
      `/*!50003 SET sql_mode='NO_BACKSLASH_ESCAPES' */;/*!99999 SET sql_mode='' */;${trailer}`,
      'refuse: line 1: sql_mode is set in a way that no dump needs',
    ],
    [
      'CREATE DATABASE',
      `${header}/*!40000 CREATE DATABASE IF NOT EXISTS x */;${trailer}`,
      'ask: line 2: CREATE DATABASE names database x: left out when it is loaded',
    ],
    [
      'DROP DATABASE',
      `${header}DROP DATABASE IF EXISTS x;${trailer}`,
      'ask: line 2: DROP DATABASE names database x: left out when it is loaded',
    ],
    ['another database', `INSERT INTO other.t VALUES (1);${trailer}`, 'refuse: line 1: a statement for database other'],
    ['a table of another', `DROP TABLE IF EXISTS \`o\`.\`t\`;${trailer}`, 'refuse: line 1: a statement for database o'],
    [
      'LOAD DATA',
      `LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;${trailer}`,
      'refuse: line 1: LOAD DATA reads a file',
    ],
    [
      'what only some clients take for a string',
      `SELECT 1, $$ ' $$; DROP DATABASE x; -- '${trailer}`,
      'refuse: line 1: a quote of dollars, which not every client reads',
    ],
    [
      'such a quote behind a long word',
      `SELECT (@$a_long_word_of_more_than_a_chunk$ ' $a_long_word_of_more_than_a_chunk$); -- '${trailer}`,
      'refuse: line 1: a quote of dollars, which not every client reads',
    ],
    ['GRANT', `GRANT ALL ON *.* TO x;${trailer}`, 'ask: line 1: accounts or rights are changed'],
    ['SET GLOBAL', `SET GLOBAL x = 1;${trailer}`, "ask: line 1: the server's settings are changed"],
    ['SET @@GLOBAL', `SET @@GLOBAL.x = 1;${trailer}`, "ask: line 1: the server's settings are changed"],
    [
      'GTID_PURGED',
      `SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'x:1-5';${trailer}`,
      'ask: line 1: it is of replication (GTID_PURGED, SQL_LOG_BIN): left out when it is loaded',
    ],
    [
      'no binary log',
      `SET @@SESSION.SQL_LOG_BIN= 0;${trailer}`,
      'ask: line 1: it is of replication (GTID_PURGED, SQL_LOG_BIN): left out when it is loaded',
    ],
  ])('%s', (_, text, finding) => {
    expect(findings(text)).toContain(finding)
    expect(findings(text, 100_000)).toEqual(findings(text))
  })

  test('strings, names and comments are no commands', () => {
    const text = `/*M!999999\\- enable the sandbox mode */ \n/*!40101 SET @a = @@b */;
CREATE TABLE \`a\\!\` (a int); -- \\! ls
/* \\! ls */ INSERT INTO t VALUES ('
system ls
\\\\! USE x; \\'; GRANT'),(2); INSERT INTO t VALUES ('$$'), ("$$"); CREATE TABLE \`$$\` (a$$ int, $b int);
DELIMITER $$
CREATE PROCEDURE q() SELECT 1 AS a$b$ $$
DELIMITER ;;
ALTER DATABASE \`q\` CHARACTER SET latin1 COLLATE latin1_bin ;;
CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 'use x'; END ;;
DELIMITER ;${trailer}`
    expect(findings(text)).toEqual([])
  })
})
