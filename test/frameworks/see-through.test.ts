import { expect, test } from 'vitest'
import { seeThrough } from '../../src/frameworks/see-through.ts'
import { project, seen } from './seeing.ts'

const folder = project({
  'package.json': { scripts: { test: 'make test', e2e: 'cross-env A=1 sh -c "npx dotenv -e .env.e2e -- jest"' } },
  Makefile: 'test:\n\tenv A=1 poetry run python -m pytest\n',
})

test.each([
  ['npm test', 'A=1 pytest'],
  ['npm run e2e', 'A=1 [.env.e2e] jest'],
  ['psql -d shop', 'psql -d shop'],
  // What was typed itself is never taken for harmless.
  ['rm x', 'rm x'],
  ['sh -c "rm x && tsc && psql"', 'psql'],
])('%s → %s', async (command, expected) => {
  expect((await seen(command, folder)).join(' | ')).toBe(expected)
})

test('how it came there is kept', async () => {
  const { calls } = await seeThrough(['npm', 'test'], folder, {})
  expect(calls[0]?.via).toEqual([
    'npm test',
    'package.json: make test',
    'make test',
    'Makefile',
    'env A=1 poetry run python -m pytest',
    'poetry run python -m pytest',
    'python -m pytest',
  ])
})

test('the environment of the caller is left as it was', async () => {
  const environment = Object.freeze({ A: '0' })
  await seeThrough(['sh', '-c', 'export A=1; unset A; x'], folder, environment)
  expect(environment).toEqual({ A: '0' })
})
