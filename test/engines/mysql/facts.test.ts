import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { setMarker } from '../../../src/engines/mysql/mark.ts'
import { createDatabase, uniqueName } from '../../servers/databases.ts'
import {
  account,
  answering,
  contentOf,
  dumpOf,
  failureOf,
  openSession,
  restoreOf,
  rows,
  server,
  somewhere,
  sql,
  targetOf,
} from './world.ts'

async function factsOf(...target: Parameters<typeof targetOf>) {
  const session = await openSession(targetOf(...target))
  await session.close()
  return session.server
}

async function mark(value: 'production' | 'none', ...target: Parameters<typeof targetOf>): Promise<void> {
  const session = await openSession(targetOf(...target))
  await session.mark?.(value).finally(session.close)
}

async function commentOf(database: string): Promise<unknown> {
  const [row] = await rows(
    database,
    'SELECT SCHEMA_COMMENT AS comment FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = DATABASE()',
  )
  return row?.['comment']
}

describe('where the server is', () => {
  test('it says over TCP, and not over a socket', async () => {
    const name = await createDatabase(server)
    expect((await factsOf(name)).address).toBe(`${hostname()}:${server.port}`)
    expect(await factsOf(name, { host: 'localhost', socket: server.socket })).not.toHaveProperty('address')
  })

  test('and since when it runs, the same at any time', async () => {
    const name = await createDatabase(server)
    const { startedAt = '' } = await factsOf(name)
    const age = Date.now() - Date.parse(startedAt)
    const [uptime] = await rows(name, "SHOW GLOBAL STATUS LIKE 'Uptime'")
    expect(Math.abs(age / 1000 - Number(uptime?.['Value']))).toBeLessThan(10)
    for (let reading = 0; reading < 5; reading++) {
      await Bun.sleep(370)
      expect((await factsOf(name)).startedAt).toBe(startedAt)
    }
  })
})

describe('the marker', () => {
  test('is set, read, and taken away again; the own comment stays', async () => {
    const name = await createDatabase(server, uniqueName('a`b '))
    const comment = "the shop's `own`; \\ text"
    await sql(
      server,
      undefined,
      `ALTER DATABASE \`${name.replaceAll('`', '``')}\` COMMENT 'the shop''s \`own\`; \\\\ text'`,
    )
    expect((await factsOf(name)).markers).toEqual([])
    for (let times = 0; times < 2; times++) {
      await mark('production', name)
      expect((await factsOf(name)).markers).toEqual([{ value: 'production', source: 'the comment on the database' }])
      expect(await commentOf(name)).toBe(`db-seatbelt: production; ${comment}`)
    }
    await mark('none', name)
    expect((await factsOf(name)).markers).toEqual([])
    expect(await commentOf(name)).toBe(comment)
  })

  test('leaves the charset alone', async () => {
    const name = uniqueName()
    await sql(server, undefined, `CREATE DATABASE ${name} CHARACTER SET latin2 COLLATE latin2_czech_cs`)
    await mark('production', name)
    expect(await rows(name, 'SELECT @@character_set_database AS charset, @@collation_database AS collation')).toEqual([
      { charset: 'latin2', collation: 'latin2_czech_cs' },
    ])
  })

  test('is read by an account that may only read, which is told how to set it', async () => {
    const name = await createDatabase(server)
    await mark('production', name)
    const reader = await account(uniqueName('reader'), 'secret', [`SELECT ON \`${name}\`.*`])
    expect((await factsOf(name, reader)).markers).toHaveLength(1)
    const failure = await failureOf(mark('none', name, reader))
    expect(failure).toMatchObject({ code: 20, all: expect.stringContaining('GRANT ALTER ON') })
    expect(await commentOf(name)).toBe('db-seatbelt: production')
  })

  test('finds no room in a comment of full length', async () => {
    const name = await createDatabase(server)
    await sql(server, undefined, `ALTER DATABASE ${name} COMMENT '${'é'.repeat(510)}'`)
    expect(await failureOf(mark('production', name))).toMatchObject({
      code: 20,
      all: expect.stringContaining('1020 of 1024 bytes'),
    })
  })

  test.each([
    ['mysql', '9.7.4', 'MySQL keeps no comment'],
    ['mariadb', '10.4.1-MariaDB', 'MariaDB before 10.5 keeps no comment'],
  ] as const)('has no place on %s %s: seatbelt.json is named', async (flavour, version, what) => {
    const connection = answering(() => Promise.reject(new Error("Unknown column 'SCHEMA_COMMENT'")))
    const failure = await failureOf(setMarker(connection, { ...somewhere, flavour, version }, 'production'))
    expect(failure).toMatchObject({ code: 20, text: { what: expect.stringContaining(what) } })
    expect(failure.all).toContain('{ "productionNames": ["shop"] }')
  })

  test.each([
    ['swapped in', ['ALL ON *.*']],
    ['loaded in place', ['ALL ON `DB`.*', 'SELECT ON mysql.proc']],
  ])('neither travels with a dump nor is undone by a restore that is %s', async (_, grants) => {
    const [from, to] = [await createDatabase(server), await createDatabase(server)]
    await sql(server, from, 'CREATE TABLE t (a int)')
    const who = await account(
      uniqueName('app'),
      'secret',
      grants.map((grant) => grant.replace('DB', to)),
    )
    const unmarked = await dumpOf(targetOf(from))
    await mark('production', from)
    const marked = await dumpOf(targetOf(from))
    await restoreOf(targetOf(to, who), marked)
    expect(await commentOf(to)).toBe('')
    await mark('production', to)
    const safety = await dumpOf(targetOf(to))
    const { way } = await restoreOf(targetOf(to, who), unmarked, { wayBack: contentOf(safety.bytes) })
    expect(way).toBe(grants.length === 1 ? 'swap' : 'in-place')
    expect(await commentOf(to)).toBe('db-seatbelt: production')
  })
})

describe("Rails' note of its environment", () => {
  const table = 'CREATE TABLE NAME (`key` varchar(255) PRIMARY KEY, value varchar(255))'

  test('is read, also under a name with a prefix', async () => {
    const name = await createDatabase(server)
    for (const [table_, value] of [
      ['ar_internal_metadata', 'production'],
      ['shop_ar_internal_metadata', 'staging'],
    ] as const) {
      await sql(server, name, table.replace('NAME', table_))
      await sql(server, name, `INSERT INTO ${table_} VALUES ('environment', '${value}'), ('schema_sha1', 'f00')`)
    }
    expect((await factsOf(name)).markers).toEqual([
      { value: 'production', source: 'ar_internal_metadata' },
      { value: 'staging', source: 'ar_internal_metadata' },
    ])
  })

  test('may be absent, unreadable, or something else: nothing is said', async () => {
    const name = await createDatabase(server)
    await sql(server, name, 'CREATE TABLE ar_internal_metadata (a int); CREATE TABLE b (a int)')
    expect((await factsOf(name)).markers).toEqual([])
    const blind = await account(uniqueName('blind'), 'secret', [`SELECT ON \`${name}\`.b`])
    expect((await factsOf(name, blind)).markers).toEqual([])
  })
})
