import { defineConfig } from 'vitest/config'

const inCi = !['', '0', 'false'].includes(process.env['CI'] ?? '')

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Suites of their own: npm run test:clients installs the real frameworks, npm run test:faults breaks things.
    exclude: ['test/clients/**', 'test/faults/**'],
    globalSetup: ['test/servers/setup.ts'],
    // A test is a real run of real programs on a machine that may be busy: time limits only end what hangs.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    retry: 0,
    pool: 'forks',
    maxWorkers: 2,
    // Bun loads `.env` by itself: no test may meet the developer's own.
    execArgv: ['--no-env-file'],
    allowOnly: !inCi,
  },
})
