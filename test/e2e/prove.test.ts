import { Database } from 'bun:sqlite'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Manifest } from '../../src/backup/manifest.ts'
import { mariaDump, slow, until } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { type EngineLabel, openShop, type Shop, threeCustomers } from './shops.ts'

const proving: readonly EngineLabel[] = ['PostgreSQL', 'MariaDB', 'SQLite']

type BackedUp = { readonly shop: Shop; readonly project: Project; readonly file: string; readonly shown: string }

async function backedUp(engine: EngineLabel, ...words: readonly string[]): Promise<BackedUp> {
  const shop = await openShop(engine)
  const project = newProject(shop.env)
  const ended = await project.run('backup-database', words)
  expect(ended).toMatchObject({ code: 0 })
  const shown = ended.stdout.trim()
  return { shop, project, shown, file: shown.replace('backups/', '') }
}

type Change = { readonly edit: (dump: string) => string; readonly sql: string }

/** Changes a backup's content and makes its manifest fit again: only what is in it tells. */
function forge({ shop, project, file }: BackedUp, { edit, sql }: Change): void {
  const path = project.path(`backups/${file}`)
  const before = readFileSync(path)
  if (shop.engine === 'SQLite') {
    const database = new Database(path)
    database.run(sql)
    database.close()
  } else writeFileSync(path, edit(before.toString()))
  const bytes = readFileSync(path)
  expect(bytes).not.toEqual(before)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  rewrite(project, file, (manifest) => ({ ...manifest, sha256, bytes: bytes.length, storedBytes: bytes.length }))
}

function rewrite(project: Project, file: string, change: (manifest: Manifest) => Manifest): void {
  project.write(`backups/${file}.json`, JSON.stringify(change(project.manifest(file))), 0o600)
}

const anotherRow: Change = {
  edit: (dump) => dump.replace(/(3(?:,'|\t))\w+/, '$1Linux'),
  sql: "UPDATE customers SET name = 'Linux' WHERE id = 3",
}

const oneMoreRow: Change = {
  edit: (dump) => dump.replace("(3,'Linus')", "(3,'Linus'),(4,'Eve')").replace('3\tLinus\n', '3\tLinus\n4\tEve\n'),
  sql: "INSERT INTO customers VALUES (4, 'Eve')",
}

const otherPlaces: Change = {
  edit: (dump) => dump.replace(/Ada|Grace/g, (name) => (name === 'Ada' ? 'Grace' : 'Ada')),
  sql: "UPDATE customers SET name = CASE id WHEN 1 THEN 'Grace' ELSE 'Ada' END WHERE id < 3",
}

const anotherColumn: Change = {
  edit: (dump) => dump.replace(/(varchar|character varying)\(100\)/, '$1(101)'),
  sql: 'CREATE INDEX by_name ON customers (name)',
}

const table = { PostgreSQL: 'public.customers', MariaDB: 'customers', SQLite: 'customers' }

describe.each(proving)('%s: a proof', (engine) => {
  test('restores the backup beside, compares, and leaves a note and nothing else', async () => {
    const { shop, project, file, shown } = await backedUp(engine)
    const ended = await project.run('backup-database', ['--prove'])
    expect(ended).toMatchObject({ code: 0, stdout: `${shown}\n` })
    expect(ended.stderr).toMatch(
      new RegExp(`✓ Proven: ${shown} was restored beside, and is the same there \\(1 table, 3 rows; .*\\)\\n$`),
    )
    expect(Date.parse(project.manifest(file).proven ?? '')).toBeGreaterThan(Date.now() - 60_000)
    expect(await shop.customers()).toEqual(threeCustomers)
    expect(await shop.beside()).toEqual([])
    expect(project.kept()).toEqual([file, `${file}.json`])
    const list = await project.run('restore-database')
    expect(list.stdout).toMatch(/ 3 +2\d{3}-\d\d-\d\d +backup-database/)
  })

  test('is not done again, but said, for as long as that backup stands', async () => {
    const { shop, project, file } = await backedUp(engine, '--prove')
    const { proven } = project.manifest(file)
    const again = await project.run('safe-migrate', ['--prove', '--report', 'r.json', 'true'])
    expect(again.stderr).toMatch(new RegExp(`✓ Already proven \\(.*\\): backups/${file}\\n`))
    expect(project.manifest(file).proven).toBe(proven)
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({
      targets: [{ backup: file, proven, reused: expect.anything() }],
    })
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const later = await project.run('backup-database', ['--prove'])
    expect(later.stderr).toContain('✓ Proven: ')
    expect(project.backups()).toHaveLength(2)
  })

  test('comes before the command, which runs, and by variable and file too', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const ended = await project.run('safe-migrate', ['--prove', 'sh', '-c', 'echo now >&2'])
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/✓ Proven: .*\n(.*\n)*now\n/) })
    expect(ended.stderr).not.toContain('seatbelt_')
    project.write('seatbelt.json', '{ "prove": true }')
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    expect((await project.run('safe-test', ['true'])).stderr).toContain('✓ Proven: ')
    const env = { SEATBELT_PROVE: '0' }
    expect((await project.run('safe-test', ['true'], { env })).stderr).not.toMatch(/proven/i)
  })

  test('of a compressed backup', async () => {
    const { project, file, shown } = await backedUp(engine, '--compress', 'zstd')
    expect(await project.run('restore-database', ['--check', shown])).toMatchObject({ code: 0 })
    expect(project.manifest(file).proven).toBeDefined()
  })
})

describe.each(proving)('%s: a forged backup, whose hash is right,', (engine) => {
  test.each([
    ['a row was changed', anotherRow, 'has as many rows, but not the same ones'],
    ['a row was added', oneMoreRow, 'has 4 rows, not 3'],
    ['two rows changed places', otherPlaces, 'has as many rows, but not the same ones'],
  ])('is found out when %s', async (_, change, difference) => {
    const made = await backedUp(engine, '--prove')
    forge(made, change)
    const { project, file, shown, shop } = made
    const ended = await project.run('restore-database', ['--check', shown])
    expect(ended).toMatchObject({ code: 31, stdout: '' })
    expect(ended.stderr).toContain(`${shown} does not restore to what was dumped\n  ${table[engine]} ${difference}\n`)
    expect(project.manifest(file)).toMatchObject({ disproven: expect.anything() })
    expect(project.manifest(file)).not.toHaveProperty('proven')
    expect((await project.run('restore-database')).stdout).toContain('differs!')
    expect(await shop.customers()).toEqual(threeCustomers)
    expect(await shop.beside()).toEqual([])
  })

  test('is found out when its schema was changed', async () => {
    const made = await backedUp(engine)
    forge(made, anotherColumn)
    const ended = await made.project.run('restore-database', ['--check', made.shown])
    expect(ended).toMatchObject({ code: 31, stderr: expect.stringContaining('what is no row') })
  })

  test('stops the command, rotates nothing, and is no backup of the next run', async () => {
    const made = await backedUp(engine)
    const { project, shop, file: first } = made
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const { stdout } = await project.run('backup-database')
    const file = stdout.trim().replace('backups/', '')
    forge({ ...made, file }, anotherRow)
    const words = ['--prove', '--keep', '1', '--report', 'r.json', 'touch', 'ran']
    expect(await project.run('safe-migrate', words)).toMatchObject({ code: 125 })
    expect(existsSync(project.path('ran'))).toBe(false)
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({ failure: { code: 31 } })
    expect(project.backups()).toEqual([first, file])
    expect(await project.run('safe-migrate', words)).toMatchObject({ code: 0 })
    expect(project.backups()).toHaveLength(1)
    expect([first, file]).not.toContain(project.backups()[0])
  })
})

describe.each(proving)('%s: restore-database --check', (engine) => {
  test('of a backup without digests counts only, and says so', async () => {
    const made = await backedUp(engine)
    const { project, file, shown } = made
    rewrite(project, file, ({ schemaDigest: _, ...manifest }) => ({
      ...manifest,
      tables: manifest.tables.map(({ name, rows }) => ({ name, rows })),
    }))
    const ended = await project.run('restore-database', ['--check', shown])
    expect(ended).toMatchObject({ code: 0 })
    expect(ended.stdout).toMatch(`Restored beside and counted, but not proven: ${shown}`)
    expect(ended.stdout).toContain(`of ${table[engine]} there is no digest to compare`)
    expect(project.manifest(file)).not.toHaveProperty('proven')
    rewrite(project, file, (manifest) => ({ ...manifest, tables: [{ name: table[engine], rows: 4 }] }))
    const differs = await project.run('restore-database', ['--check', shown])
    expect(differs).toMatchObject({ code: 31, stderr: expect.stringContaining('has 3 rows, not 4') })
  })

  test('asks nothing, overwrites nothing and makes no backup', async () => {
    const { shop, project, file, shown } = await backedUp(engine)
    await shop.ask('DELETE FROM customers')
    expect(await project.run('restore-database', ['--check', shown])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(`^Proven: ${shown} `),
    })
    expect(await shop.customers()).toEqual([])
    expect(project.backups()).toEqual([file])
    const { stdout } = await project.run('restore-database', ['--check', '--json', shown])
    expect(JSON.parse(stdout)).toMatchObject({ exitCode: 0, targets: [{ backup: file, proven: expect.anything() }] })
  })

  test('ends with 31 when the file is cut, and does not load it', async () => {
    const { project, file, shown } = await backedUp(engine)
    writeFileSync(project.path(shown), readFileSync(project.path(shown)).subarray(0, 100))
    expect(await project.run('restore-database', ['--check', shown])).toMatchObject({ code: 31, stdout: '' })
    expect(project.manifest(file)).not.toHaveProperty('disproven')
  })

  test('asks for consent where the database looks like production', async () => {
    const shop = await openShop(
      engine,
      engine === 'SQLite' ? 'shop_production.sqlite' : `shop_${Date.now()}_production`,
    )
    const project = newProject(shop.env)
    const consent = ['--allow-production', shop.name]
    const { stdout } = await project.run('backup-database', consent)
    expect(await project.run('restore-database', ['--check', stdout.trim()])).toMatchObject({ code: 20 })
    expect(await project.run('restore-database', [...consent, '--check', stdout.trim()])).toMatchObject({ code: 0 })
  })
})

test('a proof that takes long is told in a line on a terminal, and Ctrl-C ends it without a trace', async () => {
  const { shop, project, file, shown } = await backedUp('MariaDB')
  // Reading back is a dump, which stops half-way here.
  const terminal = project.terminal('restore-database', ['--check', shown], { env: mariaDump(project, slow(project)) })
  await terminal.waitFor(/proving: reading back/)
  await until(project, 'waiting')
  terminal.write('\x03')
  expect(await terminal.exit).toEqual({ code: 130, signal: null })
  expect(project.manifest(file)).not.toHaveProperty('proven')
  expect(project.kept()).toEqual([file, `${file}.json`])
  expect(await shop.customers()).toEqual(threeCustomers)
  await expect.poll(() => shop.beside(), { timeout: 20_000 }).toEqual([])
  project.write('go', '')
})

test('--check needs a backup, and one with a manifest', async () => {
  const project = newProject((await openShop('SQLite')).env)
  expect(await project.run('restore-database', ['--check'])).toMatchObject({ code: 2 })
  project.write('backups/foreign.sqlite', 'x')
  const ended = await project.run('restore-database', ['--check', 'backups/foreign.sqlite'])
  expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('has no manifest') })
})
