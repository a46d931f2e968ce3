import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { openConnection } from '../../../src/engines/mysql/connection.ts'
import { createMarker } from '../../../src/engines/mysql/marker.ts'
import { besideName, quoteName } from '../../../src/engines/mysql/names.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  clientsThat,
  comparable,
  databasesLike,
  dumpOf,
  failureOf,
  ioFor,
  ioWithClients,
  openSession,
  rehearsalOf,
  rows,
  runScript,
  server,
  sql,
  targetOf,
} from './world.ts'

// Other tests have databases of their own there.
const ours = 'rehearsed'
const leftovers = () => databasesLike(`${ours}%\\_seatbelt\\_%`)

afterEach(async () => {
  expect(await leftovers()).toEqual([])
})

async function shop(): Promise<string> {
  const name = await createDatabase(server, uniqueName(ours))
  await sql(
    server,
    name,
    `CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, name text); INSERT INTO t (name) VALUES ('Ann'), ('Bob');
     DELETE FROM t WHERE name = 'Bob'; CREATE VIEW v AS SELECT * FROM ${name}.t`,
  )
  return name
}

describe('a rehearsal', () => {
  test.each(['everything.sql', 'types.sql'])('is to the byte what was dumped: %s', async (script) => {
    const name = await createDatabase(server, `${uniqueName(ours)} \`we\`; $x - é`)
    await runScript(name, script)
    const before = await dumpOf(targetOf(name))
    const { tables, schemaDigest } = before
    expect(await rehearsalOf(targetOf(name), before)).toEqual({ tables, schemaDigest, notes: [] })
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
  })

  test('sees through names of the database, events that must not run, and charsets that change on the way', async () => {
    const name = await shop()
    await sql(
      server,
      name,
      `CREATE TRIGGER ${name}.tr BEFORE INSERT ON ${name}.t FOR EACH ROW SET NEW.name = CONCAT(DATABASE(), '${name}');
       CREATE EVENT ${name}.ev ON SCHEDULE EVERY 1 SECOND DO DELETE FROM ${name}.t;
       SET character_set_client = latin1; ALTER DATABASE CHARACTER SET latin1; CREATE FUNCTION f() RETURNS text RETURN 'x';
       ALTER DATABASE CHARACTER SET utf8mb4 COLLATE utf8mb4_bin; CREATE SEQUENCE s; SELECT NEXTVAL(s);
       CREATE TABLE numbered (n int DEFAULT NEXTVAL(${name}.s))`,
    )
    const before = await dumpOf(targetOf(name))
    expect(before.bytes.toString()).toMatch(/ALTER DATABASE .* CHARACTER SET latin1/)
    const { tables, schemaDigest } = before
    expect(await rehearsalOf(targetOf(name), before)).toEqual({ tables, schemaDigest, notes: [] })
    expect(await rows(name, 'SELECT name FROM t')).toEqual([{ name: 'Ann' }])
  })

  test('shows what came out otherwise', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const text = before.bytes.toString()
    const row = await rehearsalOf(targetOf(name), { ...before, bytes: Buffer.from(text.replace("'Ann'", "'Anx'")) })
    expect(row.tables).not.toEqual(before.tables)
    expect(row.schemaDigest).toBe(before.schemaDigest)
    const next = await rehearsalOf(targetOf(name), {
      ...before,
      bytes: Buffer.from(text.replace('AUTO_INCREMENT=3', 'AUTO_INCREMENT=4')),
    })
    expect(next.tables).toEqual(before.tables)
    expect(next.schemaDigest).not.toBe(before.schemaDigest)
  })

  test('gives no digest that proves nothing', async () => {
    const name = await shop()
    await sql(server, name, 'CREATE TABLE computed (a int, b int AS (a + 1)); INSERT INTO computed (a) VALUES (1)')
    const before = await dumpOf(targetOf(name))
    const { tables: _, ...unknown } = before
    const unsure = await rehearsalOf(targetOf(name), unknown)
    expect(unsure.tables.map((table) => [table.name, table.digest])).toEqual([
      ['computed', undefined],
      ['t', before.tables[1]?.digest],
    ])
    expect(unsure.notes).toEqual([
      'the rows of computed were counted, not compared: some of their columns are computed',
    ])
    const properties = { ...before.properties, rowText: 'MySQL 5.7 through MySQL 5.7' }
    const other = await rehearsalOf(targetOf(name), { ...before, properties })
    expect(other.tables.map(({ digest }) => digest)).toEqual([undefined, undefined])
    expect(other.schemaDigest).toBeUndefined()
    expect(other.notes).toEqual([
      expect.stringContaining('was written by MySQL 5.7 through MySQL 5.7, here is MariaDB'),
    ])
  })

  test('that cannot be loaded, or is interrupted, leaves nothing', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const broken = { ...before, bytes: Buffer.from(before.bytes.toString().replace('CREATE TABLE', 'CREATE TABEL')) }
    expect(await failureOf(rehearsalOf(targetOf(name), broken))).toMatchObject({ code: 40 })
    const interrupted = new AbortController()
    const content = async function* () {
      yield before.bytes.subarray(0, 800)
      interrupted.abort(new Error('interrupted'))
      throw interrupted.signal.reason
    }
    const io = ioFor({ signal: interrupted.signal })
    await expect(rehearsalOf(targetOf(name), before, { io, content })).rejects.toThrow('interrupted')
  })

  test('clears what a killed one left', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const left = besideName(name, '0123abcd', 'new')
    await sql(server, undefined, `CREATE DATABASE ${quoteName(left)}; CREATE TABLE ${quoteName(left)}.half (a int)`)
    const route = { kind: 'tcp', host: server.host, port: server.port } as const
    const connection = await openConnection(ioFor(), { target: targetOf(name), route, tls: { mode: 'disable' } })
    await createMarker(connection, left, name, { state: 'loading' })
    await connection.end()
    const { tables, schemaDigest } = before
    const notes = [expect.stringMatching(new RegExp(`^removed ${left}, left by an interrupted restore`))]
    expect(await rehearsalOf(targetOf(name), before)).toEqual({ tables, schemaDigest, notes })
  })

  test('waits for whoever works with the database', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const session = await openSession(targetOf(name))
    await session.lock(1)
    const order: string[] = []
    const content = async function* () {
      order.push('loaded')
      yield before.bytes
    }
    const rehearsal = rehearsalOf(targetOf(name), before, { content })
    const waiting = `SELECT 1 FROM information_schema.PROCESSLIST WHERE STATE = 'User lock' AND INFO LIKE '%db-seatbelt%'`
    while ((await rows('mysql', waiting)).length === 0) await Bun.sleep(20)
    order.push('closed')
    await session.close()
    await rehearsal
    expect(order).toEqual(['closed', 'loaded'])
  })

  test('no event runs in it', async () => {
    const name = await shop()
    await sql(server, name, 'CREATE EVENT ev ON SCHEDULE EVERY 1 SECOND DO DELETE FROM t')
    const before = await dumpOf(targetOf(name))
    const asked = "SELECT STATUS FROM information_schema.EVENTS WHERE EVENT_SCHEMA LIKE '%\\\\_seatbelt\\\\_%'"
    const clients = clientsThat({
      'mariadb-dump': `/usr/bin/mariadb "$1" --skip-column-names -e "${asked}" > "$0.events"; exec /usr/bin/mariadb-dump "$@"`,
    })
    await rehearsalOf(targetOf(name), before, { io: ioWithClients(clients) })
    expect(readFileSync(join(clients, 'mariadb-dump.events'), 'utf8')).toBe('DISABLED\n')
  })
})

describe('without the right to create a database', () => {
  test.each(['%\\'.padEnd(30, 'x'), '_'.repeat(30)])(
    'it says which grant is missing, and with that it works: %s',
    async (word) => {
      const name = await createDatabase(server, uniqueName(`${ours}_${word}`))
      await sql(server, name, 'CREATE TABLE t (a int); INSERT INTO t VALUES (1)')
      const exactly = name.replace(/[\\%_]/g, '\\$&')
      const limited = targetOf(
        name,
        await account(uniqueName('u'), 'pw', [
          `ALL ON ${quoteName(exactly.length > 64 ? name : exactly)}.*`,
          'SELECT ON mysql.proc',
        ]),
      )
      const before = await dumpOf(limited)
      const { code, text } = await failureOf(rehearsalOf(limited, before))
      expect(code).toBe(40)
      const grant = /^as an administrator: (GRANT .*);$/.exec(text.next?.join() ?? '')?.[1]
      await sql(server, undefined, String(grant))
      const { tables, schemaDigest } = before
      expect(await rehearsalOf(limited, before)).toEqual({ tables, schemaDigest, notes: [] })
    },
  )

  test('and for objects of others it gives no digest of the schema', async () => {
    const name = await shop()
    const limited = targetOf(
      name,
      await account(uniqueName('u'), 'pw', [`ALL ON \`${name}%\`.*`, 'SELECT ON mysql.proc']),
    )
    const { tables, ...before } = await dumpOf(limited)
    const rehearsal = await rehearsalOf(limited, { ...before, tables })
    expect(rehearsal).toEqual({ tables, notes: [expect.stringContaining('`root`@')] })
  })
})
