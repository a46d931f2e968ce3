import { readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Kept } from '../servers/keeper.ts'
import { type MariaServer, startMaria } from '../servers/mariadb.ts'
import { type Ended, newProject, type Project } from './project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, serverShop, threeCustomers } from './shops.ts'

// MariaDB's mark moves with every write to any database of its server: one of our own.
let maria: MariaServer
let kept: Kept

beforeAll(async () => {
  const started = await startMaria({ settings: { 'innodb-stats-auto-recalc': 0 } })
  maria = started.server
  kept = started.kept
})
afterAll(() => kept.stop())

const openOwnShop = (engine: EngineLabel) => (engine === 'MariaDB' ? serverShop(engine, maria) : openShop(engine))

type Again = { readonly file: string; readonly said: 'dumped' | 'unchanged' | 'no dump' }

/** One more backup: which file it is, and how that came. */
async function again(project: Project, ...words: readonly string[]): Promise<Again> {
  const ended = await project.run('backup-database', words)
  expect(ended).toMatchObject({ code: 0 })
  const said = (
    [
      ['✓ Nothing changed since backups/', 'no dump'],
      ['✓ Unchanged since backups/', 'unchanged'],
      ['✓ Backed up ', 'dumped'],
    ] as const
  ).find(([text]) => ended.stderr.includes(text))
  return { file: fileOf(ended), said: said?.[1] ?? expect.unreachable(ended.stderr) }
}

/** A shop with a backup, after which the server came to rest: it goes on writing by itself for a while. */
async function backedUp(engine: EngineLabel): Promise<{ shop: Shop; project: Project; first: string }> {
  const shop = await openOwnShop(engine)
  const project = newProject(shop.env)
  const first = await atRest(project)
  expect(project.backups()).toEqual([first])
  return { shop, project, first }
}

/** Runs a command again and again until it needs no dump; a server that never rests fails the test by its time. */
async function untilNoDump(
  project: Project,
  command: string,
  words: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  for (;;) {
    const ended = await project.run(command, words, { env })
    expect(ended).toMatchObject({ code: 0 })
    if (ended.stderr.includes('no dump needed')) return ended
  }
}

async function atRest(project: Project, ...words: readonly string[]): Promise<string> {
  return fileOf(await untilNoDump(project, 'backup-database', words))
}

function fileOf({ stdout }: Ended): string {
  return stdout.trim().replace('backups/', '')
}

describe.each(engineLabels)('%s: where nothing was changed since the newest backup', (engine) => {
  test('no dump is made: that backup is the operation’s own, and the way back', async () => {
    const { shop, project, first } = await backedUp(engine)
    const ended = await untilNoDump(project, 'safe-migrate', ['--report', 'r.json', 'true'])
    expect(ended.stderr).toMatch(new RegExp(`^✓ Nothing changed since backups/${first} \\(.*\\): no dump needed\\n`))
    expect(ended.stderr).toContain(`restore-database backups/${first}\n`)
    expect(JSON.parse(readFileSync(project.path('r.json'), 'utf8'))).toMatchObject({
      targets: [{ backup: first, reused: 'nothing changed', rows: 3 }],
    })
    expect(project.manifest(first).seenAgain).toMatchObject({ reason: 'safe-migrate true' })
    expect(await atRest(project)).toBe(first)
    await shop.ask('DELETE FROM customers')
    expect(await project.run('restore-database', ['--yes', `backups/${first}`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test.each([
    ['a row is changed', "UPDATE customers SET name = 'Later' WHERE id = 3"],
    ['a row comes and goes', "INSERT INTO customers VALUES (4, 'Later'); DELETE FROM customers WHERE id = 4"],
    ['a table is emptied', 'DELETE FROM customers'],
    ['a table comes', 'CREATE TABLE later (n integer)'],
    ['a column comes', 'ALTER TABLE customers ADD COLUMN later integer'],
    ['an index comes', 'CREATE INDEX by_name ON customers (name)'],
    ['a table goes', 'DROP TABLE customers'],
  ])('a dump is made when %s', async (_, change) => {
    const { shop, project } = await backedUp(engine)
    for (const statement of change.split(';')) await shop.ask(statement)
    expect((await again(project)).said).not.toBe('no dump')
  })

  test('a dump is made all the same with --always-dump, and takes no place', async () => {
    const { project, first } = await backedUp(engine)
    expect(await again(project, '--always-dump')).toEqual({ file: first, said: 'unchanged' })
    project.write('seatbelt.json', '{ "alwaysDump": true }')
    expect(await again(project)).toEqual({ file: first, said: 'unchanged' })
    const env = { SEATBELT_ALWAYS_DUMP: 'false' }
    await untilNoDump(project, 'backup-database', [], env)
  })

  test('another way to compress, and another --keep, need no dump', async () => {
    const { shop, project, first } = await backedUp(engine)
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    const file = await atRest(project)
    expect(project.backups()).toHaveLength(2)
    expect(await atRest(project, '--compress', 'zstd', '--keep', '1')).toBe(file)
    expect(project.backups()).toEqual([file])
    expect(file).not.toBe(first)
  })

  test.each<[string, (path: string) => void, RegExp | undefined]>([
    ['has other bytes', (path) => writeFileSync(path, readFileSync(path).fill(0, 50)), /not whole any more/],
    ['was cut', (path) => writeFileSync(path, readFileSync(path).subarray(1)), undefined],
    ['is gone', (path) => rmSync(path), undefined],
    ['has no manifest', (path) => rmSync(`${path}.json`), undefined],
  ])('a dump is made when the backup %s', async (_, harm, said) => {
    const { project, first } = await backedUp(engine)
    harm(project.path(`backups/${first}`))
    const ended = await project.run('backup-database')
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('✓ Backed up') })
    if (said !== undefined) expect(ended.stderr).toMatch(said)
  })

  test('the file is read again where only its time is another', async () => {
    const { project, first } = await backedUp(engine)
    const before = project.manifest(first).onDisk
    utimesSync(project.path(`backups/${first}`), 1e9, 1e9)
    expect(await atRest(project)).toBe(first)
    expect(project.manifest(first).onDisk).toMatchObject({ inode: before?.inode, modified: '1000000000000000000' })
  })

  test('a restore is a change', async () => {
    const { shop, project, first } = await backedUp(engine)
    await shop.ask("UPDATE customers SET name = 'Later' WHERE id = 3")
    await again(project)
    expect(await project.run('restore-database', ['--yes', `backups/${first}`])).toMatchObject({ code: 0 })
    const { file, said } = await again(project)
    expect(said).toBe('dumped')
    await shop.ask('DELETE FROM customers')
    expect(await project.run('restore-database', ['--yes', `backups/${file}`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})
