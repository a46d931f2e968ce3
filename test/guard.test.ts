import { describe, expect, it } from 'vitest'
import { Failure } from '../src/failure.ts'
import { type Consent, guard, type Judged, refusal } from '../src/guard.ts'
import { shellWords } from '../src/shell-words.ts'
import type { Evidence } from '../src/target/production.ts'
import type { Candidate } from '../src/target/resolve.ts'
import { listeningIo } from './listening-io.ts'

const prod: Evidence = { rule: 'database-name', value: 'shop_prod', source: '.env' }

function judged(database: string, evidence: readonly Evidence[], files: readonly string[] = ['.env']): Judged {
  const source = { kind: 'env-file', label: files[0] ?? '', keys: ['DB_NAME'], labels: {} } as const
  const target = { engine: 'postgres', host: 'db', port: 5432, database, parameters: {}, source } as const
  const candidate: Candidate = { target, reason: '', files, values: new Map() }
  return { candidate, evidence }
}

function consent(allowed: readonly string[] = [], choosing: readonly string[] = ['--pin']): Consent {
  return {
    allowed,
    typed: new Set(),
    open: true,
    choosing,
    again: (options) => `safe-test ${shellWords([...options, 'npm', 'test'])}`,
  }
}

async function outcome(all: readonly Judged[], asked: Consent): Promise<Failure | 'passed'> {
  return guard(listeningIo(), all, asked).then(
    () => 'passed' as const,
    (error: unknown) => {
      if (error instanceof Failure) return error
      throw error
    },
  )
}

describe('the guard without a terminal', () => {
  it.each<[string, readonly Judged[], readonly string[]]>([
    ['nothing', [], []],
    ['what nothing says is production', [judged('shop', [])], []],
    ['what was named', [judged('shop_prod', [prod])], ['shop_prod']],
    ['all that were named', [judged('shop_prod', [prod]), judged('shop_live', [prod])], ['shop_live', 'shop_prod']],
  ])('lets pass %s', async (_, all, allowed) => {
    expect(await outcome(all, consent(allowed))).toBe('passed')
  })

  it.each<[string, readonly Judged[], readonly string[]]>([
    ['production', [judged('shop_prod', [prod])], []],
    ['another name than the one given', [judged('shop_prod', [prod])], ['shop']],
    ['another case than the one given', [judged('shop_prod', [prod])], ['SHOP_PROD']],
    ['production beside a test database', [judged('shop_test', []), judged('shop_prod', [prod])], ['shop_test']],
    ['the one of two that was not named', [judged('shop_prod', [prod]), judged('shop_live', [prod])], ['shop_prod']],
    ['an empty name as the name', [judged('shop_prod', [prod])], ['']],
  ])('refuses %s', async (_, all, allowed) => {
    expect(await outcome(all, consent(allowed))).toMatchObject({
      code: 20,
      text: { what: expect.stringMatching(/^Refused: /) },
    })
  })

  it('says what, why, and the exact next command', () => {
    const all = [judged('shop_prod', [prod]), judged('shop_test', [], ['.env.testing', '.env.local'])]
    expect(refusal(listeningIo().terminal, all.slice(0, 1), all, consent()).text).toEqual({
      what: 'Refused: postgres://db:5432/shop_prod looks like production, and there is no terminal to ask on',
      why: ['the database is called shop_prod  (.env)'],
      next: [
        'To use shop_test instead: safe-test --env-file .env.testing --env-file .env.local --pin npm test',
        'If this really is what you mean: safe-test --allow-production shop_prod npm test',
      ],
    })
  })

  it('proposes the test database of a file only', () => {
    const all = [judged('shop_prod', [prod]), judged('shop_test', [], [])]
    expect(refusal(listeningIo().terminal, all.slice(0, 1), all, consent()).text.next).toHaveLength(1)
  })

  it('names hostile databases so that they can be pasted', () => {
    const all = [judged("pr'od\n; rm -rf /", [prod])]
    const [next = ''] = refusal(listeningIo().terminal, all, all, consent()).text.next ?? []
    expect(next).toContain("--allow-production $'pr\\'od\\x0a; rm -rf /' npm test")
  })
})
