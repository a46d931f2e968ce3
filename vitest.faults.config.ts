import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** What is broken on purpose: killed, cut, filled up, altered, crowded. */
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/faults/**/*.test.ts'],
    exclude: [],
    testTimeout: 900_000,
    hookTimeout: 120_000,
  },
})
