import { describe, expect, test } from 'vitest'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  comparable,
  contentOf,
  databasesLike,
  dumpOf,
  failureOf,
  ioFor,
  restoreOf,
  rows,
  runScript,
  server,
  sql,
  targetOf,
} from './world.ts'

async function shop(): Promise<string> {
  const name = await createDatabase(server)
  await sql(
    server,
    name,
    `CREATE TABLE customers (id int PRIMARY KEY, name text);
     CREATE TABLE orders (id int PRIMARY KEY AUTO_INCREMENT, customer int,
       CONSTRAINT orders_customer FOREIGN KEY (customer) REFERENCES customers (id));
     CREATE TABLE log (note text);
     INSERT INTO customers VALUES (1, 'Ann'), (2, 'Bob');
     INSERT INTO orders (customer) VALUES (1), (1), (2);
     CREATE TRIGGER logged AFTER INSERT ON orders FOR EACH ROW INSERT INTO log VALUES (CONCAT('order ', NEW.id));
     CREATE VIEW per_customer AS SELECT customer, COUNT(*) AS number FROM orders GROUP BY customer;
     CREATE PROCEDURE count_orders() SELECT COUNT(*) FROM orders`,
  )
  return name
}

async function migrate(name: string): Promise<void> {
  await sql(
    server,
    name,
    `DROP VIEW per_customer; DROP TRIGGER logged; DROP TABLE orders; DELETE FROM customers;
     CREATE TABLE per_customer (a int); CREATE TABLE newer (b int); CREATE VIEW newer_view AS SELECT 1;
     CREATE TRIGGER newer_trigger BEFORE INSERT ON customers FOR EACH ROW SET NEW.name = 'x';
     CREATE OR REPLACE PROCEDURE count_orders() SELECT 0; CREATE PROCEDURE newer_procedure() SELECT 1;
     ALTER DATABASE CHARACTER SET latin1`,
  )
}

const leftovers = (name: string) => databasesLike(`${name}\\_seatbelt\\_%`)

describe('a restore', () => {
  test('brings everything back, and takes away what came later', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    await migrate(name)
    const steps: string[] = []
    const outcome = await restoreOf(targetOf(name), before, { step: (step) => steps.push(step) })
    expect(outcome).toMatchObject({ way: 'swap', notes: [] })
    expect(steps).toEqual(['loading', 'comparing', 'swapping'])
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
    await sql(server, name, 'INSERT INTO orders (customer) VALUES (2)')
    expect(await rows(name, 'SELECT note FROM log')).toEqual([{ note: 'order 4' }])
    await expect(sql(server, name, 'INSERT INTO orders (customer) VALUES (9)')).rejects.toThrow(/foreign key/)
    expect(await leftovers(name)).toEqual([])
  })

  test('of every kind of object, into the same database and into one that does not exist', async () => {
    const name = await createDatabase(server, `${uniqueName()} \`we\`; $x - é`)
    await runScript(name, 'everything.sql')
    const before = await dumpOf(targetOf(name))
    const fresh = uniqueName('fresh')
    for (const target of [targetOf(name), targetOf(fresh)]) {
      await restoreOf(target, before)
      const after = await dumpOf(target)
      expect(comparable(after.bytes)).toBe(comparable(before.bytes))
      expect(after.properties).toEqual(before.properties)
      expect(after.tables).toEqual(before.tables)
      expect(after.schemaDigest).toBe(before.schemaDigest)
    }
  })

  test('of a trigger whose author named the database does not touch it before the swap', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      `CREATE TABLE t (a int); CREATE TRIGGER ${name}.tr BEFORE INSERT ON ${name}.t FOR EACH ROW SET NEW.a = 7`,
    )
    const before = await dumpOf(targetOf(name))
    await sql(server, name, 'DROP TRIGGER tr')
    await restoreOf(targetOf(name), before)
    expect(await rows(name, 'INSERT INTO t VALUES (1); SELECT a FROM t')).toEqual([{ a: 7 }])
  })

  test.each([
    ['broken SQL', (text: string) => text.replace('CREATE TABLE `log`', 'CREATE TABLE `log` ('), 'could not load'],
    ['cut off', (text: string) => text.slice(0, text.indexOf('CREATE TABLE `orders`')), 'table orders is missing'],
    ['fewer rows', (text: string) => text.replace(/,\n\(2,'Bob'\)/, ''), 'table customers has 1 rows, not 2'],
    [
      'one table more',
      (text: string) => `${text}CREATE TABLE more_of_it (a int);`,
      'table more_of_it is not in the backup',
    ],
  ])('of a backup with %s changes nothing', async (_, spoil, text) => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const spoilt = { ...before, bytes: Buffer.from(spoil(before.bytes.toString())) }
    expect(spoilt.bytes.equals(before.bytes)).toBe(false)
    expect(await failureOf(restoreOf(targetOf(name), spoilt))).toMatchObject({
      code: 40,
      all: expect.stringContaining(text),
    })
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
    expect(await leftovers(name)).toEqual([])
  })

  test('that is interrupted while loading changes nothing', async () => {
    const name = await shop()
    const before = await dumpOf(targetOf(name))
    const interrupted = new AbortController()
    const io = ioFor({ signal: interrupted.signal })
    const content = async function* () {
      yield before.bytes.subarray(0, 800)
      interrupted.abort(new Error('interrupted'))
      await new Promise(() => undefined)
    }
    const slow = async function* () {
      for await (const chunk of content()) yield chunk
    }
    const ended = restoreOf(targetOf(name), before, { io, content: () => race(slow(), interrupted.signal) })
    await expect(ended).rejects.toThrow('interrupted')
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
    expect(await leftovers(name)).toEqual([])
  })

  test('of a foreign file leaves out the database that it names', async () => {
    const name = await shop()
    const text = `CREATE DATABASE x;\nUSE \`x\`;\nCREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\n`
    const { properties } = await dumpOf(targetOf(name))
    const request = { content: contentOf(text), tables: undefined, properties }
    const { mysql } = await import('../../../src/engines/mysql/engine.ts')
    const { tables: _, ...foreign } = { ...request, target: targetOf(name), step: () => undefined }
    const outcome = await mysql.restore(ioFor(), foreign)
    expect(outcome).toMatchObject({
      tables: [{ name: 't', rows: 1 }],
      notes: [expect.stringContaining('2 statements')],
    })
  })
})

async function* race(chunks: AsyncGenerator<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (;;) {
    const stopped = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )
    const next = await Promise.race([chunks.next(), stopped])
    if (next.done === true) return
    yield next.value
  }
}

describe('without the right to create a database', () => {
  async function limited(name: string) {
    return targetOf(name, await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`, 'SELECT ON mysql.proc']))
  }

  test('it is loaded in place, and the definers that may not be are said', async () => {
    const name = await shop()
    const target = await limited(name)
    const before = await dumpOf(target)
    await migrate(name)
    const wayBack = await dumpOf(target)
    const outcome = await restoreOf(target, before, { wayBack: contentOf(wayBack.bytes) })
    expect(outcome.way).toBe('in-place')
    expect(outcome.notes).toEqual([
      expect.stringContaining('may not create a database'),
      expect.stringContaining('`root`@`localhost`'),
      expect.stringContaining('rights on single procedures and functions'),
    ])
    const after = await dumpOf(target)
    expect(after.tables).toEqual(before.tables)
    expect(comparable(after.bytes).replaceAll(/DEFINER=\S+/g, '')).toBe(
      comparable(before.bytes).replaceAll(/DEFINER=\S+/g, ''),
    )
  })

  test('a failure brings the safety backup back', async () => {
    const name = await shop()
    const target = await limited(name)
    const before = await dumpOf(target)
    const broken = { ...before, bytes: Buffer.from(before.bytes.toString().replace('UNLOCK TABLES', 'UNLOCK TABELS')) }
    const failure = await failureOf(restoreOf(target, broken, { wayBack: contentOf(before.bytes) }))
    expect(failure).toMatchObject({ code: 40, all: expect.stringContaining('was brought back from the safety backup') })
    const after = await dumpOf(target)
    expect(after.tables).toEqual(before.tables)
  })

  test('a backup that is not the one of the manifest is found before anything is dropped', async () => {
    const name = await shop()
    const target = await limited(name)
    const before = await dumpOf(target)
    const other = { ...before, tables: before.tables.map((table) => ({ ...table, rows: table.rows + 1 })) }
    expect(await failureOf(restoreOf(target, other, { wayBack: contentOf('DROP everything') }))).toMatchObject({
      code: 40,
    })
    expect(comparable((await dumpOf(target)).bytes)).toBe(comparable(before.bytes))
  })

  test('and without a safety backup it is refused', async () => {
    const name = await shop()
    const target = await limited(name)
    const before = await dumpOf(target)
    expect(await failureOf(restoreOf(target, before))).toMatchObject({
      code: 40,
      all: expect.stringContaining('no safety backup'),
    })
  })
})

describe('rights on a single routine are kept', () => {
  const rightsOn = (name: string) =>
    rows('mysql', `SELECT User, Routine_name, Proc_priv FROM procs_priv WHERE Db = '${name}' ORDER BY 1, 2`)

  test.each([
    ['swap', () => undefined],
    [
      'in-place',
      async (name: string) => {
        const other = await createDatabase(server)
        await sql(server, other, `CREATE TABLE r (c int, FOREIGN KEY (c) REFERENCES ${name}.customers (id))`)
      },
    ],
  ])('%s', async (way, prepare) => {
    const name = await shop()
    await account(uniqueName('u'), 'pw', [`EXECUTE, ALTER ROUTINE ON PROCEDURE ${name}.count_orders`])
    const rights = await rightsOn(name)
    expect(rights).toHaveLength(1)
    const before = await dumpOf(targetOf(name))
    await sql(server, name, 'CREATE OR REPLACE PROCEDURE count_orders() SELECT 0')
    await prepare(name)
    const outcome = await restoreOf(targetOf(name), before, { wayBack: contentOf(before.bytes) })
    expect(outcome).toMatchObject({ way })
    expect(outcome.notes.join()).not.toContain('granted again')
    expect(await rightsOn(name)).toEqual(rights)
  })

  test('or said to be lost', async () => {
    const name = await shop()
    const user = uniqueName('u')
    await account(user, 'pw', [`EXECUTE ON PROCEDURE ${name}.count_orders`])
    const limited = await account(uniqueName('u'), 'pw', [
      `ALL ON \`${name}\`.*`,
      'SELECT ON mysql.proc',
      'SELECT ON mysql.procs_priv',
    ])
    const before = await dumpOf(targetOf(name, limited))
    const outcome = await restoreOf(targetOf(name, limited), before, { wayBack: contentOf(before.bytes) })
    expect(outcome.notes).toContainEqual(
      `\`${user}\`@\`%\` had EXECUTE on procedure count_orders, which could not be granted again`,
    )
  })
})

test('foreign keys of another database keep their table: loaded in place', async () => {
  const name = await shop()
  const other = await createDatabase(server)
  await sql(
    server,
    other,
    `CREATE TABLE r (c int, FOREIGN KEY (c) REFERENCES ${name}.customers (id)); INSERT INTO r VALUES (1)`,
  )
  const before = await dumpOf(targetOf(name))
  const outcome = await restoreOf(targetOf(name), before, { wayBack: contentOf(before.bytes) })
  expect(outcome.way).toBe('in-place')
  await expect(sql(server, other, 'INSERT INTO r VALUES (9)')).rejects.toThrow(/foreign key/)
  expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
})
