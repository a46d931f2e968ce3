import { describe, expect, test } from 'vitest'
import { rails } from '../../src/frameworks/rails.ts'
import { databasesOf, recognition } from './recognising.ts'

type Row = [folder: string, command: string, expected: string, environment?: Record<string, string>]

const development = 'postgres:///shop_development'
const testing = 'postgres://tester@127.0.0.1:5433/shop_test'
const production = 'postgres://shop@db.shop.example:5432/shop_production'
const url = 'postgres://app@elsewhere:5432/other'
const mysql = (name: string, user = 'root') => `mysql://${user}@localhost/${name}?socket=/run/mysqld/mysqld.sock`

async function check([folder, command, expected, environment = {}]: Row): Promise<void> {
  const found = await databasesOf(rails, { folder: `rails/${folder}`, command, environment })
  expect(found.join(' ')).toBe(expected)
}

describe('the environment', () => {
  test.each<Row>([
    ['standard', 'bin/rails db:migrate', `rules ${development}`],
    ['standard', 'bundle exec rails db:migrate', `rules ${development}`],
    ['standard', 'ruby bin/rails db:seed', `rules ${development}`],
    ['standard', 'bin/rails db:migrate', `rules ${production}`, { RAILS_ENV: 'production' }],
    ['standard', 'bin/rails db:migrate', `rules ${production}`, { RACK_ENV: 'production' }],
    ['standard', 'env RAILS_ENV=test rails db:migrate', `rules ${testing}`],
    ['standard', 'rake db:migrate RAILS_ENV=production', `rules ${production}`],
    ['standard', 'bin/rails db:migrate RAILS_ENV=production', `rules ${production}`, { RAILS_ENV: 'test' }],
    ['standard', 'rake db:migrate', `rules ${testing}`, { RAILS_ENV: 'test' }],
    ['standard', 'bin/rails runner -e production Shop.sweep', `rules ${production}`],
    ['standard', 'bin/rails console --environment=prod', `rules ${production}`, { RAILS_ENV: 'test' }],
    ['standard', 'bin/rails db -e test', `rules ${testing}`],
    ['standard/config', 'rails db:migrate', `rules ${development}`],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

describe('tests', () => {
  test.each<Row>([
    ['standard', 'bin/rails test', `rules ${testing}`],
    ['standard', 'bin/rails test test/models -e development', `rules ${development}`],
    ['standard', 'rspec', `rules ${testing}`],
    ['standard', 'bundle exec rspec spec/models', `rules ${testing}`, { RACK_ENV: 'production' }],
    ['standard', 'rake', `rules ${testing}`],
    ['standard', 'rake test', `rules ${testing}`],
    ['standard', 'rake spec', `rules ${testing} ${production}`, { RAILS_ENV: 'production' }],
    // The helper's `||= "test"` leaves a variable that is set, even to nothing.
    ['standard', 'bin/rails test', `rules ${production}`, { RAILS_ENV: 'production' }],
    ['standard', 'bin/rails test', `rules ${development}`, { RAILS_ENV: '' }],
    ['forced', 'bin/rails test', `rules ${testing}`, { RAILS_ENV: 'production' }],
    ['standard', 'bin/rails test', 'rules postgres://tester@127.0.0.1:5433/shop_test2', { TEST_ENV_NUMBER: '2' }],
    ['standard', 'ruby -Itest test/models/user_test.rb', `rules ${testing}`],
    ['engine', 'rake test', `rules ${testing}`],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

describe('a URL goes over the file', () => {
  const over = { DATABASE_URL: 'postgres://app@elsewhere/other' }
  test.each<Row>([
    ['standard', 'bin/rails db:migrate', `rules ${url}`, over],
    // rails #21441: in test too.
    ['standard', 'bin/rails test', 'rules postgres://app@elsewhere:5433/other', over],
    ['standard', 'rake db:migrate DATABASE_URL=postgres://app@elsewhere/other', `rules ${url}`],
    // What the URL leaves out is the file's.
    ['standard', 'rspec', 'rules postgres://tester@elsewhere:5433/shop_test', { DATABASE_URL: 'postgres://elsewhere' }],
    ['standard', 'rspec', `rules ${testing}`, { DATABASE_URL: '' }],
    [
      'several',
      'bin/rails db:migrate',
      `rules ${mysql('shop_development')} mysql://u@animals:3306/a`,
      { ANIMALS_DATABASE_URL: 'mysql2://u@animals/a' },
    ],
    [
      'several',
      'bin/rails db:migrate:primary',
      'rules mysql://app@10.0.0.9:3306/live',
      { RAILS_ENV: 'production', SHOP_URL: 'mysql2://app@10.0.0.9/live', DATABASE_URL: 'mysql2://x/y' },
    ],
    [
      'sqlite',
      'bin/rails db:migrate',
      'rules sqlite://rails/sqlite/db/x.sqlite3',
      { DATABASE_URL: 'sqlite3:db/x.sqlite3' },
    ],
    [
      'sqlite',
      'bin/rails db:migrate',
      'rules sqlite:///db/x.sqlite3',
      { DATABASE_URL: 'sqlite3:///db/x.sqlite3?pool=5' },
    ],
    // Rails loses a host that stands among the parameters.
    [
      'standard',
      'bin/rails db:migrate',
      'rules postgres:///other',
      { DATABASE_URL: 'postgres:///other?host=/tmp&sslmode=disable' },
    ],
    // The test database is not the current one: the URL is not for it.
    ['standard', 'rake db:test:prepare', `rules ${testing}`, over],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

describe('the database tasks', () => {
  const both = `rules ${mysql('shop_development')} ${mysql('animals_development')}`
  test.each<Row>([
    ['several', 'bin/rails db:migrate', both],
    ['several', 'bin/rails db:migrate:animals', `rules ${mysql('animals_development')}`],
    ['several', 'bin/rails db:migrate:up:animals VERSION=1', `rules ${mysql('animals_development')}`],
    ['several', 'bin/rails runner x', `${both} ${mysql('legacy_development')}`],
    ['several', 'bin/rails db --db animals', `rules ${mysql('animals_development')}`],
    ['several', 'bin/rails db --db primary_replica', `rules ${mysql('shop_development', 'reader')}`],
    ['several', 'bin/rails test', `rules ${mysql('shop_test')} ${mysql('animals_test')}`],
    ['standard', 'bin/rails db:reset', `rules ${development} ${testing}`],
    ['standard', 'bin/rails db:schema:load', `rules ${development} ${testing}`],
    ['standard', 'bin/rails db:drop db:create db:migrate', `rules ${development} ${testing}`],
    ['standard', 'bin/rails db:schema:load', `rules ${development}`, { SKIP_TEST_DATABASE: '1' }],
    ['standard', 'bin/rails db:drop', `rules ${url}`, { DATABASE_URL: 'postgres://app@elsewhere/other' }],
    ['standard', 'bin/rails db:reset', `rules ${production}`, { RAILS_ENV: 'production' }],
    ['standard', 'bin/rails db:drop:all', `rules ${development} ${testing}`],
    ['standard', 'bin/rails shop:import[2024]', `rules ${development}`],
    ['sqlite', 'bin/rails db:migrate', 'rules sqlite://rails/sqlite/storage/development.sqlite3'],
    [
      'sqlite',
      'bin/rails db:migrate:cache',
      'rules sqlite://rails/sqlite/storage/production_cache.sqlite3',
      { RAILS_ENV: 'production' },
    ],
    ['standard', 'bin/rails routes', 'harmless'],
    ['standard', 'bin/rails db:migrate:status', 'harmless'],
    ['standard', 'rake -T', 'harmless'],
    ['standard', 'rake -e puts(1)', 'unknown'],
    ['standard', 'bin/rails db:migrate', 'unknown', { RAILS_ENV: 'staging' }],
    ['../django', 'rake', 'not its own'],
    ['../django', 'rspec', 'not its own'],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

describe('dotenv', () => {
  test.each<Row>([
    // Not `.env.test`, which names no database; and `.env.local` is not for test.
    ['dotenv', 'bin/rails test', 'rules postgres://app@127.0.0.1:5432/from_env'],
    ['dotenv', 'bin/rails db:migrate', 'rules postgres://app@127.0.0.1:5432/from_local'],
    ['dotenv', 'bin/rails db:migrate', `rules ${url}`, { DATABASE_URL: 'postgres://app@elsewhere/other' }],
    // The gem is of the groups development and test.
    ['dotenv', 'bin/rails db:migrate', `rules ${production}`, { RAILS_ENV: 'production' }],
    ['standard', 'dotenv -e ../dotenv/.env -- bin/rails test', 'rules postgres://app@127.0.0.1:5432/from_env'],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

describe('what libpq fills in', () => {
  test.each<Row>([
    [
      'standard',
      'bin/rails db:migrate',
      'rules postgres://me@pg.example:5444/shop_development',
      { PGHOST: 'pg.example', PGPORT: '5444', PGUSER: 'me', PGDATABASE: 'no' },
    ],
    ['standard', 'bin/rails db:migrate', 'rules postgres:///shop_development?host=/tmp&port=5432', { PGHOST: '/tmp' }],
    ['standard', 'bin/rails test', `rules ${testing}`, { PGHOST: 'pg.example', PGUSER: 'me' }],
    ['standard', 'bin/rails db:migrate', 'unknown', { PGSERVICE: 'shop' }],
  ])('%s: %s → %s %o', async (...row) => check(row))
})

test('beside an empty url: only Ruby knows whether a variable counts', async () => {
  const environment = { PATH: '/nowhere', RAILS_ENV: 'production', DATABASE_URL: 'mysql2://app@10.0.0.9/live' }
  await check(['several', 'bin/rails db:migrate:primary', 'unknown', environment])
})

test('without Ruby the rest of the file counts, and it is said', async () => {
  const found = await recognition(rails, {
    folder: 'rails/secret',
    command: 'bin/rails db:migrate',
    environment: { PATH: '/nowhere' },
  })
  expect(found).toMatchObject({ state: 'unknown', candidates: [{ target: { database: 'shop_development' } }] })
})

test('says where it was read, and what else a model may connect to', async () => {
  const found = await recognition(rails, { folder: 'rails/several', command: 'bin/rails db:migrate' })
  expect(found).toMatchObject({
    candidates: [
      { reason: 'Rails uses development of config/database.yml (RAILS_ENV is development)' },
      { target: { source: { label: 'config/database.yml', keys: ['development.animals'] } } },
    ],
    notes: ['config/database.yml also has "old_development", which a model may connect to'],
  })
})

test('production by an option is in the environment that evidence is looked for in', async () => {
  const found = await recognition(rails, { folder: 'rails/standard', command: 'bin/rails runner -e production x' })
  expect(found).toMatchObject({ candidates: [{ environment: { RAILS_ENV: 'production' } }] })
})
