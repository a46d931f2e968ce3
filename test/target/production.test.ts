import { describe, expect, it } from 'vitest'
import { environmentLabel, type Values } from '../../src/environment/env-file.ts'
import { evidenceText, type NamePatterns, productionEvidence } from '../../src/target/production.ts'
import type { Candidate } from '../../src/target/resolve.ts'
import type { ServerTarget } from '../../src/target/target.ts'

const none: NamePatterns = { productionNames: [], safeNames: [], customerIdentifiers: [] }

function candidate(
  parts: Partial<ServerTarget> = {},
  files: readonly string[] = ['.env'],
  values: Values = new Map(),
): Candidate {
  const source = { kind: 'env-file', label: '.env', keys: ['DB_DATABASE'], labels: { DB_DATABASE: '.env' } } as const
  const target = {
    engine: 'postgres',
    host: 'localhost',
    port: 5432,
    database: 'shop',
    parameters: {},
    source,
    ...parts,
  } as const
  return { target, reason: '.env names it', files, values }
}

function said(values: Readonly<Record<string, string>>): Values {
  return new Map(Object.entries(values).map(([key, value]) => [key, { value, label: '.env' }]))
}

function sqlite(database: string): Candidate {
  return { ...candidate(), target: { engine: 'sqlite', database, source: candidate().target.source } }
}

function evidence(one: Candidate, environment: Record<string, string> = {}, patterns: Partial<NamePatterns> = {}) {
  return productionEvidence(one, environment, { ...none, ...patterns }).map(
    ({ rule, value, source }) => `${rule}: ${value} (${source})`,
  )
}

describe('evidence of production', () => {
  it('is none for a shop on this machine', () => {
    expect(evidence(candidate(), { HOME: '/home/prod', HOSTNAME: 'prod-1', USER: 'production' })).toEqual([])
  })

  it.each<[string, Candidate, string]>([
    ['the name', candidate({ database: 'shop_prod' }), 'database-name: shop_prod (.env)'],
    ['the host', candidate({ host: 'db.live.example' }), 'host-name: db.live.example (.env)'],
    ['the env file', candidate({}, ['.env.production']), 'env-file-name: .env.production (.env.production)'],
    [
      'a file laid over',
      candidate({}, ['.env', '.env.prod.local']),
      'env-file-name: .env.prod.local (.env.prod.local)',
    ],
    ['the folder of the env file', candidate({}, ['envs/prod/.env']), 'env-file-name: envs/prod/.env (envs/prod/.env)'],
    ['the name of a SQLite file', sqlite('/srv/production.sqlite3'), 'database-name: production.sqlite3 (.env)'],
    [
      'APP_ENV of the file',
      candidate({}, ['.env'], said({ APP_ENV: 'production' })),
      'environment-variable: APP_ENV=production (.env)',
    ],
  ])('is %s', (_, one, text) => {
    expect(evidence(one)).toEqual([text])
  })

  it.each([
    ['APP_ENV', 'production'],
    ['NODE_ENV', 'production'],
    ['RAILS_ENV', 'Production'],
    ['RACK_ENV', 'live'],
    ['VERCEL_ENV', 'production'],
    ['DJANGO_ENV', 'prod'],
    ['DJANGO_SETTINGS_MODULE', 'shop.settings.production'],
    ['SPRING_PROFILES_ACTIVE', 'eu,prod'],
    ['ASPNETCORE_ENVIRONMENT', 'Production'],
    ['STAGE', 'prd'],
  ])('is %s=%s', (key, value) => {
    expect(evidence(candidate(), { [key]: value })).toEqual([`environment-variable: ${key}=${value} (environment)`])
  })

  it.each([
    ['APP_ENV', 'local'],
    ['APP_ENV', ''],
    ['NODE_ENV', 'test'],
    ['VERCEL_ENV', 'preview'],
    ['APP_ENV', 'preproduction'],
    ['DATABASE_ENVIRONMENT', 'production'],
  ])('is not %s=%s', (key, value) => {
    expect(evidence(candidate(), { [key]: value })).toEqual([])
  })

  it.each(['testing', '', 'local'])('of a file stays when the environment says APP_ENV=%j', (outer) => {
    const one = candidate({}, ['.env'], said({ APP_ENV: 'production' }))
    expect(evidence(one, { APP_ENV: outer })).toEqual(['environment-variable: APP_ENV=production (.env)'])
  })

  it('of another place that names the same database counts', () => {
    const testing = candidate({}, ['.env.testing'], said({ APP_ENV: 'testing' }))
    const plain = candidate({}, ['.env'], said({ APP_ENV: 'production' }))
    expect(evidence({ ...testing, alike: [plain] })).toEqual(['environment-variable: APP_ENV=production (.env)'])
  })

  it('is told once', () => {
    const one = candidate({ database: 'shop_prod' })
    expect(evidence({ ...one, alike: [one, one] }, { NODE_ENV: 'production' })).toHaveLength(2)
  })

  it('names where the host was read', () => {
    const source = {
      kind: 'env-file',
      label: '.env',
      keys: ['DB_DATABASE', 'DB_HOST'],
      labels: { DB_DATABASE: '.env', DB_HOST: environmentLabel },
    } as const
    expect(evidence(candidate({ host: 'db-prod', source }))).toEqual(['host-name: db-prod (environment)'])
  })

  it('does not become less on a local host or a socket', () => {
    expect(evidence(candidate({ database: 'shop_prod', host: '127.0.0.1' }))).toHaveLength(1)
    expect(evidence(candidate({ database: 'shop_prod', socket: '/tmp' }))).toHaveLength(1)
  })
})

describe('patterns of the project file', () => {
  it.each<[string, Candidate, Partial<NamePatterns>, readonly string[]]>([
    ['a production name', candidate(), { productionNames: ['shop'] }, ['production-name: shop (.env)']],
    [
      'a production host',
      candidate({ host: '10.0.0.7' }),
      { productionNames: ['10.0.0.*'] },
      ['production-name: 10.0.0.7 (.env)'],
    ],
    [
      'a customer',
      candidate({ database: 'tenant_acme' }),
      { customerIdentifiers: ['acme'] },
      ['customer-identifier: tenant_acme (.env)'],
    ],
    ['a safe name', candidate({ database: 'live_chat' }), { safeNames: ['live_chat'] }, []],
    [
      'a safe name, not its host',
      candidate({ database: 'live_chat', host: 'db-prod' }),
      { safeNames: ['live_chat'] },
      ['host-name: db-prod (.env)'],
    ],
    [
      'a SQLite file',
      sqlite('/srv/shop.sqlite'),
      { productionNames: ['shop'] },
      ['production-name: shop.sqlite (.env)'],
    ],
    [
      'a SQLite file with its ending',
      sqlite('/srv/shop.sqlite'),
      { productionNames: ['shop.sqlite'] },
      ['production-name: shop.sqlite (.env)'],
    ],
    ['a safe SQLite file with its ending', sqlite('/srv/prod.sqlite'), { safeNames: ['prod.sqlite'] }, []],
  ])('say %s', (_, one, patterns, texts) => {
    expect(evidence(one, {}, patterns)).toEqual(texts)
  })

  it('do not silence what the environment says', () => {
    expect(evidence(candidate(), { APP_ENV: 'production' }, { safeNames: ['*'] })).toHaveLength(1)
  })
})

describe('the sentence of one piece', () => {
  it('stays on one line and moves no cursor', () => {
    const text = evidenceText({ rule: 'database-name', value: 'prod\n\x1b[2Jx', source: '.env' })
    expect(text).toBe('the database is called prod\\n\\x1b[2Jx  (.env)')
  })
})
