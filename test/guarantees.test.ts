import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const page = readFileSync(join(import.meta.dirname, '../docs/guarantees.md'), 'utf8')
const named = [...page.matchAll(/`([\w*/-]+(?:\.test\.ts|\/))`/g)].map((match) => match[1] ?? '')

test('the page of guarantees names tests', () => expect(named.length).toBeGreaterThan(30))

test.each([...new Set(named)])('%s, named in the guarantees, is there', (name) => {
  const pattern = name.endsWith('/') ? `${name}**/*.test.ts` : name
  expect([...new Bun.Glob(pattern).scanSync(import.meta.dirname)].length).toBeGreaterThan(0)
})
