import { basename, dirname } from 'node:path'
import { environmentLabel } from '../environment/env-file.ts'
import { saysTest } from './name-words.ts'
import { type Candidate, targetOfUrl } from './resolve.ts'
import { identityOf, type Target, urlOf } from './target.ts'
import { environmentNames } from './telling-variables.ts'

/**
 * Whether anything says that a database is for tests: its own name or its host, or every place that names it. What the
 * environment says of itself is nothing: test runners set APP_ENV=testing around any database.
 */
export function isForTests(candidate: Candidate): boolean {
  if (isCalledSo(candidate.target)) return true
  return [candidate, ...(candidate.alike ?? [])].every(isNamedForTests)
}

function isCalledSo(target: Target): boolean {
  if (target.engine !== 'sqlite') return saysTest(target.database) || saysTest(target.host ?? '')
  return (
    saysTest(basename(target.database)) || /^_*(?:tests?|testing|specs?)_*$/.test(basename(dirname(target.database)))
  )
}

// A file of tests, a section or key that is called so, or PHPUnit's own configuration.
function isNamedForTests({ target: { source }, files, values, reason }: Candidate): boolean {
  const section = source.keys[0] ?? ''
  const inFiles = environmentNames((key) => {
    const value = values.get(key)
    return value?.label === environmentLabel ? undefined : value
  })
  const names = [source.label, section, ...files, ...inFiles]
  return names.some(saysTest) || /(?:^|\/)phpunit\b/.test(source.label) || /, environment test(?:ing|s)?$/.test(reason)
}

/** Whether the project file says that the target is for tests, whoever connects to it. SQLite files count from `root`. */
export function isRemembered(target: Target, testDatabases: readonly string[], root: string): boolean {
  return testDatabases.some((url) => {
    const named = targetOfUrl(url, root, 'testDatabases')
    return !('problem' in named) && identityOf(named) === identityOf(target)
  })
}

/** The target as the project file remembers it: without its password, and a SQLite file below `root` from there. */
export function rememberedAs(target: Target, root: string): string {
  if (target.engine !== 'sqlite' || !target.database.startsWith(`${root}/`)) return urlOf(target)
  const path = target.database.slice(root.length + 1)
  return `sqlite:${path.split('/').map(encodeURIComponent).join('/')}`
}
