import { describe, expect, it } from 'vitest'
import {
  matchesPattern,
  matchesPatternInPart,
  productionWordIn,
  saysOtherThanProduction,
  saysTest,
  wordsOf,
} from '../../src/target/name-words.ts'

describe('the words of a name', () => {
  it.each<[string, readonly string[]]>([
    ['shop_prod', ['shop', 'prod']],
    ['prodShop', ['prod', 'shop']],
    ['ShopPROD', ['shop', 'prod']],
    ['PRODShop', ['prod', 'shop']],
    ['SHOP_PROD2', ['shop', 'prod']],
    ['acme-live-eu', ['acme', 'live', 'eu']],
    ['db1.prod.example', ['db', 'prod', 'example']],
    ['商店_prod', ['商店', 'prod']],
    ['', []],
    ['42', []],
  ])('%j are %j', (name, words) => expect(wordsOf(name)).toEqual(words))
})

describe('production', () => {
  it.each([
    ...[
      'shop_prod',
      'prodShop',
      'acme-live-eu',
      'shopprod',
      'production',
      'PRODUCTION',
      'prod',
      'prd',
      'live',
      'Shop Production',
    ],
    ...[
      'shop-production-2',
      'prod01',
      'prod2shop',
      'shop.prd',
      'shop_live',
      'liveShop',
      'SHOPPROD',
      'shopproduction',
      'myprod',
      'appprd',
    ],
    ...[
      'proddb',
      'livedb',
      'productiondb',
      'prodmysql',
      'prod_copy',
      'test_prod',
      'prod$',
      'prod shop',
      'shop/prod',
      'prodweb',
    ],
    ...['my-prod-db.c9akciq32.eu-west-1.rds.amazonaws.com', 'db.prod.internal', 'prod-pg.postgres.database.azure.com'],
    ...[
      'postgres.production.svc.cluster.local',
      'live.db.example.com',
      'db-live-01',
      'mysql-prd.example.com',
      'prod',
      'pg.PROD.example.com',
    ],
    ...[
      'ep-prod-pooler.neon.tech',
      'proddb01.lan',
      'shop-prod:europe-west1:main',
      'DB-PROD-EU',
      'xn--prod-shop',
      'eu.live',
    ],
  ])('is said by %s', (name) => {
    expect(productionWordIn(name)).toBeDefined()
  })

  it.each([
    ...[
      'products',
      'reproduction',
      'delivery',
      'olive',
      'livestock',
      'product',
      'shop',
      'shop_test',
      'shop_dev',
      'staging',
      'postgres',
    ],
    ...[
      'productivity',
      'producer',
      'produce',
      'prodigy',
      'prodotti',
      'produkte',
      'produit',
      'coproduction',
      'overproduction',
      'postproduction',
    ],
    ...[
      'alive',
      'relive',
      'oliver',
      'liver',
      'liverpool',
      'lively',
      'lives',
      'living',
      'sliver',
      'believe',
      'livery',
      'deliveries',
      'liveness',
    ],
    ...[
      'preprod',
      'pre-prod',
      'pre_production',
      'nonprod',
      'non-prod',
      'not_prod',
      'noprod',
      'notprod',
      'shop_prod_test',
      'prod-tests',
      'live_testing',
    ],
    ...[
      'localhost',
      '127.0.0.1',
      '::1',
      'db',
      'db.example.com',
      'product-db.internal',
      'olive.example.com',
      'delivery-db-1',
      'livejournal.example',
    ],
    ...[
      'nonprod.example.com',
      'mysql.reproduction.example',
      'staging-db.rds.amazonaws.com',
      '',
      '42',
      'ad_products_2',
      'prods',
    ],
  ])('is not said by %j', (name) => {
    expect(productionWordIn(name)).toBeUndefined()
  })
})

describe('a pattern', () => {
  it.each([
    ['shop', 'shop'],
    ['Shop', 'sHOP'],
    ['shop_eu', 'shop*'],
    ['shop', 'shop*'],
    ['eu_shop_1', '*shop*'],
    ['anything\nat all', '*'],
    ['a.b', 'a.b'],
    ['a+b(c)[d]{e}^$|\\?', 'a+b(c)[d]{e}^$|\\?'],
    ['Ünï', 'ünÏ'],
  ])('finds %j by %j', (name, pattern) => expect(matchesPattern(name, pattern)).toBe(true))

  it.each([
    ['shops', 'shop'],
    ['my_shop', 'shop'],
    ['axb', 'a.b'],
    ['shop', ''],
    ['shop', 'shop_*'],
  ])('does not find %j by %j', (name, pattern) => expect(matchesPattern(name, pattern)).toBe(false))
})

describe('a pattern for a part', () => {
  it.each([
    ['tenant_acme', 'acme'],
    ['acme-eu', 'ACME'],
    ['tenant_customer42', 'customer*'],
    ['acme', 'acme'],
    ['a_b', 'a_b'],
  ])('finds %j by %j', (name, pattern) => expect(matchesPatternInPart(name, pattern)).toBe(true))

  it.each([
    ['acmeology', 'acme'],
    ['tenant_42', 'customer*'],
    ['a__b', ''],
  ])('does not find %j by %j', (name, pattern) => expect(matchesPatternInPart(name, pattern)).toBe(false))
})

describe('a word of tests', () => {
  it.each([
    'test',
    'shop_test',
    'ShopTests',
    'test2',
    'shop-testing',
    'shoptest',
    'mytests',
    'testdb',
    'shop_ci',
    'CI',
    'spec',
    '.env.test.local',
  ])('is in %s', (name) => expect(saysTest(name)).toBe(true))

  it.each([
    '',
    'shop',
    'latest',
    'contest',
    'protest',
    'greatest',
    'testimonials',
    'testament',
    'tester',
    'special',
    'species',
    'city',
    'attest',
    'fastest',
    'est',
  ])('is not in %j', (name) => expect(saysTest(name)).toBe(false))
})

describe('a word of something else than production', () => {
  it.each([
    'shop_dev',
    'ShopTest',
    'staging-db.acme.com',
    '.env.development',
    'pre-prod',
    'preprod',
    'non_production',
    'qa.acme.com',
    'demo',
  ])('is in %s', (name) => expect(saysOtherThanProduction(name)).toBe(true))

  it.each([
    '',
    'shop',
    'db.acme.com',
    'device',
    'devices',
    'stages',
    'backstage',
    'locale',
    'prod',
    'demographics',
    'latest',
  ])('is not in %j', (name) => expect(saysOtherThanProduction(name)).toBe(false))
})
