import { linkSync } from 'node:fs'
import { describe, expect, inject, test } from 'vitest'
import { newProject, type Project } from '../e2e/project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, serverShop, threeCustomers } from '../e2e/shops.ts'
import { startMaria } from '../servers/mariadb.ts'
import { watchPeak } from './peak.ts'

/** What our process may hold, whatever passes: the size of a database does not count, and its tables only a little. */
const bound = 150_000_000

const size = 500_000_000

/** Of 10,000 tables of PostgreSQL a dump, the catalogue and the manifest are compared, whose garbage comes and goes. */
const boundOfTables = 170_000_000

async function run(project: Project, command: string, words: readonly string[] = [], most = bound) {
  const running = project.start(command, words)
  const peak = watchPeak(running.pid)
  const ended = await running.ended
  expect(ended).toMatchObject({ code: 0 })
  expect(peak()).toBeGreaterThan(10_000_000)
  expect(peak(), `${command}: the most memory that it held`).toBeLessThan(most)
  return ended
}

async function backUpAndBack(shop: Shop, question: string, most = bound): Promise<void> {
  const project = newProject(shop.env)
  const before = await shop.ask(question)
  await run(project, 'backup-database', ['--compress', 'zstd'], most)
  await shop.ask('DELETE FROM customers')
  await run(project, 'restore-database', ['--yes', '--compress', 'zstd', `backups/${project.backups()[0]}`], most)
  expect(await shop.customers()).toEqual(threeCustomers)
  expect(await shop.ask(question)).toEqual(before)
}

async function shopOfTenThousandTables(): Promise<Shop> {
  const shop = await openShop('SQLite')
  const all = Array.from(
    { length: 10_000 },
    (_, index) => `CREATE TABLE t${index} (id integer PRIMARY KEY, note text); INSERT INTO t${index} VALUES (1, 'x')`,
  )
  await shop.ask(`BEGIN; ${all.join(';')}; COMMIT`)
  return shop
}

const columns = (count: number, type: string) =>
  Array.from({ length: count }, (_, index) => `c${index} ${type}`).join(', ')

// By their pages: a value of 512 MB would take as much of the server.
const largeObjects = `SELECT count(*) AS n, sum(length(data)) AS bytes,
  md5(string_agg(md5(loid || ' ' || pageno || ' ' || md5(data)), '' ORDER BY loid, pageno)) AS sum FROM pg_largeobject`

describe('memory stays under its bound, there and back', () => {
  test('PostgreSQL: 10,000 tables', async () => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['15'])
    for (let from = 0; from < 10_000; from += 500) {
      const some = Array.from(
        { length: 500 },
        (_, index) =>
          `CREATE TABLE t${from + index} (id int PRIMARY KEY, note text); INSERT INTO t${from + index} VALUES (1, 'x')`,
      )
      await shop.ask(some.join(';'))
    }
    await backUpAndBack(shop, "SELECT count(*) AS n FROM pg_class WHERE relkind = 'r'", boundOfTables)
  })

  test('MariaDB: 10,000 tables', async () => {
    const shop = await openShop('MariaDB')
    const all = Array.from(
      { length: 10_000 },
      (_, index) => `CREATE TABLE t${index} (id int PRIMARY KEY, note text); INSERT INTO t${index} VALUES (1, 'x')`,
    )
    for (let from = 0; from < all.length; from += 500) await shop.ask(all.slice(from, from + 500).join(';'))
    await backUpAndBack(shop, 'SELECT count(*) AS n FROM information_schema.tables WHERE table_schema = database()')
  })

  test('SQLite: 10,000 tables', async () => {
    const shop = await shopOfTenThousandTables()
    await backUpAndBack(shop, 'SELECT count(*) AS n FROM sqlite_schema')
  })

  test('SQLite: thirty backups of 10,000 tables', async () => {
    const project = newProject((await shopOfTenThousandTables()).env)
    await run(project, 'backup-database', ['--compress', 'zstd'])
    const [made = ''] = project.backups()
    for (let day = 1; day < 30; day++) {
      const file = made.replace(/\d{4}-\d\d-\d\d_/, `2026-01-${String(day).padStart(2, '0')}_`)
      const createdAt = new Date(Date.UTC(2026, 0, day)).toISOString()
      linkSync(project.path(`backups/${made}`), project.path(`backups/${file}`))
      project.write(`backups/${file}.json`, JSON.stringify({ ...project.manifest(made), file, createdAt }))
    }
    await run(project, 'restore-database')
    await run(project, 'backup-database', ['--always-dump', '--compress', 'zstd'])
    expect(project.backups()).toHaveLength(30)
  })

  test.each<[EngineLabel, number, string]>([
    ['PostgreSQL', 1600, 'int'],
    ['MariaDB', 1017, 'int'],
    ['SQLite', 1600, 'int'],
  ])('%s: a table of %i columns', async (engine, count, type) => {
    const shop = await openShop(engine)
    await shop.ask(`CREATE TABLE wide (${columns(count, type)})`)
    for (let row = 0; row < 20; row++)
      await shop.ask(`INSERT INTO wide VALUES (${Array.from({ length: count }, (_, index) => row * index).join(', ')})`)
    await backUpAndBack(shop, `SELECT count(*) AS n, sum(c${count - 1}) AS s FROM wide`)
  })

  test('PostgreSQL: a row of 500 MB', async () => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['15'])
    await shop.ask(`CREATE TABLE large (note text); INSERT INTO large VALUES (repeat('0123456789', ${size / 10}))`)
    await backUpAndBack(shop, 'SELECT length(note) AS n, md5(note) AS sum FROM large')
  })

  test('MariaDB: a row of 500 MB', async () => {
    const { server, kept } = await startMaria({
      settings: { 'max-allowed-packet': '1G', 'innodb-log-file-size': '2G' },
    })
    try {
      const shop = await serverShop('MariaDB', server)
      await shop.ask(
        `CREATE TABLE large (note longtext); INSERT INTO large VALUES (repeat('0123456789', ${size / 10}))`,
      )
      await backUpAndBack(shop, 'SELECT length(note) AS n, md5(note) AS sum FROM large')
    } finally {
      await kept.stop()
    }
  })

  test('SQLite: a row of 500 MB', async () => {
    const shop = await openShop('SQLite')
    await shop.ask(`CREATE TABLE large (note blob); INSERT INTO large VALUES (zeroblob(${size}))`)
    await backUpAndBack(shop, 'SELECT length(note) AS n FROM large')
  })

  test('PostgreSQL: 2 GB of large objects, and 1 GB back', async () => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['15'])
    const fourMegabytes = `decode(repeat('00ff5c27', ${1 << 20}), 'hex')`
    await shop.ask(`DO $$ DECLARE piece bytea := ${fourMegabytes}; BEGIN
      FOR n IN 1..4 LOOP PERFORM lo_create(n);
        FOR at IN 0..127 LOOP PERFORM lo_put(n, at::bigint * 4194304, piece); END LOOP;
      END LOOP; END $$`)
    const project = newProject(shop.env)
    await run(project, 'backup-database', ['--compress', 'zstd'])
    expect(project.manifest(project.backups()[0] ?? '').bytes).toBeGreaterThan(4_000_000_000)
    // The way back takes a minute for a gigabyte: psql reads each byte of it.
    await shop.ask("SELECT lo_unlink(3), lo_unlink(4), lo_from_bytea(5, 'five')")
    await backUpAndBack(shop, largeObjects)
  })
})

describe.each(engineLabels)('%s: fifty runs at once on one database', (engine) => {
  test('take turns, or end with 50; all that is kept is whole', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const runs = await Promise.all(Array.from({ length: 50 }, () => project.run('backup-database', ['--keep', '100'])))
    const codes = runs.map(({ code }) => code)
    expect(codes).toContain(0)
    expect(codes.filter((code) => code !== 0 && code !== 50)).toEqual([])
    const backups = project.backups()
    expect(project.kept()).toEqual(backups.flatMap((name) => [name, `${name}.json`]).toSorted())
    const [newest] = backups
    expect(await project.run('restore-database', ['--yes', `backups/${newest}`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})
