import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { rails } from '../../src/frameworks/rails.ts'
import { databasesOf, layouts, recognition } from '../frameworks/recognising.ts'
import { type Server, urlOf } from '../servers/databases.ts'
import { expectMigrated, projectWith, servers, type Trio, trioOn } from './migrating.ts'

describe('asked of Ruby', () => {
  test('ERB that does more than read variables, with the password', async () => {
    const found = await recognition(rails, { folder: 'rails/secret', command: 'bin/rails db:migrate' })
    if (found?.state !== 'known' || found.candidates[0]?.target.engine !== 'postgres') throw new Error('not known')
    expect(found.by).toBe('asked')
    expect(found.candidates[0].target.password?.reveal()).toBe('opensesame')
    expect(JSON.stringify(found)).not.toContain('opensesame')
  })

  test('in the environment of tests', async () => {
    const found = await databasesOf(rails, { folder: 'rails/secret', command: 'bin/rails test' })
    expect(found).toEqual(['asked', 'postgres://127.0.0.1:5432/secret_test'])
  })
})

const layout = (name: string) => readFile(join(layouts, 'rails/standard', name), 'utf8')

async function project(server: Server, names: Trio): Promise<string> {
  const adapter = server.engine === 'postgres' ? 'postgresql' : 'mysql2'
  return projectWith({
    'bin/rails': await layout('bin/rails'),
    Rakefile: await layout('Rakefile'),
    'config/application.rb': await layout('config/application.rb'),
    'config/environment.rb': await layout('config/environment.rb'),
    'config/database.yml': `default: &default
  adapter: ${adapter}
  host: ${server.host}
  port: ${server.port}
  username: ${server.superuser}
  password: <%= ENV.fetch("SHOP_PASSWORD", "${server.password}") %>
development:
  <<: *default
  database: ${names.development}
test:
  <<: *default
  database: ${names.testing}
`,
    // The naive rule takes it; Rails without dotenv reads no env file.
    '.env': `DATABASE_URL=${urlOf(server, names.exported)}\n`,
    'db/migrate/20240101000000_create_orders.rb': `class CreateOrders < ActiveRecord::Migration[6.1]
  def change
    create_table :orders
  end
end
`,
  })
}

describe.each(['PostgreSQL', 'MariaDB'])('migrates on %s', (name) => {
  test.each([
    ['development', ['bin/rails', 'db:migrate'], false, {}],
    ['testing', ['rake', 'db:migrate', 'RAILS_ENV=test'], false, {}],
    ['testing', ['ruby', 'bin/rails', 'db:migrate'], false, { RAILS_ENV: 'test' }],
    ['exported', ['bin/rails', 'db:migrate'], true, { RAILS_ENV: 'test' }],
  ] as const)('%s: %j', async (which, words, over, environment) => {
    const [, server] = servers().find(([one]) => one === name) ?? []
    if (server === undefined) throw new Error(name)
    const names = await trioOn(server)
    const folder = await project(server, names)
    const url = urlOf(server, names.exported).replace(/^mysql:/, 'mysql2:')
    const exported = { ...environment, ...(over ? { DATABASE_URL: url } : {}) }
    await expectMigrated(which, { server, names, folder, words, environment: exported })
  })
})
