import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { configurationFiles, isChanged } from '../../src/environment/configuration-files.ts'
import { temporaryFolder } from '../temporary-folder.ts'

const files = {
  '.env': 'A=1',
  'knexfile.js': 'x',
  'config/database.php': '<?php',
  'shop/settings/production.py': 'x',
  'notes.log': 'x',
  'node_modules/knex/index.js': 'x',
  'storage/logs/a.json': 'x',
}

test('unchanged files are unchanged', () => {
  const folder = temporaryFolder(files)
  expect(isChanged(configurationFiles(folder))).toBe(false)
})

describe('a change is seen', () => {
  test.each<[string, (folder: string) => void]>([
    ['in the content', (folder) => writeFileSync(join(folder, '.env'), 'A=2')],
    ['in the content, with the old time', (folder) => rewritten(join(folder, '.env'))],
    ['of a replaced file', (folder) => replaced(join(folder, 'config/database.php'))],
    ['of a new file', (folder) => writeFileSync(join(folder, '.env.local'), '')],
    ['of a file that is gone', (folder) => rmSync(join(folder, 'knexfile.js'))],
    ['deep below', (folder) => writeFileSync(join(folder, 'shop/settings/production.py'), 'yy')],
  ])('%s', (_, change) => {
    const folder = temporaryFolder(files)
    const before = configurationFiles(folder)
    change(folder)
    expect(isChanged(before)).toBe(true)
  })

  test('behind a symbolic link', () => {
    const [folder, shared] = [temporaryFolder(), temporaryFolder({ '.env': 'A=1' })]
    symlinkSync(join(shared, '.env'), join(folder, '.env'))
    const before = configurationFiles(folder)
    writeFileSync(join(shared, '.env'), 'A=22')
    expect(isChanged(before)).toBe(true)
  })
})

test.each([
  'notes.log',
  'dumps/database_shop_2026-11-20_23-20-58.sql.json',
  'node_modules/knex/index.js',
  'storage/logs/a.json',
  'data.sqlite',
])('a change of %s is none', (name) => {
  const folder = temporaryFolder({ ...files, 'dumps/x': '' })
  const before = configurationFiles(folder)
  writeFileSync(join(folder, name), 'something else')
  expect(isChanged(before)).toBe(false)
})

test('a folder that cannot be read, or is not there, has none', () => {
  expect(configurationFiles('/nowhere/at/all').states.size).toBe(0)
})

test('a folder without end is left after the first files', () => {
  const folder = temporaryFolder()
  for (const letter of 'abcdef') {
    mkdirSync(join(folder, letter))
    for (let number = 0; number < 1_000; number++) writeFileSync(join(folder, letter, `${number}.php`), '')
  }
  expect(configurationFiles(folder).states.size).toBe(5_000)
})

function rewritten(path: string): void {
  writeFileSync(path, 'A=2')
  utimesSync(path, new Date(0), new Date(0))
}

function replaced(path: string): void {
  writeFileSync(`${path}.new`, '<?php')
  renameSync(`${path}.new`, path)
}
