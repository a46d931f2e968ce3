import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Failure } from '../../src/failure.ts'
import {
  optionsFor,
  type Resolution,
  resolveTargets,
  type TargetQuestion,
  targetOfUrl,
  theOnly,
} from '../../src/target/resolve.ts'
import { urlOf } from '../../src/target/target.ts'
import { temporaryFolder } from '../temporary-folder.ts'

type Files = Readonly<Record<string, string>>

function resolve(files: Files, asked: Partial<TargetQuestion> = {}): Promise<Resolution> {
  const question = { environment: {}, purpose: 'other', envFiles: [], variables: 'win' } as const
  return resolveTargets({ cwd: temporaryFolder(files), ...question, ...asked })
}

async function found(files: Files, asked: Partial<TargetQuestion> = {}): Promise<readonly string[]> {
  return (await resolve(files, asked)).candidates.map(({ target }) => urlOf(target))
}

async function failure(files: Files, asked: Partial<TargetQuestion> = {}): Promise<Failure> {
  const error = await resolve(files, asked).catch((thrown: unknown) => thrown)
  if (error instanceof Failure) return error
  throw new Error('it resolved')
}

const development = 'DATABASE_URL=postgres://db/shop'
const testing = 'DATABASE_URL=postgres://db/shop_test'
const shop = 'postgres://db:5432/shop'
const shopTest = 'postgres://db:5432/shop_test'

describe('one target is certain', () => {
  it.each<[string, Files, Partial<TargetQuestion>, string]>([
    ['of .env', { '.env': development }, {}, shop],
    ['of .env.local over .env', { '.env': development, '.env.local': testing }, {}, shopTest],
    ['of .env.testing alone', { '.env.testing': testing }, {}, shopTest],
    ['of the environment', {}, { environment: { DATABASE_URL: 'postgres://db/shop' } }, shop],
    [
      'of the environment over files',
      { '.env': development },
      { environment: { DATABASE_URL: 'postgres://db/shop_test' } },
      shopTest,
    ],
    [
      'of a URL over all',
      { '.env': development },
      {
        databaseUrl: { value: 'postgres://db/other', label: 'X' },
        environment: { DATABASE_URL: 'postgres://db/shop' },
      },
      'postgres://db:5432/other',
    ],
    ['of a named file', { '.env': development, '.env.ci': testing }, { envFiles: ['.env.ci'] }, shopTest],
    [
      'of named files, later over earlier',
      { a: `${development}\nB=1`, b: testing },
      { envFiles: ['a', 'b'] },
      shopTest,
    ],
    [
      'of files that agree',
      { '.env': development, '.env.test': 'DB_CONNECTION=pgsql\nDB_HOST=db\nDB_DATABASE=shop' },
      {},
      shop,
    ],
    [
      'of a named file alone, for a command of ours',
      { a: testing },
      { envFiles: ['a'], variables: 'ignored', environment: { DATABASE_URL: 'postgres://db/shop' } },
      shopTest,
    ],
    [
      'of a pinned file over the same variable',
      { a: testing },
      { envFiles: ['a'], variables: 'pinned-over', environment: { DATABASE_URL: 'postgres://db/shop' } },
      shopTest,
    ],
    [
      'of a pinned file with the environment’s host',
      { a: 'DB_CONNECTION=pgsql\nDB_NAME=shop' },
      { envFiles: ['a'], variables: 'pinned-over', environment: { DB_HOST: 'db' } },
      shop,
    ],
  ])('%s', async (_, files, asked, url) => {
    const resolution = await resolve(files, asked)
    expect(resolution.candidates.map(({ target }) => urlOf(target))).toEqual([url])
    expect(resolution.certain).toBe(true)
  })
})

describe('several targets are all candidates', () => {
  it.each<[string, Files, Partial<TargetQuestion>, readonly string[]]>([
    ['.env first', { '.env': development, '.env.testing': testing }, {}, [shop, shopTest]],
    [
      'testing files first for tests',
      { '.env': development, '.env.testing': testing },
      { purpose: 'test' },
      [shopTest, shop],
    ],
    [
      'the named environment first',
      { '.env': development, '.env.staging': testing },
      { environment: { APP_ENV: 'staging' } },
      [shopTest, shop],
    ],
    [
      'a named file and the environment that wins over it',
      { a: testing },
      { envFiles: ['a'], environment: { DATABASE_URL: 'postgres://db/shop' } },
      [shopTest, shop],
    ],
    [
      'a variable that a pinned file does not cover',
      { a: 'DB_CONNECTION=pgsql\nDB_HOST=db\nDB_NAME=shop_test' },
      { envFiles: ['a'], variables: 'pinned-over', environment: { DATABASE_URL: 'postgres://db/shop' } },
      [shop, shopTest],
    ],
    [
      'a URL and parts of one file',
      { '.env': `${development}\nDB_CONNECTION=pgsql\nDB_HOST=db\nDB_DATABASE=shop_test` },
      {},
      [shop, shopTest],
    ],
    [
      'two chains that each lay a file over',
      { '.env': development, '.env.test': development, '.env.test.local': testing },
      {},
      [shop, shopTest],
    ],
  ])('%s', async (_, files, asked, urls) => {
    const resolution = await resolve(files, asked)
    expect(resolution.candidates.map(({ target }) => urlOf(target))).toEqual(urls)
    expect(resolution.certain).toBe(false)
  })

  it('but one that two places name is one, and remembers both', async () => {
    const { candidates } = await resolve(
      { '.env': `${development}\nAPP_ENV=production`, '.env.testing': development },
      { purpose: 'test' },
    )
    expect(candidates).toHaveLength(1)
    expect(candidates[0]?.files).toEqual(['.env.testing'])
    expect(candidates[0]?.alike?.map(({ files }) => files)).toEqual([['.env']])
  })

  it('with their files, to choose one by all files of its chain', async () => {
    const { candidates } = await resolve({ '.env': 'DB_HOST=db', '.env.local': 'DB_CONNECTION=pgsql\nDB_NAME=shop' })
    expect(candidates.map((candidate) => optionsFor(candidate, candidates))).toEqual([
      ['--env-file', '.env', '--env-file', '.env.local'],
    ])
  })

  it('and a target of the environment has no file', async () => {
    const { candidates } = await resolve({ '.env': testing }, { environment: { DATABASE_URL: 'postgres://db/shop' } })
    expect(candidates[0]?.files).toEqual([])
    expect(candidates[0]?.reason).toMatch(/^DATABASE_URL is set in the environment/)
  })
})

describe('a bare $NAME in a file, which some loaders put in', () => {
  it('names both databases that loaders may read', async () => {
    const { candidates, certain } = await resolve({ '.env': 'NAME=shop_prod\nDATABASE_URL=postgres://db/$NAME\n' })
    expect(candidates.map(({ target }) => target.database)).toEqual(['$NAME', 'shop_prod'])
    expect(certain).toBe(false)
  })

  it('changes nothing in a password, single quotes, or where no such variable is', async () => {
    const file = "word=x\nA='$word'\nDB_CONNECTION=pgsql\nDB_DATABASE=$other\nDB_PASSWORD=pa$word\n"
    const { candidates, certain } = await resolve({ '.env': file })
    expect(candidates.map(({ target }) => target.database)).toEqual(['$other'])
    expect(certain).toBe(true)
  })
})

describe('what the variables of the environment overrule', () => {
  it('is told where other keys of a file name another database', async () => {
    const environment = { PGDATABASE: 'shop_dev', PGHOST: 'db' }
    const { candidates, overruled } = await resolve({ '.env': 'DATABASE_URL=postgres://db/shop_prod' }, { environment })
    expect(candidates.map(({ target }) => target.database)).toEqual(['shop_dev'])
    expect(overruled.map(({ target }) => target.database)).toEqual(['shop_prod'])
  })
})

describe('options that settle on one candidate', () => {
  it('name a file only where it names no other one', async () => {
    const file = 'DATABASE_URL=postgres://db/shop\nDB_CONNECTION=pgsql\nDB_HOST=db\nDB_DATABASE=shop_dev\n'
    const { candidates } = await resolve({ '.env': file })
    expect(candidates.map((candidate) => optionsFor(candidate, candidates)[0])).toEqual([
      '--database-url',
      '--database-url',
    ])
  })
})

describe('no target', () => {
  it.each<[string, Files, Partial<TargetQuestion>, RegExp]>([
    ['without any file', {}, {}, /No env file in/],
    ['in files that name none', { '.env': 'A=1' }, {}, /Read: \.env, and the environment/],
    ['with an empty name', { '.env': 'DB_CONNECTION=mysql\nDB_DATABASE=' }, {}, /DB_DATABASE in \.env is empty/],
    ['with an engine of another world', { '.env': 'DATABASE_URL=mongodb://db/shop' }, {}, /not handled here/],
    [
      'where an empty variable hides the file',
      { '.env': development },
      { environment: { DATABASE_URL: '' } },
      /DATABASE_URL of the environment is empty/,
    ],
  ])('%s ends with 10', async (_, files, asked, why) => {
    const { code, text } = await failure(files, asked)
    expect(code).toBe(10)
    expect(text.why?.join('\n')).toMatch(why)
  })

  it('where .env is a folder ends with 10 and says so', async () => {
    const cwd = temporaryFolder()
    mkdirSync(join(cwd, '.env'))
    expect((await failure({}, { cwd })).text.why).toEqual(['.env is a folder, not a file'])
  })
})

describe('what the user names must be right', () => {
  it.each<[string, Partial<TargetQuestion>, RegExp]>([
    ['a file that is not there', { envFiles: ['.env', 'missing'] }, /--env-file missing does not exist/],
    ['a folder as a file', { envFiles: ['.'] }, /is a folder/],
    [
      'a URL of no engine',
      { databaseUrl: { value: 'redis://app:geheim@db/0', label: '--database-url' } },
      /--database-url names an engine/,
    ],
    [
      'a URL of no database',
      { databaseUrl: { value: 'postgres://app:geheim@db/', label: 'SEATBELT_DATABASE_URL' } },
      /SEATBELT_DATABASE_URL names no database/,
    ],
    ['a URL of no file', { databaseUrl: { value: 'sqlite://', label: 'X' } }, /X names no database/],
    ['no URL', { databaseUrl: { value: 'geheim', label: 'X' } }, /X is not a database URL/],
  ])('%s ends with 2', async (_, asked, what) => {
    const error = await failure({ '.env': development }, asked)
    expect(error.code).toBe(2)
    expect(error.text.what).toMatch(what)
    expect(JSON.stringify(error.text)).not.toContain('geheim')
  })
})

describe('the only one', () => {
  it('is the only one', async () => {
    expect(urlOf(theOnly(await resolve({ '.env': development }), 'x').target)).toBe(shop)
  })

  it('is asked for, with commands that can be pasted', async () => {
    const resolution = await resolve({ '.env': development, '.env.testing': testing })
    const choose = () => theOnly(resolution, 'restore-database')
    expect(choose).toThrow(Failure)
    try {
      choose()
    } catch (error) {
      const { code, text } = error as Failure
      expect(code).toBe(10)
      expect(text.next).toEqual(['restore-database --env-file .env …', 'restore-database --env-file .env.testing …'])
      expect(text.why).toEqual([`${shop}  (.env names it)`, `${shopTest}  (.env.testing names it)`])
    }
  })
})

it('a manifest’s URL becomes a target', () => {
  expect(targetOfUrl('postgres://app@db/shop', '/', 'manifest')).toMatchObject({
    host: 'db',
    port: 5432,
    database: 'shop',
    user: 'app',
  })
  expect(targetOfUrl('nonsense', '/', 'manifest')).toEqual({ problem: 'is not a database URL' })
})

it('a folder’s hostile values are never anyone’s environment', async () => {
  const before = { ...process.env }
  await found({ '.env': `${development}\nBUN_BE_BUN=1\nLD_PRELOAD=/x\nPATH=/x` })
  expect({ ...process.env }).toEqual(before)
})

describe('the password of a URL that has none', () => {
  const stated = 'DATABASE_URL=postgres://app:geheim@db/other'
  it.each<[string, string, Files, TargetQuestion['environment'], string | undefined]>([
    ['of an env file for the same account', 'postgres://app@db/shop', { '.env': stated }, {}, 'geheim'],
    ['of the environment', 'postgres://app@db/shop', {}, { DATABASE_URL: 'postgres://app:geheim@db/other' }, 'geheim'],
    ['its own', 'postgres://app:own@db/shop', { '.env': stated }, {}, 'own'],
    ['of another user', 'postgres://me@db/shop', { '.env': stated }, {}, undefined],
    ['of another host', 'postgres://app@db2/shop', { '.env': stated }, {}, undefined],
    ['of another port', 'postgres://app@db:6432/shop', { '.env': stated }, {}, undefined],
    ['of another engine', 'mysql://app@db:5432/shop', { '.env': stated }, {}, undefined],
  ])('%s', async (_, value, files, environment, expected) => {
    const { candidates } = await resolve(files, { databaseUrl: { value, label: 'X' }, environment })
    const [target] = candidates.map((candidate) => candidate.target)
    if (target === undefined || target.engine === 'sqlite') throw new Error('no server')
    expect(target.password?.reveal()).toBe(expected)
  })
})
