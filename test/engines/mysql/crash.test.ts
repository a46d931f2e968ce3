import { describe, expect, test } from 'vitest'
import { type Connection, openConnection } from '../../../src/engines/mysql/connection.ts'
import { readDefinitions } from '../../../src/engines/mysql/definitions.ts'
import { createMarker } from '../../../src/engines/mysql/marker.ts'
import { besideName, quoteName } from '../../../src/engines/mysql/names.ts'
import { swap, tableNames } from '../../../src/engines/mysql/swap.ts'
import { swapPlan } from '../../../src/engines/mysql/swap-plan.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  comparable,
  contentOf,
  databasesLike,
  dumpOf,
  failureOf,
  ioFor,
  listeningIo,
  openSession,
  restoreOf,
  rows,
  server,
  sql,
  targetOf,
} from './world.ts'

const id = '0123abcd'

const content = (word: string) => `
  CREATE TABLE parent (id int PRIMARY KEY, word varchar(9)); INSERT INTO parent VALUES (1, '${word}');
  CREATE TABLE child (id int, CONSTRAINT named FOREIGN KEY (id) REFERENCES parent (id)); INSERT INTO child VALUES (1);
  CREATE TABLE ${word}_only (a int);
  CREATE TRIGGER tr BEFORE INSERT ON parent FOR EACH ROW SET NEW.word = '${word}';
  CREATE VIEW a_view AS SELECT '${word}' AS word, id FROM parent; CREATE VIEW b_view AS SELECT * FROM a_view;
  CREATE PROCEDURE pr() SELECT '${word}'`

/** A live database and, beside it, a scratch database that was loaded and compared. */
async function readyToSwap(connection: Connection) {
  const live = await createDatabase(server)
  const scratch = besideName(live, id, 'new')
  await sql(server, undefined, `CREATE DATABASE ${quoteName(scratch)}`)
  await sql(server, live, content('old'))
  await sql(server, scratch, content('new'))
  const stateOf = async (name: string) => ({
    tables: [...(await tableNames(connection, name))],
    definitions: await readDefinitions(connection, name),
  })
  const charset = { charset: 'utf8mb4', collation: 'utf8mb4_general_ci' }
  const creating = { database: live, flavour: 'mariadb', charset, grants: [] } as const
  await sql(server, live, 'ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci')
  const facts = {
    live,
    scratch,
    old: besideName(live, id, 'old'),
    enabledEvents: new Set<string>(),
    lostDefiners: new Set<string>(),
    creating,
  }
  const plan = swapPlan({ ...facts, was: await stateOf(live), comes: await stateOf(scratch) })
  await createMarker(connection, scratch, live, { state: 'loading' })
  return { live, plan }
}

async function connected(): Promise<Connection> {
  const route = { kind: 'tcp', host: server.host, port: server.port } as const
  return openConnection(ioFor(), { target: targetOf('x'), route, tls: { mode: 'disable' } })
}

/** A connection of a process that is killed before its nth statement. */
function dyingAt(connection: Connection, number: number): Connection & { readonly died: () => boolean } {
  let statements = 0
  return {
    ...connection,
    died: () => statements >= number,
    query: async (text, values) => {
      if (++statements >= number) throw new Error('killed')
      return connection.query(text, values)
    },
  }
}

async function wordsOf(live: string) {
  const [row] = await rows(live, 'SELECT p.word FROM parent p JOIN child c ON c.id = p.id')
  return String(row?.['word'])
}

describe('a process that is killed between any two statements of a swap', () => {
  test('leaves the old tables or the new ones, and the next run makes them whole', async () => {
    const outcomes: string[] = []
    for (let number = 1; ; number++) {
      const connection = await connected()
      const { live, plan } = await readyToSwap(connection)
      const before = comparable((await dumpOf(targetOf(live))).bytes)
      const dying = dyingAt(connection, number)
      const ended = await swap(dying, plan).then(
        () => 'swapped',
        () => 'killed',
      )
      await connection.end()
      const word = await wordsOf(live)
      expect(
        await rows(
          live,
          "SELECT COUNT(*) AS number FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_TYPE = 'BASE TABLE'",
        ),
      ).toEqual([{ number: 3 }])
      const { io, warnings } = listeningIo()
      const session = await openSession(targetOf(live), io)
      await session.lock(1)
      await session.close()
      expect(await databasesLike(`${live}\\_seatbelt%`)).toEqual([])
      expect(await wordsOf(live)).toBe(word)
      const after = comparable((await dumpOf(targetOf(live))).bytes)
      if (word === 'old') expect(after).toBe(before)
      else expect(after.replaceAll('new', 'old')).toBe(before)
      if (ended === 'killed') expect(warnings.join()).toMatch(/interrupted restore/)
      outcomes.push(`${ended} ${word} ${warnings.length}`)
      if (ended === 'swapped') break
    }
    expect(new Set(outcomes)).toEqual(new Set(['killed old 1', 'killed new 1', 'swapped new 0']))
    expect(outcomes.length).toBeGreaterThan(15)
  })
})

test('a session that comes between the locks and the swap: what was dropped comes back at once', async () => {
  const connection = await connected()
  const { live, plan } = await readyToSwap(connection)
  const before = comparable((await dumpOf(targetOf(live))).bytes)
  const other = await connected()
  const query: Connection['query'] = async (text, values) => {
    if (text.startsWith('RENAME')) {
      await other.query('START TRANSACTION')
      await other.query(`SELECT * FROM ${quoteName(live)}.parent`)
      setTimeout(() => void other.query('COMMIT'), 7000)
    }
    return connection.query(text, values)
  }
  const failure = await failureOf(swap({ ...connection, query }, plan))
  expect(failure).toMatchObject({ code: 40, all: expect.stringContaining('in use') })
  expect(comparable((await dumpOf(targetOf(live))).bytes)).toBe(before)
  await other.end()
  await connection.end()
}, 40_000)

test('what an interrupted restore left while loading is removed; what only looks like it stays', async () => {
  const live = await createDatabase(server)
  const connection = await connected()
  const marked = besideName(live, id, 'new')
  const [empty, foreign] = [besideName(live, '11111111', 'new'), besideName(live, '22222222', 'new')]
  for (const name of [marked, empty, foreign]) await createDatabase(server, name)
  await createMarker(connection, marked, live, { state: 'loading' })
  await connection.end()
  await sql(server, foreign, 'CREATE TABLE mine (a int)')
  const { io, warnings } = listeningIo()
  const session = await openSession(targetOf(live), io)
  await session.lock(1)
  await session.close()
  expect(await databasesLike(`${live}\\_seatbelt%`)).toEqual([foreign])
  expect(warnings).toHaveLength(2)
})

test('a restore in place that was killed half-way: no backup is taken of it until it is restored', async () => {
  const live = await createDatabase(server)
  const connection = await connected()
  await sql(server, live, 'CREATE TABLE t (a int)')
  const before = await dumpOf(targetOf(live))
  await createMarker(connection, live, live, { state: 'in-place', at: '2026-11-20T12:00:00.000Z' })
  await connection.end()
  const session = await openSession(targetOf(live))
  const failure = {
    code: 30,
    all: expect.stringMatching(/the restore of 2026-11-2.* was interrupted[\s\S]*restore-database/),
  }
  expect(await failureOf(session.lock(1))).toMatchObject(failure)
  expect(await failureOf(session.dump())).toMatchObject(failure)
  await session.close()
  await restoreOf(targetOf(live), before)
  expect(comparable((await dumpOf(targetOf(live))).bytes)).toBe(comparable(before.bytes))
})

test('a mark without its row is removed: nothing had been touched', async () => {
  const live = await createDatabase(server)
  await sql(
    server,
    live,
    'CREATE TABLE t (a int); CREATE TABLE seatbelt_restore (id int PRIMARY KEY, content longtext)',
  )
  const session = await openSession(targetOf(live))
  await session.lock(1)
  await session.close()
  expect((await dumpOf(targetOf(live))).tables.map(({ name }) => name)).toEqual(['t'])
})

async function limitedTo(name: string) {
  return targetOf(name, await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`, 'SELECT ON mysql.proc']))
}

const marks = "SHOW TABLES LIKE 'seatbelt\\_restore'"

describe('a restore in place', () => {
  test('is marked while anything is missing', async () => {
    const live = await createDatabase(server)
    await sql(server, live, 'CREATE TABLE t (a int); CREATE VIEW v AS SELECT 1 AS one; CREATE PROCEDURE p() SELECT 1')
    const target = await limitedTo(live)
    const before = await dumpOf(target)
    const states: string[] = []
    let watching = true
    const watch = (async () => {
      while (watching) {
        const [marked, views] = [
          await rows(live, marks),
          await rows(live, "SHOW FULL TABLES WHERE Table_type = 'VIEW'"),
        ]
        const [markedAfter] = await rows(live, marks)
        if (views.length === 0 && marked.length === 0 && markedAfter === undefined) states.push('unmarked')
        if (marked.length > 0) states.push('marked')
      }
    })()
    const outcome = await restoreOf(target, before, { wayBack: contentOf(before.bytes) })
    watching = false
    await watch
    expect(outcome.way).toBe('in-place')
    expect(states).toContain('marked')
    expect(states).not.toContain('unmarked')
    expect(await rows(live, marks)).toEqual([])
  })

  test('of a database that is marked keeps the mark until one succeeds', async () => {
    const live = await createDatabase(server)
    await sql(server, live, 'CREATE TABLE t (a int); CREATE TABLE u (a int)')
    const target = await limitedTo(live)
    const before = await dumpOf(target)
    const connection = await connected()
    await createMarker(connection, live, live, { state: 'in-place', at: '2026-11-20T12:00:00.000Z' })
    await connection.end()
    const broken = {
      ...before,
      bytes: Buffer.from(before.bytes.toString().replace('CREATE TABLE `u` (', 'CREATE TABLE `u` ((')),
    }
    expect(await failureOf(restoreOf(target, broken))).toMatchObject({
      code: 40,
      all: expect.stringContaining('still NOT whole'),
    })
    expect(await rows(live, marks)).toHaveLength(1)
    await restoreOf(target, before)
    expect(await rows(live, marks)).toEqual([])
    expect(comparable((await dumpOf(target)).bytes)).toBe(comparable(before.bytes))
  })
})
