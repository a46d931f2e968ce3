import { describe, expect, test } from 'vitest'
import { project, seen } from './seeing.ts'

const scripts = {
  pretest: 'x prepare',
  test: 'NODE_ENV=test vitest run',
  posttest: 'echo done',
  'db:migrate': 'dotenv -e .env.local -- knex migrate:latest',
  nested: 'npm run db:migrate -- --debug && npm test',
  again: 'npm run again',
  'x:a': 'a',
  both: 'run-s x:a db:migrate',
}
const folder = project({
  'package.json': { name: 'root', scripts, workspaces: ['packages/*'] },
  'packages/api/package.json': { name: '@shop/api', scripts: { test: 'jest api', migrate: 'knex up' } },
  'packages/web/package.json': { name: 'web', scripts: { test: 'jest web' } },
  'composer.json': {
    scripts: {
      test: ['@php artisan config:clear --ansi', '@php artisan test'],
      dev: ['@putenv APP_ENV=testing', '@other', 'vendor/bin/pest'],
      other: 'A=1 php artisan migrate',
      'post-autoload-dump': 'Illuminate\\Foundation\\ComposerScripts::postAutoloadDump',
      plain: ['phpunit @no_additional_args', 'pest'],
    },
  },
})

type Row = [command: string, expected: string]
const check = async (command: string, expected: string) => {
  expect((await seen(command, folder)).join(' | ')).toBe(expected)
}

describe('npm', () => {
  test.each<Row>([
    ['npm test', 'x prepare | NODE_ENV=test vitest run'],
    ['npm t', 'x prepare | NODE_ENV=test vitest run'],
    ['npm test -- --watch', 'x prepare | NODE_ENV=test vitest run --watch'],
    ['npm run test --silent -- -t "a b"', 'x prepare | NODE_ENV=test vitest run -t a b'],
    ['npm run db:migrate', '[.env.local] knex migrate:latest'],
    ['npm run nested', '[.env.local] knex migrate:latest --debug | x prepare | NODE_ENV=test vitest run'],
    ['npm run both', 'a | [.env.local] knex migrate:latest'],
    ['npm run none', '? no script "none" was found'],
    ['npm run again', '? it starts itself again and again'],
    ['npm install', 'npm install'],
    ['npm', 'npm'],
    ['npm exec knex -- up --x', 'knex up --x'],
    ['npm exec -c "A=1 knex up"', 'A=1 knex up'],
    ['npm --prefix packages/api test', 'in packages/api: jest api'],
    ['npm test --prefix packages/api', 'in packages/api: jest api'],
    ['npm -C packages/api run migrate', 'in packages/api: knex up'],
    ['npm -w packages/api test', 'in packages/api: jest api'],
    ['npm test -w @shop/api', 'in packages/api: jest api'],
    ['npm run test --workspace=web', 'in packages/web: jest web'],
    ['npm -w none test', '? the workspace "none" was not found'],
    ['npm test --workspaces', '? npm runs it in workspaces'],
    ['npm test -w web -w @shop/api', '? npm runs it in workspaces'],
    ['node --run x:a', 'a'],
  ])('%s → %s', check)
})

describe('pnpm, yarn and bun', () => {
  test.each<Row>([
    ['pnpm test', 'x prepare | NODE_ENV=test vitest run'],
    ['pnpm x:a --flag', 'a --flag'],
    ['pnpm knex up', 'knex up'],
    ['pnpm exec knex up', 'knex up'],
    ['pnpm dlx knex@3 up', 'knex up'],
    ['pnpm -C packages/api test', 'in packages/api: jest api'],
    ['pnpm --filter api test', '? pnpm runs it in workspaces'],
    ['pnpm -r test', '? pnpm runs it in workspaces'],
    ['yarn test', 'x prepare | NODE_ENV=test vitest run'],
    ['yarn run x:a', 'a'],
    ['yarn --cwd packages/api migrate', 'in packages/api: knex up'],
    ['yarn workspace web test', '? yarn runs it in workspaces'],
    ['yarn knex up', 'knex up'],
    ['bun run x:a', 'a'],
    ['bun x:a', 'a'],
    ['bun x knex up', 'knex up'],
    ['bun test', 'bun test'],
    ['bun src/migrate.ts', 'bun src/migrate.ts'],
    ['bun --env-file=.env.b run x:a', '[.env.b] a'],
  ])('%s → %s', check)
})

describe('composer', () => {
  test.each<Row>([
    // Beside a package.json with a script of the same name.
    ['composer test', 'artisan config:clear --ansi | artisan test'],
    ['composer run-script test -- --parallel', 'artisan config:clear --ansi --parallel | artisan test --parallel'],
    ['composer dev', 'APP_ENV=testing A=1 artisan migrate | APP_ENV=testing vendor/bin/pest'],
    ['composer run other', 'A=1 artisan migrate'],
    ['composer post-autoload-dump', '? composer calls Illuminate\\Foundation\\ComposerScripts::postAutoloadDump'],
    ['composer plain -- --x', 'phpunit | pest --x'],
    ['composer install', 'composer install'],
    ['composer exec pest', 'pest'],
  ])('%s → %s', async (command, expected) => {
    const found = (await seen(command, folder)).map((line) =>
      line.replace('A=1 APP_ENV=testing', 'APP_ENV=testing A=1'),
    )
    expect(found.join(' | ')).toBe(expected)
  })
})
