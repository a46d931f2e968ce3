import { describe, expect, test } from 'vitest'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  clientsThat,
  comparable,
  contentOf,
  databasesLike,
  dumpOf,
  failureOf,
  ioWithClients,
  restoreOf,
  rows,
  runScript,
  server,
  sql,
  type TakenDump,
  targetOf,
} from './world.ts'

// Loads another letter than it was given.
const careless = { mariadb: `sed "s/'Bob'/'Bop'/" | exec /usr/bin/mariadb "$@"` }

async function people(): Promise<string> {
  const name = await createDatabase(server)
  await sql(
    server,
    name,
    `CREATE TABLE people (id int PRIMARY KEY, name text); CREATE TABLE other (a int);
     INSERT INTO people VALUES (1, 'Ann'), (2, 'Bob')`,
  )
  return name
}

function withRowText(dump: TakenDump, rowText: string): TakenDump {
  return { ...dump, properties: { ...dump.properties, rowText } }
}

function ofBeforeDigests({ properties: { rowText: _, ...properties }, ...dump }: TakenDump): TakenDump {
  return { ...dump, properties, tables: dump.tables.map(({ name, rows: number }) => ({ name, rows: number })) }
}

const otherRows = 'table people has as many rows, but not the same ones'

describe('what was loaded is compared with the backup before the swap', () => {
  test('every type of the server comes back, to the byte', async () => {
    const name = await createDatabase(server)
    await runScript(name, 'types.sql')
    const before = await dumpOf(targetOf(name))
    for (const target of [targetOf(name), targetOf(uniqueName('fresh'))]) {
      expect(await restoreOf(target, before)).toEqual({ way: 'swap', tables: before.tables, notes: [] })
      const after = await dumpOf(target)
      expect(after.tables).toEqual(before.tables)
      expect(after.schemaDigest).toBe(before.schemaDigest)
    }
  })

  test('one letter that is another, in as many rows, changes nothing', async () => {
    const name = await people()
    const before = await dumpOf(targetOf(name))
    const io = ioWithClients(clientsThat(careless))
    const failure = await failureOf(restoreOf(targetOf(name), before, { io }))
    expect(failure).toMatchObject({ code: 40, text: { why: [otherRows] } })
    expect(comparable((await dumpOf(targetOf(name))).bytes)).toBe(comparable(before.bytes))
    expect(await databasesLike(`${name}\\_seatbelt\\_%`)).toEqual([])
  })

  test.each([
    [
      'a backup of another version is counted',
      (dump: TakenDump) => withRowText(dump, 'MariaDB 10.3 through MariaDB 10.3'),
      [
        /^the rows were counted, not compared: the backup was written by MariaDB 10\.3 through MariaDB 10\.3, here is MariaDB /,
      ],
    ],
    ['a backup without digests is counted, as ever', ofBeforeDigests, []],
  ])('%s', async (_what, made, notes) => {
    const name = await people()
    const before = made(await dumpOf(targetOf(name)))
    const outcome = await restoreOf(targetOf(name), before, { io: ioWithClients(clientsThat(careless)) })
    expect(outcome.notes).toEqual(notes.map((note) => expect.stringMatching(note)))
    expect(await rows(name, 'SELECT name FROM people WHERE id = 2')).toEqual([{ name: 'Bop' }])
  })

  test('where it cannot be read back it is counted', async () => {
    const name = await people()
    const before = await dumpOf(targetOf(name))
    const io = ioWithClients(clientsThat({ 'mariadb-dump': 'echo "mariadb-dump: Got error: 1" >&2; exit 2' }))
    const outcome = await restoreOf(targetOf(name), before, { io })
    expect(outcome.notes).toEqual([
      expect.stringMatching(/counted, not compared: .*could not be read back.*Got error: 1/),
    ])
    const less = { ...before, tables: before.tables.map((table) => ({ ...table, rows: table.rows + 1 })) }
    expect(await failureOf(restoreOf(targetOf(name), less, { io }))).toMatchObject({ code: 40 })
  })

  test('columns that come out otherwise wherever they are computed do not stop it', async () => {
    const name = await people()
    await sql(
      server,
      name,
      'ALTER TABLE people ADD COLUMN place varchar(64) AS (DATABASE()), ADD COLUMN t datetime(6) AS (NOW(6))',
    )
    const before = await dumpOf(targetOf(name))
    const outcome = await restoreOf(targetOf(name), before)
    expect(outcome.notes).toEqual(['the rows of people were counted, not compared: some of their columns are computed'])
    expect(outcome.tables.map(({ name, digest }) => [name, digest])).toEqual([
      ['other', '0000000000000000'],
      ['people', undefined],
    ])
  })
})

describe('loaded in place', () => {
  async function limited(name: string) {
    return targetOf(name, await account(uniqueName('u'), 'pw', [`ALL ON \`${name}\`.*`, 'SELECT ON mysql.proc']))
  }

  test('it is compared before it is done, and what was there comes back', async () => {
    const name = await people()
    const target = await limited(name)
    const before = await dumpOf(target)
    await sql(server, name, "UPDATE people SET name = 'Cid' WHERE id = 2")
    const now = await dumpOf(target)
    const io = ioWithClients(clientsThat(careless))
    const failure = await failureOf(restoreOf(target, before, { io, wayBack: contentOf(now.bytes) }))
    expect(failure.code).toBe(40)
    expect(failure.text.why).toEqual([otherRows, expect.stringContaining('brought back from the safety backup')])
    expect((await dumpOf(target)).tables).toEqual(now.tables)
  })

  test('a backup that is not the one of the manifest is found before anything is dropped', async () => {
    const name = await people()
    const target = await limited(name)
    const before = await dumpOf(target)
    const other = { ...before, bytes: Buffer.from(before.bytes.toString().replace('Bob', 'Bop')) }
    const failure = await failureOf(restoreOf(target, other, { wayBack: contentOf('DROP everything') }))
    expect(failure.text.why).toEqual([otherRows])
  })

  test('every type comes back', async () => {
    const name = await createDatabase(server)
    await runScript(name, 'types.sql')
    const target = await limited(name)
    const before = await dumpOf(target)
    const outcome = await restoreOf(target, before, { wayBack: contentOf(before.bytes) })
    expect(outcome).toMatchObject({ way: 'in-place', tables: before.tables })
    expect((await dumpOf(target)).schemaDigest).toBe(before.schemaDigest)
  })
})
