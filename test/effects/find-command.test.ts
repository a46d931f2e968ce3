import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { candidatesInPath, findCommand, interpreterOf } from '../../src/effects/find-command.ts'

const folder = mkdtempSync(join(tmpdir(), 'find-'))
afterAll(() => rmSync(folder, { recursive: true }))

const place = (name: string, content: string, mode: number) => {
  writeFileSync(join(folder, name), content)
  chmodSync(join(folder, name), mode)
}

mkdirSync(join(folder, 'first/tool'), { recursive: true })
mkdirSync(join(folder, 'second'))
place('own-script', '#!/bin/sh\n', 0o755)
place('plain', 'echo\n', 0o644)
place('no-shebang', 'echo\n', 0o755)
place('empty', '', 0o755)
place('windows', '#!/bin/sh\r\necho\r\n', 0o755)
place('no-interpreter', '#! /no/such/php -q\n', 0o755)
place('unreadable', '#!/bin/sh\n', 0o111)
place('first/refused', '#!/bin/sh\n', 0o644)
place('second/refused', '#!/bin/sh\n', 0o755)
place('first/only-refused', '#!/bin/sh\n', 0o644)
place('second/tool', '#!/bin/sh\n', 0o755)
place('second/broken', '#!/no/such/php\n', 0o755)
symlinkSync(join(folder, 'own-script'), join(folder, 'link'))
symlinkSync('/no/such/file', join(folder, 'dangling'))
symlinkSync('loop', join(folder, 'loop'))

const find = (word: string, path?: string) =>
  findCommand([word, 'argument'], path === undefined ? {} : { PATH: path }, folder)

describe('a name with a slash', () => {
  test.each(['./own-script', './link', './no-shebang', './empty', './unreadable', 'second/tool', '/bin/sh'])(
    '%s',
    (word) => {
      expect(find(word)).toEqual({ path: word })
    },
  )

  test.each([
    ['./missing', 'not-found', './missing does not exist'],
    ['./dangling', 'not-found', './dangling is a link to a file that is not there'],
    ['./loop', 'not-found', './loop is a link to a file that is not there'],
    ['./own-script/x', 'not-found', './own-script/x does not exist'],
    ['./plain', 'not-executable', './plain may not be executed (permission denied)'],
    ['./second', 'not-executable', './second is not a file'],
    ['./own-script/', 'not-found', './own-script/ does not exist'],
    ['/dev/null', 'not-executable', '/dev/null is not a file'],
    ['./windows', 'not-executable', './windows needs the interpreter "/bin/sh\\r", which is not there'],
    ['./no-interpreter', 'not-executable', './no-interpreter needs the interpreter "/no/such/php", which is not there'],
  ])('%s is %s', (word, missing, reason) => {
    expect(find(word)).toEqual({ missing, reason })
  })
})

describe('a name without a slash', () => {
  test.each([
    ['the first that can be executed', 'refused', 'first:second', 'second/refused'],
    ['passing over a folder', 'tool', 'first:second', 'second/tool'],
    ['passing over what is no folder', 'tool', '/dev/null:/no/such:second', 'second/tool'],
    ['an empty entry is the working directory', 'own-script', '/bin::second', './own-script'],
    ['so is an empty PATH', 'own-script', '', './own-script'],
    ['a slash at the end of an entry', 'tool', 'second//', 'second/tool'],
    ['the system folders without a PATH', 'sh', undefined, '/bin/sh'],
  ])('%s', (_, word, path, found) => {
    expect(find(word, path)).toEqual({ path: found })
  })

  test.each([
    ['own-script', '/bin:second', 'not-found', 'own-script is in no folder of PATH (/bin:second)'],
    ['own-script', undefined, 'not-found', 'own-script is in no folder of PATH (/bin:/usr/bin)'],
    ['tool', 'first', 'not-found', 'tool is in no folder of PATH (first)'],
    ['only-refused', 'second:first', 'not-executable', 'first/only-refused may not be executed (permission denied)'],
    ['broken', 'second', 'not-executable', 'second/broken needs the interpreter "/no/such/php", which is not there'],
    ['', '/bin', 'not-found', 'the name of the command is empty'],
  ])('%s in %s is %s', (word, path, missing, reason) => {
    expect(find(word, path)).toEqual({ missing, reason })
  })

  test('no command at all', () => {
    expect(findCommand([], {}, folder)).toMatchObject({ missing: 'not-found' })
  })

  test('the candidates of a PATH', () => {
    expect(candidatesInPath('x', '/bin:/:relative')).toEqual(['/bin/x', '/x', 'relative/x'])
  })
})

test.each([
  ['#!/bin/sh\nexit', '/bin/sh'],
  ['#! /usr/bin/env php\n', '/usr/bin/env'],
  ['#!\n', undefined],
  ['', undefined],
  ['\x7fELF', undefined],
])('the interpreter of %j', (beginning, interpreter) => {
  expect(interpreterOf(beginning)).toBe(interpreter)
})
