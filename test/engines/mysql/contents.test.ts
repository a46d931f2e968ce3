import { describe, expect, test } from 'vitest'
import type { LiveTable } from '../../../src/engines/engine.ts'
import type { Connection } from '../../../src/engines/mysql/connection.ts'
import { readContents } from '../../../src/engines/mysql/contents.ts'
import { limited } from '../../../src/engines/mysql/time-limit.ts'
import { createDatabase, quoted, uniqueName } from '../../servers/databases.ts'
import { account, answering, dumpOf, openSession, runScript, server, somewhere, sql, targetOf } from './world.ts'

async function contentsOf(
  database: string,
  seconds = 30,
  changes: Parameters<typeof targetOf>[1] = {},
): Promise<readonly LiveTable[]> {
  const session = await openSession(targetOf(database, changes))
  return (await session.contents?.(seconds).finally(session.close)) ?? []
}

describe('what is there', () => {
  test('is what a dump lists, with the same names and columns', async () => {
    const name = await createDatabase(server, uniqueName('a`b'))
    await sql(
      server,
      name,
      `CREATE TABLE \`order items\` (id bigint unsigned AUTO_INCREMENT PRIMARY KEY, \`the \`\`name\` varchar(20) NOT NULL,
         kind enum('a','b') DEFAULT 'a', total decimal(10,2), twice int AS (id * 2) VIRTUAL, b bit(3));
       CREATE TABLE parts (a int) PARTITION BY HASH (a) PARTITIONS 3; CREATE TABLE mem (a int) ENGINE = MEMORY;
       CREATE TABLE nothing (a json); CREATE VIEW v AS SELECT a FROM parts; CREATE SEQUENCE s;
       INSERT INTO \`order items\` (\`the \`\`name\`) VALUES ('x'), ('y'); INSERT INTO parts VALUES (1), (2), (3)`,
    )
    const { tables } = await dumpOf(targetOf(name))
    const plain = ({ name, rows, columns }: LiveTable) => ({ name, rows, columns })
    expect(await contentsOf(name)).toEqual(tables.map(plain))
    expect(tables.map(({ name, rows }) => `${name} ${rows}`)).toEqual([
      'mem 0',
      'nothing 0',
      '`order items` 2',
      'parts 3',
    ])
    expect(tables.find(({ name }) => name === '`order items`')?.columns).toEqual([
      'id bigint(20) unsigned',
      '`the ``name` varchar(20)',
      "kind enum('a','b')",
      'total decimal(10,2)',
      'twice int(11)',
      'b bit(3)',
    ])
  })

  test('holds the history of versioned tables, as the dump does', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      'CREATE TABLE v (a int) WITH SYSTEM VERSIONING; INSERT INTO v VALUES (1); UPDATE v SET a = 2',
    )
    expect((await dumpOf(targetOf(name))).tables[0]?.rows).toBe(2)
    expect(await contentsOf(name)).toEqual([{ name: 'v', rows: 2, columns: ['a int(11)'] }])
  })

  test('of more tables than one query counts, some of which are large', async () => {
    const name = await createDatabase(server)
    const tables = Array.from({ length: 120 }, (_, at) => `CREATE TABLE t${at} AS SELECT seq FROM seq_1_to_${at + 1}`)
    await sql(server, name, [...tables, 'CREATE TABLE large AS SELECT seq FROM seq_1_to_30000'].join('; '))
    const contents = await contentsOf(name)
    expect(contents).toHaveLength(121)
    for (const { name, rows, estimated } of contents) {
      expect({ name, rows, estimated }).toEqual({ name, rows: name === 'large' ? 30_000 : Number(name.slice(1)) + 1 })
    }
  })

  test('of a world of everything: as the dump has it', async () => {
    const name = await createDatabase(server)
    await runScript(name, 'everything.sql')
    const { tables } = await dumpOf(targetOf(name))
    expect(await contentsOf(name)).toEqual(tables.map(({ name, rows, columns }) => ({ name, rows, columns })))
  })
})

describe('what cannot be counted is estimated:', () => {
  test('all, where there is no time', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE t AS SELECT seq FROM seq_1_to_1000; ANALYZE TABLE t')
    const [table] = await contentsOf(name, 0)
    expect(table).toEqual({
      name: 't',
      rows: expect.any(Number),
      estimated: true,
      columns: ['seq bigint(20) unsigned'],
    })
    expect(table?.rows).toBeGreaterThan(500)
  })

  test('what takes too long; the smallest are counted first, the small ones together', async () => {
    const sizes = { huge: 5_000_000, a: 10, large: 20_000, b: 0 }
    const asked: string[] = []
    const query: Connection['query'] = async (text, names = []) => {
      if (/information_schema.TABLES/.test(text))
        return Object.entries(sizes).map(([name, estimate]) => ({ name, estimate, type: 'BASE TABLE' }))
      if (/information_schema/.test(text)) return []
      asked.push(names.join(' '))
      if (names.includes('huge')) throw new Error('Query execution was interrupted (max_statement_time exceeded)')
      return names.map((name) => ({ name, number: 7 }))
    }
    const program = () => Promise.reject(new Error('no versioned table: not asked'))
    expect(await readContents({ connection: answering(query), server: somewhere, program }, 60)).toEqual([
      { name: 'huge', rows: 5_000_000, estimated: true },
      { name: 'a', rows: 7 },
      { name: 'large', rows: 7 },
      { name: 'b', rows: 7 },
    ])
    expect(asked).toEqual(['a b', 'large', 'huge'])
  })

  test('the server itself ends what takes too long', async () => {
    const endless = limited('mariadb', 0.2, 'SELECT SUM(seq % 7) FROM seq_1_to_1000000000000000')
    await expect(sql(server, await createDatabase(server), endless)).rejects.toThrow('max_statement_time')
  })

  test('a locked table, and nobody waits for it long', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      'CREATE TABLE a (a int); CREATE TABLE b (a int); INSERT INTO a VALUES (1); INSERT INTO b VALUES (1)',
    )
    const locking = sql(server, name, 'LOCK TABLES a WRITE; SELECT SLEEP(20)').catch(() => [])
    const altering = sql(server, name, 'CREATE TABLE c AS SELECT SLEEP(20) AS a').catch(() => [])
    await Bun.sleep(500)
    const contents = await contentsOf(name, 10)
    expect(contents.filter(({ name }) => name !== 'c')).toEqual([
      { name: 'a', rows: 1, estimated: true, columns: ['a int(11)'] },
      { name: 'b', rows: 1, columns: ['a int(11)'] },
    ])
    const holding = await sql(
      server,
      undefined,
      `SELECT ID AS id FROM information_schema.PROCESSLIST WHERE DB = '${name}' AND INFO LIKE '%SLEEP(20)%' AND ID <> CONNECTION_ID()`,
    )
    expect(holding).toHaveLength(2)
    for (const { id } of holding) await sql(server, undefined, `KILL ${id}`)
    await Promise.all([locking, altering])
  })

  test('what this account may not read', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE a (a int, b int); CREATE TABLE b (a int); INSERT INTO b VALUES (1)')
    const who = await account(uniqueName('app'), 'secret', [
      `INSERT ON ${quoted(server, name)}.a`,
      `SELECT ON ${quoted(server, name)}.b`,
    ])
    expect(await contentsOf(name, 10, who)).toEqual([
      { name: 'a', rows: 0, estimated: true, columns: ['a int(11)', 'b int(11)'] },
      { name: 'b', rows: 1, columns: ['a int(11)'] },
    ])
  })
})
