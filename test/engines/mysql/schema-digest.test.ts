import { describe, expect, test } from 'vitest'
import { DumpReader } from '../../../src/engines/mysql/dump-reader.ts'
import { SchemaDigest } from '../../../src/engines/mysql/schema-digest.ts'

function schemaOf(text: string, slept?: ReadonlySet<string>): string {
  const reader = new DumpReader(new SchemaDigest(slept))
  reader.write(Buffer.from(text))
  return reader.end().schema.toString()
}

const dump = `-- MariaDB dump 10.19  Distrib 10.11.19-MariaDB, for debian-linux-gnu (x86_64)
-- Host: 127.0.0.1    Database: shop
/*!40101 SET NAMES utf8mb4 */;
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
DROP TABLE IF EXISTS \`t\`;
/*!40101 SET character_set_client = utf8mb4 */;
CREATE TABLE \`t\` (\`id\` int(11) NOT NULL AUTO_INCREMENT) ENGINE=InnoDB AUTO_INCREMENT=5;
LOCK TABLES \`t\` WRITE;
/*!40000 ALTER TABLE \`t\` DISABLE KEYS */;
INSERT INTO \`t\` VALUES
(1),(2);
/*!40000 ALTER TABLE \`t\` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;
/*!50003 SET collation_connection  = utf8mb4_general_ci */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 trigger a before insert on t for each row set new.id = 1 */;;
/*!50003 CREATE*/ /*!50017 DEFINER=\`root\`@\`localhost\`*/ /*!50003 trigger b before insert on t for each row set new.id = 2 */;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
SET @saved_cs_client     = @@character_set_client;
/*!50001 CREATE VIEW \`v\` AS SELECT
 NULL AS \`id\` */;
CREATE SEQUENCE \`s\` start with 1 minvalue 1 maxvalue 9 increment by 1 cache 1000 nocycle ENGINE=InnoDB;
DO SETVAL(\`s\`, 5, 0);
/*!50003 SET sql_mode              = '' */ ;
/*!50003 SET collation_connection  = latin1_swedish_ci */ ;
/*!50003 SET time_zone             = 'SYSTEM' */ ;
/*!50106 CREATE*/ /*!50117 DEFINER=\`root\`@\`localhost\`*/ /*!50106 EVENT \`e\` ON SCHEDULE EVERY 1 DAY ON COMPLETION NOT PRESERVE ENABLE DO SELECT 'ENABLE' */ ;
ALTER DATABASE \`shop\` CHARACTER SET latin1 COLLATE latin1_swedish_ci ;
/*!50001 SET collation_connection      = utf8mb4_general_ci */;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=\`root\`@\`localhost\` SQL SECURITY DEFINER */
/*!50001 VIEW \`v\` AS select 1 AS \`id\` */;
-- Dump completed on 2026-11-21  0:28:10
`

describe("the digest of a dump's schema", () => {
  test.each([
    ['the header', 'Distrib 10.11.19', 'Distrib 10.11.20'],
    ['a client that says less', "/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;\n", ''],
    ['a client that says more', 'DROP TABLE', "SET SQL_MODE='';\nDROP TABLE"],
    ['what is dropped before it is made', 'DROP TABLE IF EXISTS `t`;', ''],
    ['locks', 'UNLOCK TABLES;', ''],
    ['keys that are made at the end', '/*!40000 ALTER TABLE `t` ENABLE KEYS */;', ''],
    ['when it was made', '0:28:10', '1:00:00'],
    ['rows', '(1),(2)', '(1),(3),(4)'],
    ['the stand-in of a view', 'NULL AS', '1 AS'],
    ['a trigger that names the database', 'trigger a before insert on t', 'trigger `shop`.a before insert on shop.t'],
    ["a semicolon at a trigger's end", 'new.id = 2 */;;', 'new.id = 2; */;;'],
    ["the database's name", 'ALTER DATABASE `shop`', 'ALTER DATABASE `shop_seatbelt_01234567_new`'],
  ])('does not see %s', (_what, before, after) => {
    expect(dump).toContain(before)
    expect(schemaOf(dump.replace(before, after))).toBe(schemaOf(dump))
  })

  test.each([
    ['a column', '`id` int(11)', '`id` bigint(20)'],
    ['the next number', 'AUTO_INCREMENT=5', 'AUTO_INCREMENT=6'],
    ["a trigger's text", 'set new.id = 1', 'set new.id = 3'],
    ["a trigger's sql_mode", "'STRICT_TRANS_TABLES'", "''"],
    ["an event's sql_mode", "= '' */", "= 'ANSI' */"],
    ["a view's collation", 'collation_connection      = utf8mb4_general_ci', 'collation_connection      = utf8mb4_bin'],
    ["a trigger's collation", 'utf8mb4_general_ci */ ;', 'utf8mb4_unicode_ci */ ;'],
    ['the order of triggers', /(.*trigger a.*\n)(.*trigger b.*\n)/, '$2$1'],
    ['a sequence', 'maxvalue 9', 'maxvalue 8'],
    ["a sequence's value", 'SETVAL(`s`, 5, 0)', 'SETVAL(`s`, 6, 0)'],
    ['an event that was disabled', 'PRESERVE ENABLE', 'PRESERVE DISABLE'],
    ["an event's time zone", "'SYSTEM'", "'+00:00'"],
    [
      'the charset of what follows',
      'CHARACTER SET latin1 COLLATE latin1_swedish_ci',
      'CHARACTER SET ascii COLLATE ascii_bin',
    ],
    ["a view's definer", '/*!50013 DEFINER=`root`', '/*!50013 DEFINER=`app`'],
    ["a view's text", 'select 1', 'select 2'],
    ['a view that is gone', /\/\*!50001 CREATE ALGORITHM[\s\S]*?;\n/, ''],
  ])('sees %s', (_what, before, after) => {
    expect(dump.replace(before, after)).not.toBe(dump)
    expect(schemaOf(dump.replace(before, after))).not.toBe(schemaOf(dump))
  })

  test('an event that only sleeps here counts as enabled', () => {
    const asleep = dump.replace('PRESERVE ENABLE', 'PRESERVE DISABLE')
    expect(schemaOf(asleep, new Set(['e']))).toBe(schemaOf(dump))
    expect(schemaOf(asleep, new Set(['other']))).not.toBe(schemaOf(dump))
  })

  test('does not depend on where it is cut', () => {
    const reader = new DumpReader()
    for (const byte of Buffer.from(dump)) reader.write(Uint8Array.of(byte))
    expect(reader.end().schema.toString()).toBe(schemaOf(dump))
  })
})
