import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import { temporaryFolder } from '../../temporary-folder.ts'
import {
  account,
  clientsThat,
  dumpOf,
  failureOf,
  ioFor,
  ioWithClients,
  openSession,
  runScript,
  server,
  sql,
  targetOf,
} from './world.ts'

async function smallDatabase(): Promise<string> {
  const name = await createDatabase(server)
  await sql(server, name, "CREATE TABLE t (a int, b text); INSERT INTO t VALUES (1, 'x'), (2, 'y')")
  return name
}

describe('a dump', () => {
  test('leaves out views on what is gone, and says so', async () => {
    const name = await smallDatabase()
    await sql(
      server,
      name,
      'CREATE TABLE gone (a int); CREATE VIEW broken AS SELECT * FROM gone; CREATE VIEW good AS SELECT * FROM t',
    )
    await sql(server, name, 'CREATE VIEW `on it` AS SELECT * FROM broken; DROP TABLE gone')
    const dump = await dumpOf(targetOf(name))
    expect(dump.bytes.toString()).toContain('VIEW `good`')
    expect(dump.bytes.toString()).not.toContain('`broken`')
    expect(dump.notes).toEqual([expect.stringMatching(/views that do not work.*: broken, `on it`$/)])
  })

  test('says where digits are lost', async () => {
    const name = await createDatabase(server)
    await sql(
      server,
      name,
      'CREATE TABLE n (d double, `f x` float, u float unsigned zerofill, e float(9,2), s set("a float")); INSERT INTO n (`f x`) VALUES (123456.78)',
    )
    const dump = await dumpOf(targetOf(name))
    expect(dump.bytes.toString()).toContain('(NULL,123457,')
    expect(dump.notes).toEqual([expect.stringMatching(/six digits of FLOAT columns.*: n\.`f x`, n\.u$/)])
  })

  test('holds everything, with the rows of each table counted', async () => {
    const name = await createDatabase(server, `${uniqueName()} \`we\`; $x - é`)
    await runScript(name, 'everything.sql')
    const dump = await dumpOf(targetOf(name))
    expect(Object.fromEntries(dump.tables.map((table) => [table.name, table.rows]))).toEqual({
      '`-x`': 1,
      audit: 0,
      child: 2,
      empty_one: 0,
      my: 1,
      p: 4,
      parent: 2,
      part: 2,
      values_x: 3,
      versioned: 3,
      '`weird name;``-$\'"\né`': 2,
    })
    expect(dump.client).toMatch(/^mariadb-dump 1\d\./)
    expect(dump.properties).toMatchObject({
      charset: expect.stringMatching(/^\w+$/),
      collation: expect.stringMatching(/^\w+$/),
    })
    expect(dump.notes).toEqual([expect.stringContaining('my')])
    expect(dump.bytes.toString('latin1')).not.toMatch(/^USE /m)
  })

  test('is not changed by the options files of the user', async () => {
    const name = await smallDatabase()
    const home = temporaryFolder({
      '.my.cnf': '[client]\nuser=nobody\n[mysqldump]\nno-data\nskip-comments\n[mariadb-dump]\nno-data\n',
    })
    const environment = {
      PATH: process.env['PATH'],
      HOME: home,
      MYSQL_PWD: 'wrong',
      MYSQL_TCP_PORT: '1',
      MYSQL_HOME: home,
    }
    expect((await dumpOf(targetOf(name), ioFor({ environment }))).tables).toMatchObject([{ name: 't', rows: 2 }])
  })

  test('leaves no file with the password behind, and shows it to nobody', async () => {
    const name = await smallDatabase()
    const clients = clientsThat({
      'mariadb-dump':
        'file="${1#--defaults-file=}"; echo "$file" >"$0.asked"; echo "$*" >&2; env >&2; cat "$file" >&2; stat -c "%a" "$file" >"$0.mode"; exit 3',
    })
    const { code, all } = await failureOf(dumpOf(targetOf(name), ioWithClients(clients)))
    expect(code).toBe(30)
    expect(all).not.toContain(server.password)
    expect(all).toContain('ended with 3')
    const client = join(clients, 'mariadb-dump')
    expect(await readFile(`${client}.mode`, 'utf8')).toBe('600\n')
    expect(existsSync(dirname((await readFile(`${client}.asked`, 'utf8')).trim()))).toBe(false)
  })

  test('of a name with quotes', async () => {
    const name = await createDatabase(server, `${uniqueName()} "q" 'x' \\`)
    await sql(server, name, 'CREATE TABLE t (a int)')
    expect((await dumpOf(targetOf(name))).tables).toMatchObject([{ name: 't', rows: 0 }])
  })
})

describe('the digests of a dump', () => {
  async function digests(name: string) {
    const { tables, schemaDigest } = await dumpOf(targetOf(name))
    return { tables: Object.fromEntries(tables.map((table) => [table.name, table.digest])), schema: schemaDigest }
  }

  test('are the same until something is changed, whatever is written to its table and taken back', async () => {
    const name = await smallDatabase()
    const first = await digests(name)
    expect(first.tables['t']).toMatch(/^[0-9a-f]{16}$/)
    expect(first.schema).toMatch(/^[0-9a-f]{64}$/)
    await sql(server, name, "DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (1, 'x')")
    expect(await digests(name)).toEqual(first)
  })

  test('show a changed byte in the table that it is in', async () => {
    const name = await smallDatabase()
    await sql(server, name, 'CREATE TABLE other (a int); INSERT INTO other VALUES (1)')
    const before = await digests(name)
    await sql(server, name, "UPDATE t SET b = 'z' WHERE a = 2")
    const after = await digests(name)
    expect(after.tables['t']).not.toBe(before.tables['t'])
    expect(after.tables['other']).toBe(before.tables['other'])
    expect(after.schema).toBe(before.schema)
  })

  test.each([
    ['a column', 'ALTER TABLE t ADD COLUMN c int'],
    ['a number that was taken', "INSERT INTO numbered (t) VALUES ('x'); DELETE FROM numbered"],
    ['a trigger', 'CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW SET NEW.a = 1'],
    ["the database's charset", 'ALTER DATABASE CHARACTER SET ascii'],
  ])('show %s', async (_what, change) => {
    const name = await smallDatabase()
    await sql(server, name, 'CREATE TABLE numbered (id int AUTO_INCREMENT PRIMARY KEY, t text)')
    const before = await digests(name)
    await sql(server, name, change)
    expect((await digests(name)).schema).not.toBe(before.schema)
  })
})

describe('a dump that is not whole is none', () => {
  const real = '/usr/bin/mariadb-dump "$@"'
  test.each([
    ['no trailer, code 0', `${real} | sed '/Dump completed/d'`, 'completion line is missing'],
    ['a trailer, code 1', `${real}; echo "boom" >&2; exit 1`, 'boom'],
    ['killed', `${real} | head -c 900; kill -9 $$`, 'SIGKILL'],
    ['a table left out', `${real} --ignore-table="$last.t"`, 'not in it: table t'],
    ['nothing at all', 'exit 0', 'completion line is missing'],
  ])('%s', async (_, script, text) => {
    const name = await smallDatabase()
    const clients = clientsThat({
      'mariadb-dump': `for last in "$@"; do :; done\n${script.replace(`${real} --ignore`, 'f="$1"; shift; exec /usr/bin/mariadb-dump "$f" --ignore').replace('.t"', '.t" "$@"')}`,
    })
    const failure = await failureOf(dumpOf(targetOf(name), ioWithClients(clients)))
    expect(failure).toMatchObject({ code: 30, all: expect.stringContaining(text) })
  })

  test('a server that is gone half-way is said', async () => {
    const name = await smallDatabase()
    const clients = clientsThat({
      'mariadb-dump': 'echo "mariadb-dump: Error 2013: Lost connection to server during query" >&2; exit 3',
    })
    expect((await failureOf(dumpOf(targetOf(name), ioWithClients(clients)))).all).toContain('the server went away')
  })

  test('without any client the package is named', async () => {
    const name = await smallDatabase()
    const session = await openSession(targetOf(name), ioFor({ environment: { PATH: '/nowhere', HOME: '/nowhere' } }))
    const failure = await failureOf(session.client())
    await session.close()
    expect(failure).toMatchObject({ code: 11, all: expect.stringContaining('apt-get install mariadb-client') })
  })
})

describe('rights', () => {
  async function withRoutines(): Promise<string> {
    const name = await smallDatabase()
    await runScript(name, 'routine.sql')
    return name
  }

  test('all on the database is enough', async () => {
    const name = await smallDatabase()
    await runScript(name, 'routine.sql')
    const who = await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`, 'SELECT ON mysql.proc'])
    expect((await dumpOf(targetOf(name, who))).tables).toHaveLength(1)
  })

  test('a routine whose text may not be read stops the dump, with the GRANT', async () => {
    const name = await withRoutines()
    const who = await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`])
    const failure = await failureOf(dumpOf(targetOf(name, who)))
    expect(failure).toMatchObject({ code: 30, all: expect.stringContaining('SHOW CREATE PROCEDURE `secret`') })
    expect(failure.all).toContain(`GRANT SELECT ON \`mysql\`.\`proc\` TO \`${who.user}\`@\`%\`;`)
  })

  test.each([
    ['TRIGGER', 'SELECT, SHOW VIEW, EVENT, EXECUTE'],
    ['EVENT', 'SELECT, SHOW VIEW, TRIGGER, EXECUTE'],
    ['EXECUTE', 'SELECT, SHOW VIEW, TRIGGER, EVENT'],
  ])('without %s nobody knows what is hidden', async (right, others) => {
    const name = await smallDatabase()
    const who = await account(uniqueName('u'), 'pw', [`${others} ON \`${name}\`.*`])
    const failure = await failureOf(dumpOf(targetOf(name, who)))
    expect(failure).toMatchObject({ code: 30, all: expect.stringContaining(`GRANT ${right} ON \`${name}\`.* TO`) })
    await sql(server, undefined, `GRANT ${right} ON \`${name}\`.* TO '${who.user}'@'%'`)
    expect((await dumpOf(targetOf(name, who))).tables).toHaveLength(1)
  })
})

test('an interruption ends the client', async () => {
  const name = await smallDatabase()
  const interrupted = new AbortController()
  const { environment } = ioWithClients(clientsThat({ 'mariadb-dump': 'exec sleep 600' }))
  const session = await openSession(targetOf(name), ioFor({ environment, signal: interrupted.signal }))
  const dump = await session.dump()
  if (dump.kind !== 'stream') throw new Error('not a stream')
  setTimeout(() => interrupted.abort(new Error('interrupted')), 50)
  for await (const _ of dump.chunks);
  await expect(dump.finish()).rejects.toThrow('interrupted')
  await session.close()
})
