import { describe, expect, inject, test } from 'vitest'
import type { InstantCopies, InstantCopy } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { copiesFiles, copyDatabase, createCopySql } from '../../../src/engines/postgres/instant-create.ts'
import { connectedLines, strangerNotes } from '../../../src/engines/postgres/instant-list.ts'
import {
  instantMarkIn,
  instantMarkText,
  instantName,
  looksLikeCopy,
} from '../../../src/engines/postgres/instant-mark.ts'
import { instantSwapSql } from '../../../src/engines/postgres/instant-swap.ts'
import { leftoverStep, markText, restoreNames } from '../../../src/engines/postgres/scratch.ts'
import { Failure } from '../../../src/failure.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { listeningIo } from '../../listening-io.ts'
import { createDatabase, quoted, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everything } from './everything.ts'
import { clientOf, comparable, contentOf, dumpOf, failureOf, ioFor, openSession, targetOf } from './world.ts'

const servers = inject('servers').postgres
const server = servers['15']
const { instant } = postgres
if (instant === undefined || 'refused' in instant) throw new Error('no instant copies')
const copies: InstantCopies = instant

const backup = 'database_shop_2026-11-21_03-15-00.sql'

function allText({ text }: Failure): string {
  return [text.what, ...(text.why ?? []), ...(text.next ?? [])].join('\n')
}

async function commentOn(here: PostgresServer, name: string): Promise<unknown> {
  const text = `SELECT shobj_description(oid, 'pg_database') AS c FROM pg_database WHERE datname = current_database()`
  return (await sql(here, name, text))[0]?.['c']
}

async function alike(here: PostgresServer, name: string): Promise<unknown[]> {
  const beginning = `${name.slice(0, 25)}_seatbelt`
  const all = await sql(here, undefined, 'SELECT datname::text AS name FROM pg_database ORDER BY 1')
  return all.map((row) => row['name']).filter((one) => String(one).startsWith(beginning))
}

/** All that is in the database, as far as the test's tools tell: there are no clients of 18 here. */
async function contentOfDatabase(here: PostgresServer, target: ServerTarget): Promise<unknown> {
  if (here.version !== '18') {
    const { text, properties } = await dumpOf(target)
    return { text: comparable(text), properties }
  }
  const session = await openSession(ioFor(), target)
  try {
    return await session.contents?.(60)
  } finally {
    await session.close()
  }
}

describe.each(['13', '15', '18'] as const)('PostgreSQL %s', (version) => {
  const here = servers[version]

  test('there and back: everything, with rights, settings and comment of the database itself', async () => {
    const [name, role] = [await createDatabase(here, `it's "x" ${uniqueName()}`), uniqueName('role')]
    const [target, database] = [targetOf(here, name), quoted(here, name)]
    await sql(here, name, everything)
    await sql(
      here,
      name,
      `CREATE ROLE ${role}; ALTER DATABASE ${database} OWNER TO ${role}; ALTER DATABASE ${database} SET work_mem = '8MB';
      ALTER ROLE ${role} IN DATABASE ${database} SET application_name = 'x''y'; ALTER DATABASE ${database} CONNECTION LIMIT 33;
      REVOKE TEMPORARY ON DATABASE ${database} FROM PUBLIC; GRANT CREATE ON DATABASE ${database} TO pg_monitor;
      COMMENT ON DATABASE ${database} IS 'db-seatbelt: test\nthe shop''s'`,
    )
    const before = await contentOfDatabase(here, target)
    const { copy, notes } = await copies.copy(ioFor(), target, backup)
    expect(notes).toEqual([])
    expect(copy).toMatchObject({ backup, name: expect.stringContaining('_seatbelt_instant_') })
    expect(copy.sizeBytes).toBeGreaterThan(5_000_000)
    await sql(
      here,
      name,
      `DROP SCHEMA app CASCADE; ALTER DATABASE ${database} RESET ALL; COMMENT ON DATABASE ${database} IS 'db-seatbelt: live'`,
    )
    const changed = await contentOfDatabase(here, target)
    const { former, notes: swapNotes } = await copies.swapIn(ioFor(), target, copy)
    expect(swapNotes).toEqual([])
    expect(await commentOn(here, name)).toBe("db-seatbelt: live\nthe shop's")
    await sql(here, name, `COMMENT ON DATABASE ${database} IS 'db-seatbelt: test\nthe shop''s'`)
    expect(await contentOfDatabase(here, target)).toEqual(before)
    if (former === undefined) throw new Error('nothing was put aside')
    expect(await copies.list(ioFor(), target)).toEqual([former])
    const again = await copies.swapIn(ioFor(), target, former)
    await sql(here, name, `COMMENT ON DATABASE ${database} IS 'db-seatbelt: live'`)
    expect(await contentOfDatabase(here, target)).toEqual(changed)
    await copies.remove(ioFor(), target, again.former as InstantCopy)
    expect(await copies.list(ioFor(), target)).toEqual([])
    expect(await alike(here, name)).toEqual([])
  })

  test('nobody can connect to a copy, nor to what was put aside', async () => {
    const name = await createDatabase(here)
    const target = targetOf(here, name)
    const { copy } = await copies.copy(ioFor(), target, backup)
    await expect(clientOf(here, copy.name)).rejects.toThrow('not currently accepting connections')
    const { former } = await copies.swapIn(ioFor(), target, copy)
    await expect(clientOf(here, former?.name ?? '')).rejects.toThrow('not currently accepting connections')
    await sql(here, name, 'CREATE TABLE t ()')
  })

  test('a copy of what is copied by files', async () => {
    const name = await createDatabase(here)
    await sql(here, name, 'CREATE TABLE big (x text); ALTER TABLE big ALTER x SET STORAGE PLAIN')
    await sql(here, name, `INSERT INTO big SELECT repeat('x', 7000) FROM generate_series(1, 9000)`)
    const target = targetOf(here, name)
    const { copy } = await copies.copy(ioFor(), target, backup)
    expect(copy.sizeBytes).toBeGreaterThan(64 * 1024 * 1024)
    await sql(here, name, 'TRUNCATE big')
    await copies.swapIn(ioFor(), target, copy)
    expect(await sql(here, name, 'SELECT count(*)::int AS n, min(length(x)) AS l FROM big')).toEqual([
      { n: 9000, l: 7000 },
    ])
    await sql(here, undefined, `DROP DATABASE ${name}`)
  })
})

describe('a copy', () => {
  test('is not made while others are connected, who are named and not ended', async () => {
    const name = await createDatabase(server)
    const app = await clientOf(server, name, { application_name: 'dev server' })
    const failure = await failureOf(copies.copy(ioFor(), targetOf(server, name), backup))
    expect(failure.code).toBe(40)
    expect(allText(failure)).toContain('dev server (user postgres)')
    expect((await app.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await app.end()
    expect(await alike(server, name)).toEqual([])
    await copies.copy(ioFor(), targetOf(server, name), backup)
  })

  test('needs CREATEDB and the ownership: said with what gives them', async () => {
    const [name, role] = [await createDatabase(server), uniqueName('role')]
    await sql(server, name, `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}`)
    const target = targetOf(server, name, { user: role, password: new Secret('x') })
    expect((await failureOf(copies.copy(ioFor(), target, backup))).text.next).toEqual([
      `as a superuser: ALTER ROLE "${role}" CREATEDB`,
    ])
    await sql(server, name, `ALTER ROLE ${role} CREATEDB`)
    const { copy, notes } = await copies.copy(ioFor(), target, backup)
    expect(notes).toEqual([])
    await sql(server, name, `CREATE TABLE later (); ALTER DATABASE ${name} OWNER TO postgres`)
    expect(allText(await failureOf(copies.copy(ioFor(), target, backup)))).toContain(
      `ALTER DATABASE "${name}" OWNER TO`,
    )
    expect(allText(await failureOf(copies.swapIn(ioFor(), target, copy)))).toContain('may not rename databases')
    await sql(server, name, `ALTER DATABASE ${name} OWNER TO ${role}`)
    await copies.swapIn(ioFor(), target, copy)
    expect(await sql(server, name, `SELECT to_regclass('later') AS t`)).toEqual([{ t: null }])
  })

  test('what the user may not give it is a note', async () => {
    const [name, role, owner] = [await createDatabase(server), uniqueName('role'), uniqueName('owner')]
    await sql(
      server,
      name,
      `CREATE ROLE ${owner}; CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x' IN ROLE ${owner}; ALTER DATABASE ${name} OWNER TO ${owner};
      ALTER DATABASE ${name} SET session_preload_libraries = ''`,
    )
    const target = targetOf(server, name, { user: role, password: new Secret('x') })
    const { notes } = await copies.copy(ioFor(), target, backup)
    expect(notes).toEqual([
      expect.stringContaining('the setting session_preload_libraries of the database could not be set'),
    ])
  })

  test('an interruption ends it, and leaves nothing', async () => {
    const name = await createDatabase(server)
    await sql(server, name, `CREATE TABLE big AS SELECT md5(i::text) AS x FROM generate_series(1, 600000) i`)
    const controller = new AbortController()
    const reason = new Failure(130, { what: 'interrupted' })
    const copying = copies.copy(ioFor({ signal: controller.signal }), targetOf(server, name), backup)
    copying.catch(() => undefined)
    const at = `SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE DATABASE%TEMPLATE "${name}"%' AND state = 'active'`
    while ((await sql(server, undefined, at)).length === 0) await Bun.sleep(5)
    controller.abort(reason)
    expect(await failureOf(copying)).toBe(reason)
    while ((await sql(server, undefined, at)).length > 0) await Bun.sleep(5)
    expect(await alike(server, name)).toEqual([])
  })

  test('a prepared transaction is in its way, and said', async () => {
    const query = async (text: string) => (text.includes('pg_prepared_xacts') ? [{ gid: 'held' }] : [])
    const { refusePrepared } = await import('../../../src/engines/postgres/swap.ts')
    await expect(refusePrepared({ query } as never, 'shop')).rejects.toThrow("has prepared transactions: 'held'")
  })
})

describe('the list', () => {
  test('has those of one database, the newest first, by their marks alone', async () => {
    const [name, other] = [await createDatabase(server), await createDatabase(server)]
    const times = [new Date(Date.UTC(2026, 10, 21)), new Date(Date.UTC(2026, 10, 22)), new Date(Date.UTC(2026, 10, 22))]
    for (const now of times) await copies.copy(ioFor({ now: () => now }), targetOf(server, name), backup)
    await copies.copy(ioFor(), targetOf(server, other), backup)
    await createDatabase(server, `${name}_seatbelt_instant_20261123_000000`)
    const list = await copies.list(ioFor(), targetOf(server, name))
    expect(list.map((copy) => copy.name)).toEqual([
      `${name}_seatbelt_instant_20261122_000000`,
      `${name}_seatbelt_instant_20261122_000000_2`,
      `${name}_seatbelt_instant_20261121_000000`,
    ])
    await sql(server, undefined, `DROP DATABASE ${name}`)
    expect(await copies.list(ioFor(), targetOf(server, name))).toHaveLength(3)
  })

  test('a copy whose maker was killed is named by every operation that holds the database', async () => {
    const name = await createDatabase(server)
    const copy = await createDatabase(server, `${name}_seatbelt_instant_20261123_000000`)
    await sql(server, undefined, `ALTER DATABASE ${copy} ALLOW_CONNECTIONS false`)
    const { terminal, heard } = listeningIo()
    const session = await openSession(ioFor({ terminal }), targetOf(server, name))
    await session.lock(5)
    await session.close()
    expect(heard.join()).toContain(`${copy} looks like the rest of an interrupted copy`)
    expect(await alike(server, name)).toEqual([copy])
  })

  test('only what is in it can be removed or swapped in', async () => {
    const [name, other] = [await createDatabase(server), await createDatabase(server)]
    const { copy } = await copies.copy(ioFor(), targetOf(server, other), backup)
    for (const wrong of [copy, { ...copy, name }, { ...copy, name: 'postgres' }]) {
      expect((await failureOf(copies.remove(ioFor(), targetOf(server, name), wrong))).code).toBe(40)
      expect((await failureOf(copies.swapIn(ioFor(), targetOf(server, name), wrong))).code).toBe(40)
    }
    expect(await sql(server, copy.name === '' ? '' : other, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(await copies.list(ioFor(), targetOf(server, other))).toEqual([copy])
  })
})

describe('a swap', () => {
  test('ends who is connected, as it was said before', async () => {
    const name = await createDatabase(server)
    const target = targetOf(server, name)
    const { copy } = await copies.copy(ioFor(), target, backup)
    expect(await copies.connected(ioFor(), target)).toEqual([])
    await clientOf(server, name, { application_name: 'php-fpm' })
    await clientOf(server, name, { application_name: 'php-fpm' })
    expect(await copies.connected(ioFor(), target)).toEqual(['2 sessions will be ended: php-fpm (2)'])
    expect((await copies.swapIn(ioFor(), target, copy)).notes).toEqual(['2 sessions were ended: php-fpm (2)'])
  })

  test('changes nothing when it is called off right before', async () => {
    const name = await createDatabase(server)
    const target = targetOf(server, name)
    const { copy } = await copies.copy(ioFor(), target, backup)
    const app = await clientOf(server, name)
    const refused = new Failure(20, { what: 'no' })
    expect(await failureOf(copies.swapIn(ioFor(), target, copy, () => Promise.reject(refused)))).toBe(refused)
    expect((await app.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }])
    await app.end()
    expect(await copies.list(ioFor(), target)).toEqual([copy])
  })

  test('brings back a database that is gone, also one that was a template', async () => {
    const name = await createDatabase(server)
    const target = targetOf(server, name)
    await sql(
      server,
      name,
      `CREATE TABLE t (); COMMENT ON DATABASE ${name} IS 'mine'; ALTER DATABASE ${name} IS_TEMPLATE true`,
    )
    const { copy } = await copies.copy(ioFor(), target, backup)
    await sql(server, undefined, `ALTER DATABASE ${name} IS_TEMPLATE false; `)
    await sql(server, undefined, `DROP DATABASE ${name}`)
    expect(await copies.swapIn(ioFor(), target, copy)).toEqual({ notes: [] })
    const [row] = await sql(
      server,
      name,
      `SELECT to_regclass('t')::text AS t, datistemplate AS template, shobj_description(oid, 'pg_database') AS comment
      FROM pg_database WHERE datname = current_database()`,
    )
    expect(row).toEqual({ t: 't', template: true, comment: 'mine' })
    await sql(server, undefined, `ALTER DATABASE ${name} IS_TEMPLATE false`)
  })

  test('restores leave copies alone, and are left alone', async () => {
    const name = await createDatabase(server)
    const target = targetOf(server, name)
    await sql(server, name, 'CREATE TABLE t ()')
    const { bytes, tables, properties } = await dumpOf(target)
    const { copy } = await copies.copy(ioFor(), target, backup)
    const former = await createDatabase(server, `${name}_seatbelt_old_01234567`)
    await sql(
      server,
      undefined,
      `COMMENT ON DATABASE ${former} IS '${markText({ role: 'former', database: name, at: 'now' })}'`,
    )
    await postgres.restore(ioFor(), { target, content: contentOf(bytes), tables, properties, step: () => undefined })
    expect(await copies.list(ioFor(), target)).toEqual([copy])
    await copies.swapIn(ioFor(), target, copy)
    expect(await alike(server, name)).toContain(former)
  })
})

describe('names and marks', () => {
  const now = new Date(Date.UTC(2026, 10, 21, 3, 15))

  test('a name fits, says when, and is taken once', () => {
    expect(instantName('shop', now, new Set())).toBe('shop_seatbelt_instant_20261121_031500')
    expect(instantName('shop', now, new Set([instantName('shop', now, new Set())]))).toBe(
      'shop_seatbelt_instant_20261121_031500_2',
    )
    const long = instantName('ä'.repeat(40), now, new Set())
    expect([Buffer.byteLength(long) <= 63, looksLikeCopy(long, 'ä'.repeat(40))]).toEqual([true, true])
    expect(
      ['shop', 'shop_seatbelt_0123abcd', 'shop_seatbelt_instant', 'shop2_seatbelt_instant_20261121_031500'].some(
        (name) => looksLikeCopy(name, 'shop'),
      ),
    ).toBe(false)
  })

  test.each([
    '',
    'mine',
    markText({ role: 'scratch', database: 'shop', at: 'now' }),
    'db-seatbelt instant: {"database":"shop"',
    'db-seatbelt instant: null',
    'db-seatbelt instant: {"database":"shop","at":"long ago"}',
    'db-seatbelt instant: {"database":"shop","at":"2026-11-21T03:15:00.000Z","backup":1}',
  ])('%j is no mark of a copy', (comment) => {
    expect(instantMarkIn(comment)).toBeUndefined()
  })

  test('a mark is read back; to a restore it is none', () => {
    const mark = { database: `it's "x"`, at: now.toISOString(), backup, comment: 'line\n', template: true } as const
    const comment = instantMarkText(mark)
    expect(instantMarkIn(comment)).toEqual(mark)
    const names = restoreNames('shop')
    const own = {
      name: 'shop_seatbelt_instant_20261121_031500',
      sessions: 0,
      held: false,
      subscriptions: [],
      open: true,
    }
    expect(leftoverStep({ ...own, comment }, names)).toBeUndefined()
    expect(leftoverStep({ ...own, comment: '' }, names)).toBeUndefined()
  })

  test('a copy that was never marked is named, and nothing else', () => {
    const found = { name: instantName('shop', now, new Set()), comment: '', size: '0', open: false }
    expect(strangerNotes([found], 'shop').join()).toContain(`DROP DATABASE "${found.name}"`)
    const others = [
      { ...found, open: true },
      { ...found, comment: 'mine' },
      { ...found, name: 'shop_copy' },
    ]
    expect(strangerNotes(others, 'shop')).toEqual([])
  })

  test('who may not be ended', () => {
    const session = { pid: 1, application: 'psql', user: 'root', ours: true }
    expect(connectedLines([session, { ...session, ours: false }])).toEqual([
      'sessions that may not be ended are connected: psql (user root); stop them first',
    ])
    expect(connectedLines([session])).toEqual(['1 session will be ended: psql'])
  })
})

test('large databases are copied file by file, where the server can', () => {
  expect(
    [
      [14, 1e9],
      [15, 1e9],
      [18, 1e6],
    ].map(([major = 0, bytes = 0]) => copiesFiles(major, bytes)),
  ).toEqual([false, true, false])
  expect(createCopySql('c"', 'l', true)).toBe(
    'CREATE DATABASE "c""" TEMPLATE "l" ALLOW_CONNECTIONS false STRATEGY file_copy',
  )
  expect(createCopySql('c', 'l', false)).toBe('CREATE DATABASE "c" TEMPLATE "l" ALLOW_CONNECTIONS false')
})

describe('copying files on a server that knows clones', () => {
  const create = createCopySql('c', 'l', true)

  /** What is sent to a server that answers so. */
  async function sent(refusal: (text: string) => string | undefined): Promise<readonly string[]> {
    const all: string[] = []
    const query = async (text: string) => {
      all.push(text)
      const code = refusal(text)
      if (code !== undefined) throw Object.assign(new Error('no'), { code })
      return [{ size: '100000000' }]
    }
    await copyDatabase({ query } as never, { name: 'c', live: 'l', major: 18 }).catch(() => all.push('failed'))
    return all.slice(1)
  }

  test('asks for clones first, and copies where there are none', async () => {
    let refusals = 0
    const cannotOnce = (text: string) => (text === create && refusals++ === 0 ? 'XX000' : undefined)
    const [clone, copy] = ['SET file_copy_method = clone', 'SET file_copy_method = copy']
    expect(await sent(() => undefined)).toEqual([clone, create])
    expect(await sent(cannotOnce)).toEqual([clone, create, copy, create])
    expect(await sent((text) => (text === clone ? '22023' : undefined))).toEqual([clone, create])
    expect(await sent((text) => (text === create ? '53100' : undefined))).toEqual([clone, create, 'failed'])
  })
})

test('the swap is one transaction', () => {
  const mark = { database: 'shop', at: '2026-11-21T03:15:00.000Z' }
  expect(
    instantSwapSql('shop', { copy: { name: 'copy', mark }, former: { name: 'old', mark }, comment: `it's` }).split(
      '; ',
    ),
  ).toEqual([
    'BEGIN',
    'ALTER DATABASE "shop" RENAME TO "old"',
    'ALTER DATABASE "old" ALLOW_CONNECTIONS false IS_TEMPLATE false',
    `COMMENT ON DATABASE "old" IS '${instantMarkText(mark)}'`,
    'ALTER DATABASE "copy" RENAME TO "shop"',
    'ALTER DATABASE "shop" ALLOW_CONNECTIONS true',
    `COMMENT ON DATABASE "shop" IS 'it''s'`,
    'COMMIT',
  ])
})
