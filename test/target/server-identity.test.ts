import { describe, expect, it } from 'vitest'
import type { NamePatterns } from '../../src/target/production.ts'
import { type ServerIdentity, serverEvidence, serverText, tunnelText } from '../../src/target/server-identity.ts'
import type { ServerTarget } from '../../src/target/target.ts'

const none: NamePatterns = { productionNames: [], safeNames: [], customerIdentifiers: [] }
const source = { kind: 'env-file', label: '.env', keys: [], labels: {} } as const
const shop = { engine: 'postgres', host: 'localhost', port: 5432, database: 'shop', parameters: {}, source } as const
const file = { engine: 'sqlite', database: '/srv/shop.sqlite', source } as const

function marker(value: string, where = 'the comment on the database') {
  return { markers: [{ value, source: where }] }
}

describe('what a server says of production', () => {
  const said = (
    identity: Partial<ServerIdentity>,
    patterns: Partial<NamePatterns> = {},
    target: Partial<ServerTarget> = {},
  ) =>
    serverEvidence({ ...shop, ...target }, identity, { ...none, ...patterns }).map(
      (one) => `${one.rule}: ${one.value} (${one.source})`,
    )

  it.each<[string, Partial<ServerIdentity>, Partial<NamePatterns>, string]>([
    ['our marker', marker('production'), {}, 'marker: production (the comment on the database)'],
    [
      'the marker of Rails',
      marker('production', 'ar_internal_metadata'),
      {},
      'marker: production (ar_internal_metadata)',
    ],
    ['a word in a marker', marker('acme-live'), {}, 'marker: acme-live (the comment on the database)'],
    [
      'our marker on a safe name',
      marker('production'),
      { safeNames: ['shop'] },
      'marker: production (the comment on the database)',
    ],
    ["the machine's name", { address: 'db-prod-1:3306' }, {}, 'server-name: db-prod-1 (the server)'],
    [
      'an address of productionNames',
      { address: '10.0.3.7:5432' },
      { productionNames: ['10.0.3.*'] },
      'production-name: 10.0.3.7 (the server)',
    ],
    ['a name behind a pooler', { database: 'shop_prod' }, {}, 'database-name: shop_prod (the server)'],
  ])('is %s', (_, identity, patterns, text) => expect(said(identity, patterns)).toEqual([text]))

  it.each<[string, Partial<ServerIdentity>, Partial<NamePatterns>]>([
    ['a marker of something else', marker('development', 'ar_internal_metadata'), {}],
    ['no marker', { markers: [] }, {}],
    [
      'the marker of Rails in a copy that is safe',
      marker('production', 'ar_internal_metadata'),
      { safeNames: ['shop'] },
    ],
    ['a name without such a word', { address: 'db-1:3306', database: 'shop' }, {}],
    ['a machine that is safe', { address: 'live-box:3306' }, { safeNames: ['live-box'] }],
  ])('is not %s', (_, identity, patterns) => expect(said(identity, patterns)).toEqual([]))

  it('is not told again when the target was called so already', () => {
    const target = { host: 'db-prod', database: 'shop_prod' }
    expect(said({ address: 'db-prod:5432', database: 'shop_prod' }, {}, target)).toEqual([])
  })

  it('of a file is its markers', () => {
    expect(serverEvidence(file, marker('production', 'ar_internal_metadata'), none)).toHaveLength(1)
  })
})

describe('a local host that leads to another machine', () => {
  const machine = {
    names: new Set(['laptop', '192.168.1.5']),
    reaches: (address: string) => address.startsWith('172.18.'),
  }

  it.each<[Partial<ServerTarget>, string]>([
    [{}, '10.0.3.7:5432'],
    [{ host: '127.0.0.1' }, '10.0.3.7:5432'],
    [{ host: '::1' }, '[fd12::7]:5432'],
    [{ host: 'laptop' }, '10.0.3.7:5432'],
    [{ host: '127.0.0.1', engine: 'mysql', port: 13306 }, 'db-1:3306'],
    [{ host: '127.0.0.1', engine: 'mysql', port: 13306 }, 'db.acme.com:3306'],
  ])('is said: %j, %s', (target, address) => {
    expect(tunnelText({ ...shop, ...target }, { address }, machine)).toMatch(
      / leads to another machine: the server says that it is /,
    )
  })

  it.each<[Partial<ServerTarget>, string | undefined]>([
    [{}, '127.0.0.1:5432'],
    [{}, '[::1]:5432'],
    [{}, '192.168.1.5:5432'],
    [{}, '172.18.0.3:5432'],
    [{}, undefined],
    [{ socket: '/tmp' }, '10.0.3.7:5432'],
    [{ host: 'db.acme.com' }, '10.0.3.7:5432'],
    [{ engine: 'mysql', port: 3306 }, 'laptop:3306'],
    [{ engine: 'mysql', port: 3306 }, 'laptop.lan:3306'],
    [{ engine: 'mysql', port: 3306 }, '3f2a9c81b7de:3306'],
  ])('is not said: %j, %s', (target, address) => {
    const identity = address === undefined ? {} : { address }
    expect(tunnelText({ ...shop, ...target }, identity, machine)).toBeUndefined()
  })
})

describe('the identity in words', () => {
  const facts = { version: '15.18', sizeBytes: 8_400_000, tables: 12 }

  it.each<[string, ServerIdentity]>([
    ['15.18, 12 tables, 8.4 MB', { ...facts, database: 'shop' }],
    ['15.18, called shop_2 there, 12 tables, 8.4 MB', { ...facts, database: 'shop_2' }],
    ['15.18, 12 tables, 8.4 MB, at 10.0.3.7:5432', { ...facts, address: '10.0.3.7:5432' }],
  ])('is %s', (text, identity) => expect(serverText(identity, 'shop')).toBe(text))

  it('says since when it is up', () => {
    expect(serverText({ ...facts, startedAt: '2026-11-20T03:12:00.000Z' }, 'shop')).toMatch(
      /, up since 2026-11-(?:19|20|21) \d\d:\d\d:\d\d$/,
    )
  })
})
