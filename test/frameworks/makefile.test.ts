import { expect, test } from 'vitest'
import { project, seen } from './seeing.ts'

const plain = `SHELL := /bin/bash
.PHONY: test migrate
all: test

test: build ## runs them
\t@APP_ENV=testing php artisan test \\
\t\t--parallel
\t-cd sub && y
\tz

build:
\tx build

migrate: ; knex up
dollar:
\techo $$HOME && x
computed:
\t$(PHP) artisan migrate
needs: $(wildcard *)
\tx
`

type Row = [text: string, command: string, expected: string]

const test1 = 'x build | APP_ENV=testing artisan test --parallel | in sub: y | z'
const cannot = '? make: the Makefile'

test.each<Row>([
  [plain, 'make test', test1],
  // The first target, and not a `cd` from one line to the next.
  [plain, 'make', test1],
  [plain, 'make build', 'x build'],
  [plain, 'make -j 4 build', 'x build'],
  [plain, 'make -j build', 'x build'],
  [plain, 'gmake build -j4', 'x build'],
  [plain, 'make migrate', '? make: what a target needs is computed'],
  [plain, 'make computed', '? make: the recipe uses variables of make'],
  [plain, 'make needs', '? make: what a target needs is computed'],
  [plain, 'make none', '? make: no recipe was found for none'],
  [plain, 'make test A=1', `${cannot} cannot be read through`],
  [plain, 'make -f other.mk test', `${cannot} cannot be read through`],
  [plain, 'make dollar', 'x'],
  ['include .env\nexport\nt:\n\tx\n', 'make t', `${cannot} includes other files`],
  ['-include .env\nt:\n\tx\n', 'make t', `${cannot} includes other files`],
  ['export A=1\nt:\n\tx\n', 'make t', `${cannot} sets the environment`],
  ['t: export A=1\nt:\n\tx\n', 'make t', `${cannot} has variables of single targets`],
  ['t: A:=1\nt:\n\tx\n', 'make t', `${cannot} has variables of single targets`],
  ['ifeq (1,1)\nt:\n\tx\nendif\n', 'make t', `${cannot} has conditions`],
  // In make's own environment, so its recipes get the Makefile's value.
  ['DATABASE_URL = a\nt:\n\tx\n', 'make t', `${cannot} sets a variable that is exported`],
  ['OTHER := a\nt:\n\tx\n', 'make t', 'x'],
])('%j, %s → %s', async (text, command, expected) => {
  const folder = project({ Makefile: text })
  expect((await seen(command, folder, { DATABASE_URL: 'postgres://h/d' })).join(' | ')).toBe(expected)
})

test('in another folder, from another file', async () => {
  const folder = project({ 'sub/own.mk': 't:\n\tx\n', 'sub/GNUmakefile': 't:\n\ty\n' })
  expect(await seen('make -C sub t', folder)).toEqual(['in sub: y'])
  expect(await seen('make t -C sub -f own.mk', folder)).toEqual(['in sub: x'])
  expect(await seen('make --makefile=sub/own.mk', folder)).toEqual(['x'])
})
