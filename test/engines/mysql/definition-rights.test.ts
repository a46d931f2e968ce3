import { describe, expect, test } from 'vitest'
import { barredFrom, knowsSystemUsers } from '../../../src/engines/mysql/definition-rights.ts'
import type { Definition } from '../../../src/engines/mysql/definitions.ts'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import { mariaRows, startMaria } from '../../servers/mariadb.ts'
import { account, contentOf, dumpOf, failureOf, restoreOf, rows, server, sql, targetOf } from './world.ts'

describe('what only an account with SYSTEM_USER may drop', () => {
  test.each([
    ['mysql', '9.7.4', true],
    ['mysql', '8.4.0', true],
    ['mysql', '8.0.16', true],
    ['mysql', '8.0.15', false],
    ['mysql', '5.7.44', false],
    ['mariadb', '10.11.19-MariaDB', false],
  ] as const)('%s %s knows of it: %s', (flavour, version, knows) => {
    expect(knowsSystemUsers({ flavour, version })).toBe(knows)
  })

  const view = (name: string, definer: string): Definition => ({
    kind: 'view',
    name,
    sql: `CREATE ALGORITHM=UNDEFINED DEFINER=${definer} SQL SECURITY DEFINER VIEW \`${name}\` AS select 1`,
    settings: {},
  })
  const views = [view('a', '`root`@`%`'), view('b', '`other`@`%`'), view('c', '"root"@"%"')]

  test.each([
    ['nobody has it', new Set<string>(), ''],
    ['root has it', new Set(['`root`@`%`', '`root`@`localhost`']), 'a,c'],
    ['it is not known who has it', undefined, 'a,b,c'],
  ])('where %s', (_what, users, barred) => {
    expect(
      barredFrom(views, users)
        .map(({ name }) => name)
        .join(),
    ).toBe(barred)
  })
})

test('what another account defined stays its own where the backup has the same', async () => {
  const name = await createDatabase(server)
  await sql(
    server,
    name,
    `CREATE TABLE t (a int); CREATE VIEW same AS SELECT * FROM t; CREATE VIEW changed AS SELECT 1 AS a;
     CREATE FUNCTION f() RETURNS int RETURN 1; CREATE EVENT e ON SCHEDULE EVERY 1 YEAR DO SELECT 1`,
  )
  const limited = targetOf(
    name,
    await account(uniqueName('u'), 'pw', [`ALL ON \`${name}%\`.*`, 'SELECT ON mysql.proc']),
  )
  const before = await dumpOf(limited)
  await sql(server, name, 'CREATE OR REPLACE VIEW changed AS SELECT 2 AS a; INSERT INTO t VALUES (1)')
  const outcome = await restoreOf(limited, before)
  expect(outcome).toMatchObject({ way: 'swap', notes: [expect.stringContaining('its own where it was created anew')] })
  const definers = await rows(
    name,
    `SELECT TABLE_NAME AS name, DEFINER AS definer, VIEW_DEFINITION AS text FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '${name}'
     UNION ALL SELECT ROUTINE_NAME, DEFINER, '' FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '${name}'
     UNION ALL SELECT EVENT_NAME, DEFINER, STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA = '${name}' ORDER BY 1`,
  )
  const [root, own] = [expect.stringMatching(/^root@/), `${limited.user}@%`]
  expect(definers).toEqual([
    { name: 'changed', definer: own, text: 'select 1 AS `a`' },
    { name: 'e', definer: root, text: 'ENABLED' },
    { name: 'f', definer: root, text: '' },
    { name: 'same', definer: root, text: expect.stringContaining('`t`') },
  ])
})

test('where triggers and functions need SUPER, nothing is dropped that could not come back', async () => {
  const { server: logging, kept } = await startMaria({ settings: { 'log-bin': 'binlog' } })
  try {
    const run = (database: string | undefined, text: string) => mariaRows(logging, database, text)
    await run(
      undefined,
      "CREATE DATABASE shop; CREATE USER app@'%' IDENTIFIED BY 'pw'; GRANT ALL ON shop.* TO app@'%'; GRANT SELECT ON mysql.proc TO app@'%'",
    )
    await run('shop', 'CREATE TABLE t (a int); CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 7')
    const { host, port } = logging
    const target = targetOf('shop', { host, port, user: 'app', password: new Secret('pw') })
    const before = await dumpOf(target)
    const wayBack = contentOf(before.bytes)
    const trust = 'as an administrator: SET GLOBAL log_bin_trust_function_creators = 1;'
    const inPlace = await failureOf(restoreOf(target, before, { wayBack }))
    expect(inPlace).toMatchObject({
      code: 40,
      text: { what: expect.stringContaining('may not create'), next: [trust, expect.anything()] },
    })
    expect((await dumpOf(target)).schemaDigest).toBe(before.schemaDigest)
    await run(undefined, "GRANT ALL ON `shop\\_seatbelt\\_%`.* TO app@'%'")
    const beside = await failureOf(restoreOf(target, before, { wayBack }))
    expect(beside).toMatchObject({
      code: 40,
      text: { what: expect.stringContaining('could not load'), next: [trust, expect.anything()] },
    })
    await run(undefined, 'SET GLOBAL log_bin_trust_function_creators = 1')
    expect(await restoreOf(target, before, { wayBack })).toMatchObject({ way: 'swap' })
  } finally {
    await kept.stop()
  }
})
