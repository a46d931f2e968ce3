import { describe, expect, test } from 'vitest'
import { type Connection, openConnection } from '../../../src/engines/mysql/connection.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  comparable,
  databasesLike,
  dumpOf,
  failureOf,
  ioFor,
  restoreOf,
  server,
  sql,
  targetOf,
} from './world.ts'

async function connected(database: string): Promise<Connection> {
  const route = { kind: 'tcp', host: server.host, port: server.port } as const
  return openConnection(ioFor(), { target: targetOf(database), route, tls: { mode: 'disable' }, database })
}

async function shop(): Promise<string> {
  const name = await createDatabase(server)
  await sql(
    server,
    name,
    `CREATE TABLE a (id int); INSERT INTO a VALUES (1); CREATE TABLE b (id int); CREATE VIEW v AS SELECT * FROM a;
     CREATE TRIGGER tr BEFORE INSERT ON b FOR EACH ROW SET NEW.id = 7`,
  )
  return name
}

async function whileBusy(database: string, work: () => Promise<void>): Promise<void> {
  const other = await connected(database)
  await other.query('START TRANSACTION')
  await other.query('SELECT * FROM a')
  try {
    await work()
  } finally {
    await other.end()
  }
}

describe('a database that another session is at', () => {
  test('is left alone before anything is touched, and the session is named', { timeout: 40_000 }, async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    await whileBusy(name, async () => {
      const restoring = failureOf(restoreOf(targetOf(name), before))
      for (let moment = 0; moment < 8; moment++) {
        await Bun.sleep(1000)
        const triggers = await sql(server, name, 'SHOW TRIGGERS')
        expect(triggers).toHaveLength(1)
      }
      expect(await restoring).toMatchObject({ code: 40, all: expect.stringMatching(/in use[\s\S]*connection \d+ of/) })
    })
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
    expect(await databasesLike(`${name}\\_seatbelt\\_%`)).toEqual([])
  })

  test('is left alone where it can only be restored in place', { timeout: 40_000 }, async () => {
    const name = await shop()
    const target = targetOf(
      name,
      await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`, 'SELECT ON mysql.proc']),
    )
    const before = await dumpOf(target)
    await whileBusy(name, async () => {
      expect(await failureOf(restoreOf(target, before, { wayBack: async function* () {} }))).toMatchObject({
        code: 40,
        all: expect.stringContaining('in use'),
      })
    })
    expect(comparable((await dumpOf(target)).bytes)).toBe(comparable(before.bytes))
  })
})
