import { describe, expect, test } from 'vitest'
import { until } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { openShop, type Shop, threeCustomers } from './shops.ts'

async function twoBackups(): Promise<{ shop: Shop; project: Project; files: readonly string[] }> {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const files: string[] = []
  for (const reason of ['first', 'second']) {
    await shop.ask(`UPDATE customers SET name = '${reason}' WHERE id = 3`)
    files.push((await project.run('backup-database')).stdout.trim())
  }
  await shop.ask('DELETE FROM customers')
  return { shop, project, files }
}

describe('restore-database without a backup', () => {
  test('lists them in a pipe, newest first, and asks nothing', async () => {
    const { shop, project, files } = await twoBackups()
    const { code, stdout, stderr } = await project.run('restore-database')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(/When +Database +Engine +Size +Tables +Rows +Proven +Made for +File/)
    const listed = lines.slice(1).map((line) => line.split(/\s+/).at(-1))
    expect(listed).toEqual(files.toReversed())
    expect(lines[1]).toContain(shop.name)
    expect(lines[1]).toMatch(/sqlite .* 1 +3 +backup-database/)
  })

  test('says so when there is none', async () => {
    const shop = await openShop('SQLite')
    const ended = await newProject(shop.env).run('restore-database')
    expect(ended).toMatchObject({ code: 0, stdout: expect.stringContaining('No backups in backups/ yet') })
  })

  test('restores the one that is picked on a terminal', async () => {
    const { shop, project } = await twoBackups()
    const terminal = project.terminal('restore-database')
    await terminal.waitFor('Restore which one?')
    terminal.write('\x1b[B\r')
    await terminal.waitFor('Restore it?')
    terminal.write('y')
    expect(await terminal.exit).toEqual({ code: 0, signal: null })
    expect(await shop.customers()).toEqual(['Ada', 'Grace', 'first'])
  })

  test.each([
    ['Esc', '\x1b', 0],
    ['Ctrl-C', '\x03', 130],
    ['Ctrl-D', '\x04', 0],
  ])('%s picks none', async (_, key, code) => {
    const { shop, project } = await twoBackups()
    const terminal = project.terminal('restore-database')
    await terminal.waitFor('Restore which one?')
    terminal.write(key)
    expect(await terminal.exit).toEqual({ code, signal: null })
    expect(await shop.customers()).toEqual([])
    expect(project.backups()).toHaveLength(2)
  })
})

test.each([
  ['n', 'n'],
  ['Enter', '\r'],
  ['Ctrl-C', '\x03'],
  ['Esc', '\x1b'],
  ['Ctrl-D', '\x04'],
])('%s to "Restore it?" changes nothing', async (_, key) => {
  const { shop, project, files } = await twoBackups()
  const terminal = project.terminal('restore-database', [files[0] ?? ''])
  await terminal.waitFor('overwrites')
  await terminal.waitFor('Restore it?')
  terminal.write(key)
  expect(await terminal.exit).toEqual({ code: 20, signal: null })
  expect(await shop.customers()).toEqual([])
  expect(project.backups()).toHaveLength(2)
})

describe('after a failed safe-migrate on a terminal', () => {
  async function failed(): Promise<{ shop: Shop; project: Project; terminal: ReturnType<Project['terminal']> }> {
    const shop = await openShop('SQLite')
    const project = newProject(shop.env)
    const script = 'touch started; until [ -e go ]; do sleep 0.02; done; exit 9'
    const terminal = project.terminal('safe-migrate', ['sh', '-c', script])
    await until(project, 'started')
    await shop.ask('DELETE FROM customers')
    project.write('go', '')
    await terminal.waitFor('ended with 9')
    await terminal.waitFor('Restore the database to what it was before?')
    return { shop, project, terminal }
  }

  test('y brings the data back, and the exit code stays that of the command', async () => {
    const { shop, terminal } = await failed()
    terminal.write('y')
    await terminal.waitFor('Restored')
    expect(await terminal.exit).toEqual({ code: 9, signal: null })
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test.each([
    ['n', 'n'],
    ['Enter', '\r'],
    ['Ctrl-C', '\x03'],
    ['Esc', '\x1b'],
    ['Ctrl-D', '\x04'],
  ])('%s leaves it', async (_, key) => {
    const { shop, project, terminal } = await failed()
    terminal.write(key)
    expect(await terminal.exit).toEqual({ code: 9, signal: null })
    expect(await shop.customers()).toEqual([])
    expect(project.backups()).toHaveLength(1)
  })
})

test('after a failed safe-migrate in a pipe nothing is asked', async () => {
  const shop = await openShop('SQLite')
  const ended = await newProject(shop.env).run('safe-migrate', ['false'], { input: 'y\n' })
  expect(ended).toMatchObject({ code: 1, stderr: expect.not.stringContaining('Restore the database') })
})

test('after a failed safe-test nothing is asked', async () => {
  const shop = await openShop('SQLite')
  const terminal = newProject(shop.env).terminal('safe-test', ['--yes', 'false'])
  expect(await terminal.exit).toEqual({ code: 1, signal: null })
  expect(terminal.screen()).not.toContain('Restore the database')
})
