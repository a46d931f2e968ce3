/** The words of a name: `prodShop`, `acme-live-eu`, `SHOP_PROD2` → lower-case words, digits apart. */
export function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z\d])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== '')
}

const productionWords = new Set(['prod', 'production', 'prd', 'live'])
const beforeProduction = new Set(['pre', 'non', 'not', 'no'])
const testWords = new Set(['test', 'tests', 'testing'])
// Everyday words and copies that end like production without being it.
const notGlued = /^(?:re|co|over|under|post|pre|non?|not|bio|self)(?:prod|prd|production)$/
// `proddb`, `livedb`: only before words of this trade, since `product`, `prodigy`, `prodotti` and `livestock` begin so too.
const gluedBefore =
  /^(?:prod|prd|production|live)(?:db|database|data|sql|mysql|maria|mariadb|pg|postgres|rds|srv|server|host|cluster|env|app|api|web|site|shop|main|master|primary|eu|us|uk)$/

/**
 * The word of a name that says production, if one does: a word of its own, or glued to the end (`shopprod`).
 * `products`, `reproduction`, `delivery`, `olive`, `livestock` say nothing; `preprod` says that it is not production.
 */
export function productionWordIn(name: string): string | undefined {
  const words = wordsOf(name)
  const found = words.findIndex(
    (word, index) => isProductionWord(word) && !beforeProduction.has(words[index - 1] ?? ''),
  )
  if (found < 0 || testWords.has(words.at(-1) ?? '')) return undefined
  return words[found]
}

function isProductionWord(word: string): boolean {
  if (productionWords.has(word)) return true
  if (gluedBefore.test(word)) return true
  return word.length >= 6 && /(?:prod|prd|production)$/.test(word) && !notGlued.test(word)
}

const ownTestWords = new Set([...testWords, 'spec', 'specs', 'ci'])
// `shoptest`, `testdb`; `latest`, `contest` and `testimonials` say nothing.
const notGluedTest = /^(?:la|grea|con|pro|at|de|fas|slow|arr|near)test(?:s|ing)?$/
const gluedTestBefore = /^tests?(?:db|database|data|sql|mysql|maria|mariadb|pg|postgres|host|server|env|app|api|shop)$/

/** Whether a name has a word of tests: `shop_test`, `TestDb`, `test-db-1`, `shoptest`, `.env.testing`, `spec`, `ci`. */
export function saysTest(name: string): boolean {
  return wordsOf(name).some(isTestWord)
}

function isTestWord(word: string): boolean {
  if (ownTestWords.has(word) || gluedTestBefore.test(word)) return true
  return word.length >= 6 && /test(?:s|ing)?$/.test(word) && !notGluedTest.test(word)
}

const otherWords = new Set([
  ...testWords,
  ...['dev', 'devel', 'develop', 'development', 'local', 'sandbox', 'demo', 'preview', 'ci'],
  ...['staging', 'stage', 'stg', 'qa', 'uat', 'preprod', 'preproduction', 'nonprod', 'noprod'],
])

/** Whether a name has a word that says what else than production it is: `shop_dev`, `staging-db`, `pre-prod`. */
export function saysOtherThanProduction(name: string): boolean {
  const words = wordsOf(name)
  const denied = words.some((word, index) => isProductionWord(word) && beforeProduction.has(words[index - 1] ?? ''))
  return denied || words.some((word) => otherWords.has(word))
}

/** Matches a whole name against a pattern of the project file: `*` stands for anything; case does not matter. */
export function matchesPattern(name: string, pattern: string): boolean {
  const escaped = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${escaped.join('.*')}$`, 'isu').test(name)
}

/** The same, for a whole name or one part of it: `acme` is in `tenant_acme` and not in `acmeology`. */
export function matchesPatternInPart(name: string, pattern: string): boolean {
  return [name, ...name.split(/[^\p{L}\p{N}]+/u)].some((part) => part !== '' && matchesPattern(part, pattern))
}
