import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { chainNames, type Purpose, readEnvChains } from '../../src/environment/env-chains.ts'
import { temporaryFolder } from '../temporary-folder.ts'

describe('the chains that are looked for', () => {
  const test = '.env.test+.env.test.local'
  const plain = '.env+.env.local'
  it.each<[Purpose, Record<string, string>, readonly string[]]>([
    ['test', {}, ['.env.testing', test, plain]],
    ['other', {}, [plain, '.env.testing', test]],
    ['other', { APP_ENV: 'staging' }, ['.env.staging+.env.staging.local', plain, '.env.testing', test]],
    ['test', { NODE_ENV: 'ci' }, ['.env.testing', test, '.env.ci+.env.ci.local', plain]],
    ['other', { NODE_ENV: 'test' }, [test, plain, '.env.testing']],
    ['test', { APP_ENV: 'testing', NODE_ENV: 'test' }, ['.env.testing', test, plain]],
    [
      'other',
      { APP_ENV: 'a', NODE_ENV: 'b', RAILS_ENV: 'c', DJANGO_ENV: 'a' },
      ['.env.a+.env.a.local', '.env.b+.env.b.local', '.env.c+.env.c.local', plain, '.env.testing', test],
    ],
    ['other', { APP_ENV: '' }, [plain, '.env.testing', test]],
    ['other', { APP_ENV: '../../etc/passwd' }, [plain, '.env.testing', test]],
    ['other', { APP_ENV: '..' }, [plain, '.env.testing', test]],
    ['other', { APP_ENV: 'a b' }, [plain, '.env.testing', test]],
  ])('for a purpose of %s with %j', (purpose, environment, names) => {
    expect(
      chainNames(purpose, environment).map((chain) => chain.join('+').replace(/^(\.env\.testing)\+.*/, '$1')),
    ).toEqual(names)
  })
})

describe('reading the chains of a folder', () => {
  it('lays local files over theirs, and keeps where each value stands', async () => {
    const cwd = temporaryFolder({ '.env': 'A=1\nB=1', '.env.local': 'B=2', '.env.test': 'A=3' })
    const { chains, problems } = await readEnvChains(cwd, 'other', {})
    expect(problems).toEqual([])
    expect(chains.map(({ labels, values }) => ({ labels, values: Object.fromEntries(values) }))).toEqual([
      {
        labels: ['.env', '.env.local'],
        values: { A: { value: '1', label: '.env' }, B: { value: '2', label: '.env.local' } },
      },
      { labels: ['.env.test'], values: { A: { value: '3', label: '.env.test' } } },
    ])
  })

  it('never mixes files of two chains', async () => {
    const cwd = temporaryFolder({ '.env': 'A=1', '.env.testing': 'B=2' })
    const { chains } = await readEnvChains(cwd, 'test', {})
    expect(chains.map(({ values }) => [...values.keys()])).toEqual([['B'], ['A']])
  })

  it('says what cannot be read and reads the rest', async () => {
    const cwd = temporaryFolder({ '.env.testing': 'A=1' })
    mkdirSync(join(cwd, '.env'))
    const { chains, problems } = await readEnvChains(cwd, 'other', {})
    expect(chains.map(({ labels }) => labels)).toEqual([['.env.testing']])
    expect(problems).toEqual(['.env is a folder, not a file'])
  })

  it('finds nothing in an empty folder', async () => {
    expect(await readEnvChains(temporaryFolder(), 'test', {})).toEqual({ chains: [], problems: [] })
  })
})
