import { expect, test } from 'vitest'
import { dbmate } from '../../src/frameworks/dbmate.ts'
import { databasesOf } from './recognising.ts'

const rules = (name: string) => `rules postgres://app@db.example:5432/${name}`
const mine = 'postgres://me@elsewhere:5432/mine'

type Row = { command: string; expected: string; environment?: Record<string, string> }

test.each<Row>([
  { command: 'dbmate up', expected: rules('shop_dev') },
  { command: 'npx dbmate migrate', expected: `rules ${mine}`, environment: { DATABASE_URL: mine } },
  { command: 'dbmate -e TEST_DATABASE_URL up', expected: rules('shop_test') },
  { command: 'dbmate --env=TEST_DATABASE_URL rollback', expected: rules('shop_test') },
  { command: 'dbmate --env-file .env.testing drop', expected: rules('shop_test') },
  { command: 'dbmate --env-file .env.testing --env-file .env up', expected: rules('shop_test') },
  { command: `dbmate --url ${mine} up`, expected: `rules ${mine}`, environment: { DATABASE_URL: 'postgres://a@b/c' } },
  { command: 'dbmate -u mysql://a@localhost/b up', expected: 'rules mysql://a@127.0.0.1:3306/b' },
  { command: 'dbmate -u postgres:///b up', expected: 'rules postgres:///b?host=/var/run/postgresql&port=5432' },
  { command: 'dbmate -u sqlite:db/shop.sqlite3 up', expected: 'rules sqlite://dbmate/db/shop.sqlite3' },
  { command: 'dbmate -u sqlite:///db/shop.sqlite3 up', expected: 'rules sqlite:///db/shop.sqlite3' },
  { command: 'dbmate -e NONE up', expected: 'unknown' },
  { command: 'dbmate -u clickhouse://a/b up', expected: 'unknown' },
  { command: 'dbmate new invoices', expected: 'harmless' },
  { command: 'dbmate status', expected: 'harmless' },
  { command: 'psql', expected: 'not its own' },
])('$command → $expected $environment', async ({ command, expected, environment = {} }) => {
  expect((await databasesOf(dbmate, { folder: 'dbmate', command, environment })).join(' ')).toBe(expected)
})
