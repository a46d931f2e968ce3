import { mkdirSync, readFileSync, renameSync, symlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { envText, newProject, type Project } from './project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

type Two = { readonly shop: Shop; readonly other: Shop; readonly project: Project; readonly backup: string }

const touched: readonly string[] = ['Ada', 'Grace', 'Linus', 'of the other one']

/** A backup of one shop, in a project whose `.env` names another. */
async function twoShops(engine: EngineLabel): Promise<Two> {
  const [shop, other] = [await openShop(engine), await openShop(engine)]
  await other.ask("INSERT INTO customers VALUES (4, 'of the other one')")
  const project = newProject(other.env)
  const env = { SEATBELT_DATABASE_URL: shop.url }
  expect(await project.run('backup-database', [], { env })).toMatchObject({ code: 0 })
  await shop.ask('DELETE FROM customers')
  return { shop, other, project, backup: `backups/${project.backups()[0]}` }
}

function withoutPassword({ url }: Shop): string {
  return url.replace(/:[^:/@]*@/, '@')
}

describe.each(engineLabels)('%s: a backup of another database than the one that .env names', (engine) => {
  test.each([[['--yes']], [[]]])('is refused, and %j does not answer that', async (words) => {
    const { shop, other, project, backup } = await twoShops(engine)
    const ended = await project.run('restore-database', [...words, backup])
    expect(ended).toMatchObject({ code: 10, stdout: '' })
    expect(ended.stderr).toContain(`The backup is of  ${withoutPassword(shop)}`)
    expect(ended.stderr).toContain(`It would go into   ${withoutPassword(other)}  (.env names it)`)
    expect(await other.customers()).toEqual(touched)
    expect(project.backups()).toHaveLength(1)
  })

  test('goes into that one by the command that the refusal gives', async () => {
    const { other, project, backup } = await twoShops(engine)
    const { stderr } = await project.run('restore-database', ['--yes', backup])
    const [, command = ''] = /→ If this really is what you mean, to overwrite \S+ with it: (.*)/.exec(stderr) ?? []
    expect(command).toContain('restore-database --yes --env-file .env backups/')
    expect(await project.run('/bin/sh', ['-c', command])).toMatchObject({ code: 0 })
    expect(await other.customers()).toEqual(threeCustomers)
  })

  test('goes into its own by the command that the refusal gives', async () => {
    const { shop, other, project, backup } = await twoShops(engine)
    const { stderr } = await project.run('restore-database', ['--yes', backup])
    const [, command = ''] = /→ To restore it to the database that it is of: (.*)/.exec(stderr) ?? []
    expect(command).toContain(withoutPassword(shop))
    await project.run('/bin/sh', ['-c', command.replace(withoutPassword(shop), shop.url)])
    expect(await shop.customers()).toEqual(threeCustomers)
    expect(await other.customers()).toEqual(touched)
  })

  test('goes into that one where it is named on the call, and a yes is given', async () => {
    const { other, project, backup } = await twoShops(engine)
    const env = { SEATBELT_DATABASE_URL: other.url }
    const asked = await project.run('restore-database', [backup], { env })
    expect(asked).toMatchObject({ code: 20, stderr: expect.stringContaining('the backup is of another database') })
    expect(await project.run('restore-database', ['--yes', backup], { env })).toMatchObject({ code: 0 })
    expect(await other.customers()).toEqual(threeCustomers)
  })
})

type Way = {
  readonly words: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly file?: string
  readonly prefix: RegExp
}

/** How `safe-migrate` may come to a database that `.env` does not name, and what the way back begins with. */
const ways: Readonly<Record<string, (shop: Shop) => Way>> = {
  'the URL on the line': ({ url }) => ({ words: ['--database-url', url], env: {}, prefix: byUrl }),
  'a variable of ours for one call': ({ url }) => ({ words: [], env: { SEATBELT_DATABASE_URL: url }, prefix: byUrl }),
  'a variable of the program for one call': ({ url }) => ({ words: [], env: { DATABASE_URL: url }, prefix: byUrl }),
  'an env file on the line': () => ({
    words: ['--env-file', 'a.env'],
    env: {},
    file: 'a.env',
    prefix: /^\S+ --env-file a\.env backups/,
  }),
  'an env file that a variable chose for one call': () => ({
    words: [],
    env: { APP_ENV: 'a' },
    file: '.env.a',
    prefix: /^\S+ --env-file \.env\.a backups/,
  }),
}

const byUrl = /^SEATBELT_DATABASE_URL=\S+ \S+restore-database backups\//

/** The ways back that were said, and reported, as a person pastes them: with the password where one is asked for. */
function waysBack(project: Project, shop: Shop, stderr: string): readonly string[] {
  const said = [...stderr.matchAll(/^ {2}(?:To go back|What was there before): (.*)$/gm)].map(([, line = '']) => line)
  const { wayBack } = JSON.parse(readFileSync(project.path('report.json'), 'utf8'))
  expect(wayBack).toEqual(said)
  const password = /:([^:/@]+)@/.exec(shop.url)?.[1]
  if (password !== undefined) expect(stderr).not.toContain(password)
  const needed = said.some((line) => line.startsWith('SEATBELT_DATABASE_URL=')) && password !== undefined
  expect(stderr.includes('(no password is shown: write it into that URL')).toBe(needed)
  return said.map((line) => line.replace(withoutPassword(shop), shop.url))
}

describe.each(engineLabels)('%s: the way back that is printed, pasted in the same folder', (engine) => {
  test.each(Object.entries(ways))('leads to the same database: %s', async (_, way) => {
    const [shop, other] = [await openShop(engine), await openShop(engine)]
    const project = newProject(other.env)
    const { words, env, file, prefix } = way(shop)
    if (file !== undefined) project.write(file, envText(shop.env))
    const migrated = await project.run('safe-migrate', ['--report', 'report.json', ...words, 'true'], { env })
    await shop.ask('DELETE FROM customers WHERE id > 1')
    const [back = ''] = waysBack(project, shop, migrated.stderr)
    expect(back).toMatch(prefix)
    const restored = await project.run('/bin/sh', ['-c', `${back} --yes`], { env: { SEATBELT_REPORT: 'report.json' } })
    expect(restored).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)

    const [before = ''] = waysBack(project, shop, restored.stderr)
    expect(await project.run('/bin/sh', ['-c', `${before} --yes`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(['Ada'])
    expect(await other.customers()).toEqual(threeCustomers)
  })

  test('needs no password where the environment still has it', async () => {
    const [shop, other] = [await openShop(engine), await openShop(engine)]
    const project = newProject(other.env)
    const env = { ...shop.env }
    const { stderr } = await project.run('safe-migrate', ['true'], { env })
    const [, back = ''] = /To go back: (.*)$/m.exec(stderr) ?? []
    await shop.ask('DELETE FROM customers')
    expect(await project.run('/bin/sh', ['-c', `${back} --yes`], { env })).toMatchObject({ code: 0 })
    expect([await shop.customers(), await other.customers()]).toEqual([threeCustomers, threeCustomers])
  })

  test('is as short as it can be where .env names the database', async () => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const { stderr } = await project.run('safe-migrate', ['--report', 'report.json', 'true'])
    expect(waysBack(project, shop, stderr)).toEqual([expect.stringMatching(/^\S+restore-database backups\/\S+$/)])
  })
})

describe('on a terminal', () => {
  test('the name of the database that would be overwritten is asked for, with --yes too', async () => {
    const { shop, other, project, backup } = await twoShops('SQLite')
    const terminal = project.terminal('restore-database', ['--yes', backup])
    await terminal.waitFor(`Type ${other.name} to overwrite it`)
    expect(terminal.screen()).toContain(`The backup is of  ${shop.url}`)
    expect(terminal.screen()).toContain(`It would go into   ${other.url}  (.env names it)`)
    terminal.write(`${other.name}\r`)
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(await other.customers()).toEqual(threeCustomers)
  })

  test.each([
    ['Enter', () => '\r'],
    ['y', () => 'y\r'],
    ['the name of the other one', ({ shop }: Two) => `${shop.name}\r`],
  ])('%s cancels', async (_, answer) => {
    const two = await twoShops('SQLite')
    const terminal = two.project.terminal('restore-database', ['--yes', two.backup])
    await terminal.waitFor('to overwrite it')
    terminal.write(answer(two))
    expect(await terminal.exit).toEqual({ code: 20, signal: null })
    expect(await two.other.customers()).toEqual(touched)
  })
})

test('an env file that the project file names is not named on the call', async () => {
  const { other, project, backup } = await twoShops('SQLite')
  project.write('seatbelt.json', JSON.stringify({ envFile: ['.env'] }))
  expect(await project.run('restore-database', ['--yes', backup])).toMatchObject({ code: 10 })
  expect(await other.customers()).toEqual(touched)
})

test('a SQLite file is the same one by another path', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const { stdout } = await project.run('backup-database')
  await shop.ask('DELETE FROM customers')
  const path = shop.env['DB_DATABASE'] ?? ''
  mkdirSync(project.path('moved'))
  renameSync(dirname(path), project.path('moved/here'))
  symlinkSync(project.path('moved/here'), dirname(path))
  project.write('.env', envText({ ...shop.env, DB_DATABASE: project.path(`moved/here/${basename(path)}`) }))
  const restored = await project.run('restore-database', ['--yes', stdout.trim()])
  expect(restored).toMatchObject({ code: 0, stderr: expect.not.stringContaining('another database') })
  expect(await shop.customers()).toEqual(threeCustomers)
})

test('a server on this machine is the same one by its other names', async () => {
  const shop = await openShop('PostgreSQL')
  const project = newProject({ DATABASE_URL: shop.url.replace(/@[^:/]+:/, '@localhost:') })
  const { stdout } = await project.run('backup-database')
  await shop.ask('DELETE FROM customers')
  project.write('.env', envText({ DATABASE_URL: shop.url.replace(/@[^:/]+:/, '@127.0.0.1:') }))
  expect(await project.run('restore-database', ['--yes', stdout.trim()])).toMatchObject({ code: 0 })
  expect(await shop.customers()).toEqual(threeCustomers)
})
