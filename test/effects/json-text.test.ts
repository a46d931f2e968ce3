import { describe, expect, test } from 'vitest'
import { withListEntry } from '../../src/effects/json-text.ts'

const url = 'postgres://app@127.0.0.1:5432/shop'

function lines(...all: readonly string[]): string {
  return `${all.join('\n')}\n`
}

describe('a list with one more entry', () => {
  test.each<[string, string, string]>([
    ['an empty object', '{}\n', lines('{', '  "testDatabases": [', `    "${url}"`, '  ]', '}')],
    ['an empty object over two lines', '{\n}\n', lines('{', '  "testDatabases": [', `    "${url}"`, '  ]', '}')],
    ['one line', '{ "keep": 5 }', `{ "keep": 5, "testDatabases": ["${url}"] }`],
    ['one line without spaces', '{"keep":5}', `{"keep":5, "testDatabases": ["${url}"]}`],
    [
      'two spaces',
      lines('{', '  "keep": 5,', '  "safeNames": ["a"]', '}'),
      lines('{', '  "keep": 5,', '  "safeNames": ["a"],', '  "testDatabases": [', `    "${url}"`, '  ]', '}'),
    ],
    ['tabs', '{\n\t"keep": 5\n}', `{\n\t"keep": 5,\n\t"testDatabases": [\n\t\t"${url}"\n\t]\n}`],
    [
      'Windows line ends',
      '{\r\n  "keep": 5\r\n}\r\n',
      `{\r\n  "keep": 5,\r\n  "testDatabases": [\r\n    "${url}"\r\n  ]\r\n}\r\n`,
    ],
    ['a byte order mark', '\uFEFF{ "keep": 5 }', `\uFEFF{ "keep": 5, "testDatabases": ["${url}"] }`],
    ['a list in one line', '{ "testDatabases": ["a"], "keep": 5 }', `{ "testDatabases": ["a", "${url}"], "keep": 5 }`],
    ['an empty list', '{ "testDatabases": [] }', `{ "testDatabases": ["${url}"] }`],
    [
      'a list in lines',
      lines('{', '  "testDatabases": [', '    "a"', '  ],', '  "keep": 5', '}'),
      lines('{', '  "testDatabases": [', '    "a",', `    "${url}"`, '  ],', '  "keep": 5', '}'),
    ],
    [
      'brackets and quotes in texts',
      lines('{', '    "safeNames": ["}]\\",", "{["],', '    "report": "a:b"', '}'),
      lines(
        '{',
        '    "safeNames": ["}]\\",", "{["],',
        '    "report": "a:b",',
        '    "testDatabases": [',
        `        "${url}"`,
        '    ]',
        '}',
      ),
    ],
    [
      'the key inside a value',
      '{ "safeNames": ["testDatabases"] }',
      `{ "safeNames": ["testDatabases"], "testDatabases": ["${url}"] }`,
    ],
  ])('%s', (_, text, wanted) => {
    const result = withListEntry(text, 'testDatabases', url)
    expect(result).toBe(wanted)
    const [before, after] = [text, result].map((json) => JSON.parse(json.replace(/^\uFEFF/, '')))
    expect(after).toEqual({ ...before, testDatabases: [...(before.testDatabases ?? []), url] })
  })
})
