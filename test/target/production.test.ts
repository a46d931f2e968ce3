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

function evidence(
  one: Candidate,
  environment: Record<string, string> = {},
  patterns: Partial<NamePatterns> = {},
  branch?: string,
) {
  const surroundings = {
    environment,
    patterns: { ...none, ...patterns },
    branch: branch === undefined ? undefined : { name: branch, source: '.git/HEAD' },
    machine: { names: new Set(['here.acme.com', '93.184.216.34']), reaches: () => false },
  }
  return productionEvidence(one, surroundings).map(({ rule, value, source }) => `${rule}: ${value} (${source})`)
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

  it('is none for a domain that ends with live', () => {
    expect(evidence(candidate({ host: 'db.acme.live' }))).toEqual([])
    expect(evidence(candidate({ host: 'live.acme.live' }))).toHaveLength(1)
  })

  it('does not become less on a local host or a socket', () => {
    expect(evidence(candidate({ database: 'shop_prod', host: '127.0.0.1' }))).toHaveLength(1)
    expect(evidence(candidate({ database: 'shop_prod', socket: '/tmp' }))).toHaveLength(1)
  })
})

describe('variables of platforms', () => {
  it.each([
    ['VERCEL_TARGET_ENV', 'production'],
    ['RAILWAY_ENVIRONMENT_NAME', 'production'],
    ['PLATFORM_ENVIRONMENT_TYPE', 'production'],
    ['PANTHEON_ENVIRONMENT', 'live'],
    ['AH_SITE_ENVIRONMENT', 'prod'],
    ['WEBSITE_SLOT_NAME', 'Production'],
    ['HEROKU_APP_NAME', 'acme-shop-production'],
    ['FLY_APP_NAME', 'acme-prod'],
    ['CI_ENVIRONMENT_TIER', 'production'],
  ])('%s=%s is evidence', (key, value) => {
    expect(evidence(candidate(), { [key]: value })).toEqual([`environment-variable: ${key}=${value} (environment)`])
    const inFile = candidate({}, ['.env'], said({ [key]: value }))
    expect(evidence(inFile)).toEqual([`environment-variable: ${key}=${value} (.env)`])
  })

  it('CONTEXT is evidence where Netlify is', () => {
    expect(evidence(candidate(), { CONTEXT: 'production' })).toEqual([])
    expect(evidence(candidate(), { CONTEXT: 'production', NETLIFY: 'true' })).toHaveLength(1)
    expect(evidence(candidate(), { CONTEXT: 'deploy-preview', NETLIFY: 'true' })).toEqual([])
  })

  it.each([
    ['RENDER', 'true'],
    ['IS_PULL_REQUEST', 'false'],
    ['AWS_PROFILE', 'acme-prod'],
    ['HOSTNAME', 'prod-1'],
    ['PLATFORM_ENVIRONMENT_TYPE', 'staging'],
    ['VERCEL_ENV', 'preview'],
  ])('%s=%s is none', (key, value) => expect(evidence(candidate(), { [key]: value })).toEqual([]))
})

const remote = { host: 'db.acme.com' }

describe('the git branch with a host that is elsewhere', () => {
  it.each(['main', 'master', 'production', 'Main'])('is evidence on %s', (branch) => {
    expect(evidence(candidate(remote), {}, {}, branch)).toEqual([`git-branch: ${branch} (.git/HEAD)`])
  })

  it.each(['feature/cart', 'fix/live-search', 'mainline', 'develop', 'release/2.1', undefined])(
    'is none on %s',
    (branch) => expect(evidence(candidate(remote), {}, {}, branch)).toEqual([]),
  )

  it.each<[string, Candidate]>([
    ['this machine', candidate({ host: 'localhost' })],
    ['a socket', candidate({ socket: '/run/postgresql' })],
    ['a container', candidate({ host: 'postgres' })],
    ['the office', candidate({ host: '192.168.1.20' })],
    ['our own name', candidate({ host: 'here.acme.com' })],
    ['a file', sqlite('/srv/shop.sqlite')],
    ['a database of tests', candidate({ ...remote, database: 'shop_test' })],
    ['a host of staging', candidate({ host: 'staging-db.acme.com' })],
    ['what comes before production', candidate({ host: 'db.preprod.acme.com' })],
    ['an env file for development', candidate(remote, ['.env.development'])],
  ])('is none on main for %s', (_, one) => expect(evidence(one, {}, {}, 'main')).toEqual([]))

  it.each(['shop', 'db.acme.*'])('is none where safeNames names %s', (safe) => {
    expect(evidence(candidate(remote), {}, { safeNames: [safe] }, 'main')).toEqual([])
  })

  it('is not silenced by an env file that only claims to be local', () => {
    const one = candidate(remote, ['.env'], said({ APP_ENV: 'local' }))
    expect(evidence(one, { NODE_ENV: 'test' }, {}, 'main')).toEqual(['git-branch: main (.git/HEAD)'])
  })

  it('is read from what the platform says, where no branch is checked out', () => {
    const text = 'git-branch: main (VERCEL_GIT_COMMIT_REF, environment)'
    expect(evidence(candidate(remote), { VERCEL_GIT_COMMIT_REF: 'main' })).toEqual([text])
    expect(evidence(candidate(), { VERCEL_GIT_COMMIT_REF: 'main' })).toEqual([])
    expect(evidence(candidate(remote), { VERCEL_GIT_COMMIT_REF: 'feature/cart' })).toEqual([])
  })
})

describe('the branch of a database', () => {
  const neon = { host: 'ep-cool-name-123456.us-east-2.aws.neon.tech' }

  it.each<[string, Candidate, string]>([
    [
      'main on Neon',
      candidate(neon, ['.env'], said({ NEON_BRANCH: 'main' })),
      'database-branch: NEON_BRANCH=main (.env)',
    ],
    [
      'production on Neon',
      candidate(neon, ['.env'], said({ NEON_BRANCH: 'production' })),
      'database-branch: NEON_BRANCH=production (.env)',
    ],
    [
      'main on Xata, in the name',
      candidate({ host: 'eu-west-1.sql.xata.sh', database: 'shop:main' }),
      'database-branch: shop:main (.env)',
    ],
  ])('is evidence: %s', (_, one, text) => expect(evidence(one)).toEqual([text]))

  it.each<[string, Candidate]>([
    ['Neon without a word of its branch', candidate(neon)],
    ['another branch', candidate(neon, ['.env'], said({ NEON_BRANCH: 'dev-ada' }))],
    ['another provider', candidate(remote, ['.env'], said({ NEON_BRANCH: 'main' }))],
    ['another branch on Xata', candidate({ host: 'eu-west-1.sql.xata.sh', database: 'shop:cart' })],
    ['a colon elsewhere', candidate({ ...remote, database: 'shop:main' })],
  ])('is none: %s', (_, one) => expect(evidence(one)).toEqual([]))

  it('is none where safeNames names the host', () => {
    const one = candidate(neon, ['.env'], said({ NEON_BRANCH: 'main' }))
    expect(evidence(one, {}, { safeNames: ['ep-cool-*'] })).toEqual([])
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

  it('says which host the branch goes with', () => {
    const text = evidenceText({ rule: 'git-branch', value: 'main', source: '.git/HEAD', host: 'db.acme.com' })
    expect(text).toBe('the git branch is main, and db.acme.com is not this machine  (.git/HEAD)')
  })
})
