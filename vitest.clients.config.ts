import { defineConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The real frameworks and client tools, end to end through the compiled commands. */
export default defineConfig({
  test: {
    ...base.test,
    include: ['test/clients/**/*.test.ts'],
    exclude: [],
    testTimeout: 300_000,
    hookTimeout: 600_000,
  },
})
