import { writeFileSync } from 'node:fs'
import type { Reporter, SerializedError, TestCase, TestModule } from 'vitest/node'

/** Writes `{ passed, failed, skipped }` where `npm test` wants it, for its closing line. */
export default class Counts implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const file = process.env['SEATBELT_TEST_COUNTS']
    if (file) writeFileSync(file, JSON.stringify(countsOf(modules, unhandled.length)))
  }
}

function countsOf(modules: readonly TestModule[], unhandled: number) {
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  const inState = (state: ReturnType<TestCase['result']>['state']) =>
    tests.filter((test) => test.result().state === state).length
  // A file that cannot be loaded, or a beforeAll that fails, has no failed test of its own.
  const broken = modules
    .flatMap((module) => [module, ...module.children.allSuites()])
    .filter((it) => it.errors().length)
  return {
    passed: inState('passed'),
    failed: inState('failed') + broken.length + unhandled,
    skipped: inState('skipped') + inState('pending'),
  }
}
