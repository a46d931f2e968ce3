import { describe, expect, it } from 'vitest'
import { decide, settleOnOne } from '../src/decide.ts'
import type { Interruption } from '../src/effects/interruption.ts'
import type { Invocation } from '../src/invocation.ts'
import { beginOperation } from '../src/operation.ts'
import { resolveOptions } from '../src/options.ts'
import { againWith, sayAndGuard } from '../src/say-and-guard.ts'
import { identityOf } from '../src/target/target.ts'
import { listeningIo } from './listening-io.ts'
import { temporaryFolder } from './temporary-folder.ts'

const never: Interruption = {
  signal: new AbortController().signal,
  suspend: () => {},
  resume: () => {},
  close: () => {},
  endWhereHungUp: () => {},
}

function invocation(
  parts: Partial<Invocation> = {},
  flags: Record<string, string | boolean | string[]> = {},
): Invocation {
  const options = resolveOptions({ flags, environment: {}, file: { options: {}, patterns: {}, name: 'seatbelt.json' } })
  const operation = beginOperation('safe-test', new Date(0))
  return {
    options,
    freshOptions: async () => options,
    words: [],
    ownArguments: [],
    root: '/',
    operation,
    interruption: never,
    callOf: (name) => `./bin/${name}`,
    ...parts,
  }
}

describe('the same call again', () => {
  it.each<[readonly string[], readonly string[], readonly string[], string]>([
    [[], ['--pin'], ['npm', 'test'], './bin/safe-test --pin npm test'],
    [['--keep', '3'], ['--allow-production', 'a b'], ['npm'], "./bin/safe-test --keep 3 --allow-production 'a b' npm"],
    [
      ['--database-url', 'postgres://app:geheim@db/x'],
      [],
      ['x'],
      "./bin/safe-test --database-url 'postgres://app:***@db/x' x",
    ],
    [[], [], ['mysql', '-pgeheim'], "./bin/safe-test mysql '-p***'"],
  ])('%j with %j before %j shows no password', (ownArguments, options, words, text) => {
    expect(againWith(invocation({ ownArguments, words }))(options)).toBe(text)
  })
})

describe('a decision', () => {
  const files = {
    '.env': 'DATABASE_URL=postgres://app:geheim@db/shop_prod',
    '.env.testing': 'DATABASE_URL=postgres://db/shop_test',
  }

  it('judges every candidate', async () => {
    const io = listeningIo({ cwd: temporaryFolder(files) })
    const { judged, certain } = await decide(io, invocation(), { purpose: 'test', wrapped: true })
    expect(certain).toBe(false)
    expect(judged.map(({ evidence }) => evidence.length)).toEqual([0, 1])
  })

  it.each<[string, boolean, Record<string, string | boolean | string[]>, readonly string[]]>([
    ['a wrapper: the environment still wins over a named file', true, {}, ['shop_test', 'shop']],
    ['a wrapper that pins: the file is laid over it', true, { pin: true }, ['shop_test']],
    ['a command of ours: the file alone', false, {}, ['shop_test']],
  ])('of %s', async (_, wrapped, flags, names) => {
    const io = listeningIo({ cwd: temporaryFolder(files), environment: { DATABASE_URL: 'postgres://db/shop' } })
    const called = invocation({}, { envFile: ['.env.testing'], ...flags })
    const { candidates } = await decide(io, called, { purpose: 'other', wrapped })
    expect(candidates.map(({ target }) => target.database)).toEqual(names)
  })

  it.each<[string, string, readonly string[]]>([
    ['production is not left to which keys a command reads', 'shop_prod', ['shop_dev', 'shop_prod']],
    ['another harmless one is', 'shop_other', ['shop_dev']],
  ])('of a file that the environment overrules: %s', async (_, named, names) => {
    const cwd = temporaryFolder({ '.env': `DATABASE_URL=postgres://db/${named}` })
    const io = listeningIo({ cwd, environment: { PGDATABASE: 'shop_dev', PGHOST: 'db' } })
    const { candidates, certain } = await decide(io, invocation(), { purpose: 'other', wrapped: true })
    expect(candidates.map(({ target }) => target.database)).toEqual(names)
    expect(certain).toBe(names.length === 1)
  })

  it('is said, noted and guarded before anything else', async () => {
    const io = listeningIo({ cwd: temporaryFolder(files) })
    const called = invocation({ words: ['npm', 'test'] })
    called.operation.wrapped = ['npm test']
    const decision = await decide(io, called, { purpose: 'test', wrapped: true })
    await expect(sayAndGuard(io, called, decision)).rejects.toMatchObject({ code: 20 })
    expect(io.heard.join('\n')).toContain(
      '(to settle it: --env-file .env.testing --pin, so that the command uses it too)',
    )
    expect(called.operation.targets.map(({ url, production }) => [url, production.length])).toEqual([
      ['postgres://db:5432/shop_test', 0],
      ['postgres://app@db:5432/shop_prod', 1],
    ])
    expect(JSON.stringify([called.operation, io.heard])).not.toContain('geheim')
  })

  it('for a restore is the one that the backup is of', async () => {
    const io = listeningIo({ cwd: temporaryFolder(files) })
    const decision = await decide(io, invocation(), { purpose: 'other', wrapped: false })
    const manifest = { target: 'postgres://root@db/shop_test', file: 'x.sql' } as Parameters<typeof settleOnOne>[1]
    expect(identityOf(settleOnOne(decision, manifest, 'x').candidate.target)).toContain('shop_test')
    expect(() => settleOnOne(decision, undefined, 'x')).toThrow(/one must be chosen/)
  })
})
