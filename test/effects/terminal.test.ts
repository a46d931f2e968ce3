import { describe, expect, it } from 'vitest'
import { onOneLine, openTerminal, printable } from '../../src/effects/terminal.ts'

describe('printable text', () => {
  it.each([
    ['plain', 'plain'],
    ['two\nlines\tand a tab', 'two\nlines\tand a tab'],
    ['Ünïcode 商店 🙂', 'Ünïcode 商店 🙂'],
    ['\x1b[31mred\x1b[0m', '\x1b[31mred\x1b[0m'],
    ['\x1b[2J', '\\x1b[2J'],
    ['\x1b]0;title\x07', '\\x1b]0;title\\x07'],
    ['\x1b[1;1H', '\\x1b[1;1H'],
    ['a\rb', 'a\\x0db'],
    ['a\bb', 'a\\x08b'],
    ['\x00\x7f\x9b31m', '\\x00\\x7f\\x9b31m'],
    ['a\u202egnp.exe', 'a\\x202egnp.exe'],
  ])('of %j is %j', (text, shown) => expect(printable(text)).toBe(shown))
})

describe('a name on one line', () => {
  it.each([
    ['shop', 'shop'],
    ['a\nb\r\tc', 'a\\nb\\r\\tc'],
    ['\x1b[8mhidden', '\\x1b[8mhidden'],
  ])('of %j is %j', (name, shown) => expect(onOneLine(name)).toBe(shown))
})

describe('colours', () => {
  const colored = (environment: Record<string, string>, color = true) =>
    openTerminal(environment, { loudness: 'normal', color }).style('red', 'x') !== 'x'

  it.each<[Record<string, string>, boolean, boolean]>([
    [{ FORCE_COLOR: '1' }, true, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, true, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1', TERM: 'dumb' }, true, false],
    [{ FORCE_COLOR: '1' }, false, false],
  ])('with %j and --color %s: %s', (environment, color, expected) => {
    expect(colored(environment, color)).toBe(expected)
  })
})
