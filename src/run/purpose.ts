import { basename } from 'node:path'

const testRunners = new Set(['phpunit', 'paratest', 'pest', 'pytest', 'rspec', 'vitest', 'jest', 'mocha', 'ava'])

/** Whether a command is one that runs tests, by its own words: only the order of candidates depends on it. */
export function isTestCommand(words: readonly string[]): boolean {
  return words.some((word) => testRunners.has(basename(word)) || /^(?:test|tests|spec)(?:[:.].*)?$/.test(word))
}
