import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { envText, newProject } from './project.ts'
import { engineLabels, openShop, threeCustomers } from './shops.ts'

const reportItself = join(import.meta.dirname, 'fixtures/report-itself.sh')

const hostile = {
  BUN_BE_BUN: '1',
  PATH: '/nowhere',
  LD_PRELOAD: '/nowhere/evil.so',
  LD_LIBRARY_PATH: '/nowhere',
  NODE_OPTIONS: '--require /nowhere/evil.js',
  BUN_OPTIONS: '--preload /nowhere/evil.js',
  SEATBELT_KEEP: 'none of your business',
  SEATBELT_ALLOW_PRODUCTION: 'shop_production',
  HOME: '/nowhere',
  TMPDIR: '/nowhere',
  PGSERVICE: 'nowhere',
  PGOPTIONS: '-c nonsense=1',
  MYSQL_HOME: '/nowhere',
}

/** The environment that the wrapped command saw. */
function seen(text: string): Record<string, string> {
  const pairs = text.split('\0').filter((pair) => pair !== '')
  return Object.fromEntries(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]))
}

describe.each(engineLabels)('%s: a hostile .env', (engine) => {
  test.each(['.env', '.env.local', '.env.test', '.env.testing', '.env.production'])(
    'as %s reaches neither us nor the command',
    async (file) => {
      const shop = await openShop(engine)
      const project = newProject(shop.env)
      project.write(file, `${envText(hostile)}${file === '.env' ? envText(shop.env) : ''}`)
      const ended = await project.run('safe-test', [reportItself], { input: '', env: { APP_ENV: 'local' } })
      expect(ended).toMatchObject({ code: 0, stdout: 'to stdout\n' })
      expect(project.backups()).toHaveLength(1)
      const environment = seen(readFileSync(project.path('environment'), 'utf8'))
      for (const [key, value] of Object.entries(hostile)) expect(environment[key]).not.toBe(value)
      for (const key of Object.keys(shop.env)) expect(environment).not.toHaveProperty(key)
    },
  )

  test('reaches neither the restore nor what --pin gives to the command', async () => {
    const shop = await openShop(engine)
    const project = newProject(`${envText(hostile)}${envText(shop.env)}`)
    // A key of libpq's own is one that names a database: --pin passes it on, and nothing else.
    const own = Object.entries(hostile).filter(([key]) => key !== 'PGOPTIONS')
    expect(await project.run('safe-test', ['--pin', reportItself], { input: '' })).toMatchObject({ code: 0 })
    const environment = seen(readFileSync(project.path('environment'), 'utf8'))
    for (const [key, value] of own) expect(environment[key]).not.toBe(value)
    expect(environment).toMatchObject(shop.env)
    await shop.ask('DELETE FROM customers WHERE id > 1')
    const [backup] = project.backups()
    expect(await project.run('restore-database', ['--yes', `backups/${backup}`])).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  })
})

test('a bunfig.toml that preloads something, a package.json and a tsconfig.json are not read', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const evil = `require('node:fs').writeFileSync(${JSON.stringify(project.path('evil-ran'))}, '')`
  project.write('evil.js', evil)
  project.write('bunfig.toml', 'preload = ["./evil.js"]\n[run]\npreload = ["./evil.js"]\n')
  project.write('package.json', '{ not json')
  project.write('tsconfig.json', '{ "compilerOptions": { "paths": { "*": ["./evil.js"] } } }')
  for (const module of ['commander', 'execa', 'dotenv', 'ora', 'prompts', 'which']) {
    project.write(`node_modules/${module}/index.js`, evil)
  }
  for (const command of ['backup-database', 'restore-database', 'inspect-database']) {
    expect(await project.run(command)).toMatchObject({ code: 0 })
  }
  expect(await project.run('safe-test', ['true'])).toMatchObject({ code: 0 })
  expect(existsSync(project.path('evil-ran'))).toBe(false)
})
