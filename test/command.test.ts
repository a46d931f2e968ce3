import { describe, expect, it, vi } from 'vitest'
import backupDatabase from '../scripts/backup-database.ts'
import inspectDatabase from '../scripts/inspect-database.ts'
import restoreDatabase from '../scripts/restore-database.ts'
import safeMigrate from '../scripts/safe-migrate.ts'
import safeTest from '../scripts/safe-test.ts'
import { type CommandDefinition, parserOf, parseWords } from '../src/command.ts'
import { Failure } from '../src/failure.ts'
import { chooseCommand, commands } from '../src/main.ts'

/** `safe-test --keep 3 npm test` as the definition and its words. */
function parse(definition: CommandDefinition, line: string) {
  const parsed = parseWords(definition, line === '' ? [] : line.split(' '))
  if (parsed === 'answered') throw new Error('it was answered')
  const { color, ...flags } = parsed.flags
  return {
    flags: color === false ? { ...flags, color } : flags,
    words: parsed.words.join(' '),
    own: parsed.ownArguments.join(' '),
  }
}

describe('a wrapper’s own options end where the command begins', () => {
  it.each<[string, object, string]>([
    ['npm test', {}, 'npm test'],
    ['--keep 3 npm test -- --watch --keep 9', { keep: '3' }, 'npm test -- --watch --keep 9'],
    ['--keep=3 npm test', { keep: '3' }, 'npm test'],
    ['-- -x', {}, '-x'],
    ['-- --keep 9', {}, '--keep 9'],
    ['--quiet -- npm test', { quiet: true }, 'npm test'],
    ['-- -- x', {}, '-- x'],
    ['-- npm -- test', {}, 'npm -- test'],
    ['npm --help', {}, 'npm --help'],
    ['npm --version', {}, 'npm --version'],
    ['npm --no-color --quiet', {}, 'npm --no-color --quiet'],
    ['npm --nonsense -x', {}, 'npm --nonsense -x'],
    ['env A=b npm test', {}, 'env A=b npm test'],
    ['--env-file a --env-file b x', { envFile: ['a', 'b'] }, 'x'],
    ['--no-color x', { color: false }, 'x'],
    [
      '--pin --env-file .env.testing vendor/bin/phpunit -c x',
      { pin: true, envFile: ['.env.testing'] },
      'vendor/bin/phpunit -c x',
    ],
    ['--keep -3 x', { keep: '-3' }, 'x'],
    ['--backup-dir -- x', { backupDir: '--' }, 'x'],
    ['safe-test npm test', {}, 'safe-test npm test'],
  ])('safe-test %s', (line, flags, words) => {
    expect(parse(safeTest, line)).toMatchObject({ flags, words })
    expect(Object.keys(parse(safeTest, line).flags)).toEqual(Object.keys(flags))
  })

  it('and empty words, quotes and line breaks stay', () => {
    const words = ['sh', '-c', '', ' ', "'", '\n', '--', '']
    expect(parseWords(safeTest, ['--quiet', ...words])).toMatchObject({ words })
  })

  it.each([
    ['', /the command to run is missing/],
    ['--quiet', /the command to run is missing/],
    ['--', /the command to run is missing/],
    ['--nonsense npm test', /unknown option '--nonsense'/],
    ['-x npm test', /unknown option '-x'/],
    ['--json npm test', /unknown option '--json'/],
    ['--keep', /argument missing/],
  ])('safe-test %s is a mistake', (line, what) => {
    expect(failureOf(safeTest, line)).toMatchObject({ code: 2, text: { what: expect.stringMatching(what) } })
  })
})

function failureOf(definition: CommandDefinition, line: string): unknown {
  try {
    return parse(definition, line)
  } catch (error) {
    return error instanceof Failure ? error : undefined
  }
}

const definitions = { backupDatabase, restoreDatabase, inspectDatabase, safeTest, safeMigrate }

type Name = keyof typeof definitions

describe('a standalone command', () => {
  it.each<[Name, string, string, string]>([
    ['restoreDatabase', 'x.sql --yes', 'x.sql', '--yes'],
    ['restoreDatabase', '--yes x.sql --env-file a', 'x.sql', '--env-file a --yes'],
    ['restoreDatabase', '--backup-dir x x', 'x', '--backup-dir x'],
    ['restoreDatabase', '-- -x.sql', '-x.sql', ''],
    ['restoreDatabase', '', '', ''],
    ['backupDatabase', '--keep=3 --no-color', '', '--keep 3 --no-color'],
    ['inspectDatabase', '--json -- npm test -- --watch', 'npm test -- --watch', '--json'],
    ['safeTest', '--env-file a --env-file b --pin npm test --pin', 'npm test --pin', '--env-file a --env-file b --pin'],
  ])('%s with "%s" has the words "%s" and its own "%s"', (name, line, words, own) => {
    expect(parse(definitions[name], line)).toMatchObject({ words, own })
  })

  it.each<[Name, string, RegExp]>([
    ['backupDatabase', 'x', /unexpected argument 'x'/],
    ['restoreDatabase', 'x y', /unexpected argument 'y': one backup/],
    ['backupDatabase', '--pin', /unknown option/],
  ])('%s with "%s" is a mistake', (name, line, what) => {
    expect(failureOf(definitions[name], line)).toMatchObject({ code: 2, text: { what: expect.stringMatching(what) } })
  })
})

describe('help', () => {
  it.each(Object.entries(definitions))('of %s fits a screen', (_, definition) => {
    const lines: string[] = []
    parserOf(definition)
      .configureOutput({ writeOut: (text) => void lines.push(...text.split('\n')) })
      .outputHelp()
    expect(lines.length).toBeLessThanOrEqual(40)
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100)
    expect(lines.join('\n')).toContain(definition.examples[0])
  })

  it.each(['--help', '--version', '--quiet --help', '--help npm test'])('is the whole answer to %s', (line) => {
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true)
    try {
      expect(parseWords(safeTest, line.split(' '))).toBe('answered')
      expect(write).toHaveBeenCalled()
    } finally {
      write.mockRestore()
    }
  })
})

describe('the command that is meant', () => {
  it.each<[string, readonly string[], string | undefined, readonly string[]]>([
    ['safe-test', ['npm', 'test'], 'safe-test', ['npm', 'test']],
    ['./bin/safe-test', ['safe-migrate'], 'safe-test', ['safe-migrate']],
    ['/usr/bin/restore-database', [], 'restore-database', []],
    ['safe-test.exe', [], 'safe-test', []],
    ['seatbelt', ['safe-test', 'x'], 'safe-test', ['x']],
    ['bin/seatbelt', ['backup-database', '--json'], 'backup-database', ['--json']],
    ['seatbelt', [], undefined, []],
    ['seatbelt', ['--help'], undefined, ['--help']],
    ['seatbelt', ['nonsense'], undefined, ['nonsense']],
    ['seatbelt', ['toString'], undefined, ['toString']],
    ['constructor', ['__proto__'], undefined, ['__proto__']],
  ])('by %s %j is %s', (calledAs, words, name, rest) => {
    expect(chooseCommand(calledAs, words)).toEqual(name === undefined ? { words: rest } : { name, words: rest })
  })

  it.each(Object.entries(commands))('%s defines itself under that name', async (name, load) => {
    expect((await load()).default.name).toBe(name)
  })
})
