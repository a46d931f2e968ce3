import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withTables } from '../scripts/readme.ts'
import { parseWords } from '../src/command.ts'
import { commands } from '../src/main.ts'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', 'CONTRIBUTING.md', 'docs/which-database.md', 'docs/backups.md', 'docs/restore.md']
const read = (page: string) => readFile(join(root, page), 'utf8')

test('the tables of the README are the code’s: `bun scripts/readme.ts` writes them', async () => {
  const readme = await read('README.md')
  expect(await withTables(readme)).toBe(readme)
})

test('the README shows a call of every command', async () => {
  const shown = new Set(callsIn(await read('README.md')).map(({ name }) => name))
  expect([...shown].sort()).toEqual(Object.keys(commands).sort())
})

describe.each(pages)('%s', (page) => {
  test('links to pages that are there', async () => {
    const links = [...(await read(page)).matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link = '']) => link)
    expect(links.filter((link) => !existsSync(join(root, dirname(page), link)))).toEqual([])
  })

  test('calls commands only with options that they have', async () => {
    for (const { name, words } of callsIn(await read(page))) {
      const { default: definition } = (await commands[name]?.()) ?? {}
      if (definition === undefined) throw new Error(`${page} calls ${name}, which is no command`)
      expect(() => parseWords(definition, words), [name, ...words].join(' ')).not.toThrow()
    }
  })
})

/** The calls of our commands in the code blocks of a page, as a shell would split them. */
function callsIn(text: string): readonly { name: string; words: readonly string[] }[] {
  const blocks = [...text.matchAll(/^```(?:sh|console)\n(.*?)^```/gms)].map(([, block = '']) => block)
  const lines = blocks.flatMap((block) => block.split('\n')).map((line) => line.replace(/\s+#.*$/, ''))
  return lines.flatMap((line) => {
    const match =
      /^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\.\/bin\/|npx )?((?:backup|restore|inspect)-database|safe-(?:test|migrate))(?: (.*))?$/.exec(
        line,
      )
    return match?.[1] === undefined ? [] : [{ name: match[1], words: (match[2] ?? '').split(' ').filter(Boolean) }]
  })
}
