import { mergeConfig } from 'vitest/config'
import base from './vitest.config.ts'

/** The real frameworks and client tools, end to end through the compiled commands. */
const clients = mergeConfig(base, { test: { testTimeout: 300_000, hookTimeout: 600_000 } })

clients.test.include = ['test/clients/**/*.test.ts']
clients.test.exclude = []

export default clients
