import { describe, expect, test } from 'vitest'
import { LoadFilter, type LoadFilterOptions } from '../../../src/engines/mysql/load-filter.ts'

function filtered(text: string, options: Partial<LoadFilterOptions> = {}, size = 5) {
  const filter = new LoadFilter({ sleepingEvents: true, sandbox: true, ...options })
  const bytes = Buffer.from(text)
  const parts: Buffer[] = []
  for (let at = 0; at < bytes.length; at += size) parts.push(Buffer.from(filter.write(bytes.subarray(at, at + size))))
  parts.push(Buffer.from(filter.end()))
  return { text: Buffer.concat(parts).toString(), changes: filter.changes() }
}

describe('nothing that is loaded reaches another database', () => {
  test.each([
    ['USE `live`;SELECT 1;', 'SELECT 1;'],
    ['USE`victim`;', ''],
    ['use/**/victim;', ''],
    ['DROP DATABASE`victim`;', ''],
    ['DROP -- x\nDATABASE # y\nvictim;', ''],
    ['/*!50003 CREATE*/ /*!50003 OR REPLACE SCHEMA`victim`*/;', ''],
    ['ALTER DATABASE`victim` CHARACTER SET latin1 COLLATE latin1_bin;', ''],
    ['ALTER SCHEMA victim COMMENT "x";', ''],
    ['CREATE DATABASE /*!32312 IF NOT EXISTS*/ `live`;', ''],
    [
      'ALTER DATABASE `li``ve` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;',
      'ALTER DATABASE CHARACTER SET latin1 COLLATE latin1_swedish_ci ;',
    ],
    [
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 trigger `q`.tr before insert on q.`t x` for each row set @a = q.f() */;;',
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 trigger tr before insert on `t x` for each row set @a = q.f() */;;',
    ],
    [
      "/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO SELECT 'ENABLE' */;",
      "/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE DISABLE DO SELECT 'ENABLE' */;",
    ],
    [
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1; */;;',
      'DELIMITER ;;\n/*!50003 CREATE*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = 1 */;;',
    ],
    [
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 /* x; */; */ ;;',
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 /* x; */ */ ;;',
    ],
    [
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 /* x; */ */ ;;',
      'DELIMITER ;;\n/*!50106 CREATE*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY DO SELECT 1 /* x; */ */ ;;',
    ],
    [
      'DELIMITER ;;\nCREATE PROCEDURE `p`() SELECT 1 /* x;*/ ;;\nCREATE PROCEDURE `q`() SELECT 1; ;;',
      'DELIMITER ;;\nCREATE PROCEDURE `p`() SELECT 1 /* x;*/ ;;\nCREATE PROCEDURE `q`() SELECT 1 ;;',
    ],
    [
      "INSERT INTO t VALUES ('USE `live`;'),('é\\'DEFINER=`a`@`b`');",
      "INSERT INTO t VALUES ('USE `live`;'),('é\\'DEFINER=`a`@`b`');",
    ],
  ])('%s', (text, expected) => {
    for (const size of [1, 5, 1000]) expect(filtered(text, {}, size).text).toBe(expected)
  })
})

test('however long the comment in it', () => {
  expect(filtered(`DROP /*${'x'.repeat(5000)}*/ DATABASE victim;`).text).toBe('')
})

const replication = [
  'SET @MYSQLDUMP_TEMP_LOG_BIN = @@SESSION.SQL_LOG_BIN;',
  'SET @@SESSION.SQL_LOG_BIN= 0;',
  "SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ '5ef61da9-e57a-11f1-91c2-02fc00000001:1-68,\n6ef61da9-e57a-11f1-91c2-02fc00000001:1-7';",
  'SET @@SESSION.SQL_LOG_BIN = @MYSQLDUMP_TEMP_LOG_BIN;',
]

test('what the file says of the replication of the server that it came from is left out, and nothing else', () => {
  for (const statement of replication)
    expect(filtered(statement)).toMatchObject({ text: '', changes: { replication: 1 } })
  const others = [
    "SET SQL_MODE='NO_BACKSLASH_ESCAPES', @a = 'SQL_LOG_BIN= 0';",
    "SET @@SESSION.SQL_LOG_BIN= 0, SQL_MODE='NO_BACKSLASH_ESCAPES';",
    "SET @@GLOBAL.GTID_PURGED='\\', SQL_MODE='';",
    'SET @a = 1;',
  ]
  for (const other of others) expect(filtered(other)).toMatchObject({ text: other, changes: { replication: 0 } })
})

test('definers stay, unless only one account may be one', () => {
  const text = 'CREATE DEFINER=`ro ot`@`%` PROCEDURE `p`() SELECT 1;CREATE DEFINER=`app`@`%` PROCEDURE `q`() SELECT 1;'
  expect(filtered(text).text).toBe(text)
  const limited = filtered(text, { onlyDefiner: '`app`@`%`' })
  expect(limited.text).toBe('CREATE  PROCEDURE `p`() SELECT 1;CREATE DEFINER=`app`@`%` PROCEDURE `q`() SELECT 1;')
  expect([...limited.changes.definers]).toEqual(['`ro ot`@`%`'])
})

test('the sandbox line is ours; a client that cannot read it gets none', () => {
  const line = '/*M!999999\\- enable the sandbox mode */ \nSELECT 1;'
  expect(filtered(line).text).toBe(' \nSELECT 1;')
  expect(filtered(line).changes.sandboxRemoved).toBe(false)
  expect(filtered(line, { sandbox: false }).changes.sandboxRemoved).toBe(true)
  expect(new LoadFilter({ sandbox: true, sleepingEvents: false }).start()).toMatch(/^\/\*M!999999\\- enable/)
  expect(new LoadFilter({ sandbox: false, sleepingEvents: false }).start()).not.toContain('sandbox')
})
