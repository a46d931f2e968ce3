import { rm } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Framework } from '../../src/frameworks/framework.ts'
import { databasesOf } from '../frameworks/recognising.ts'
import { asLayout, type NodeStack, projectOf } from './node-stack.ts'

/** A command in a layout, and the recognition in one line as `databasesOf` has it. */
export type Reading = readonly [command: string, expected: string, environment?: Record<string, string>]

/** One test for each reading, in a copy of the layout with the real tool beside it. */
export function readsAs(framework: Framework, stack: NodeStack, layout: string, readings: readonly Reading[]): void {
  describe(`the configuration of ${layout}`, () => {
    let folder = ''
    beforeAll(async () => {
      folder = await projectOf(stack, layout)
    })
    afterAll(() => rm(folder, { recursive: true }))

    const rows = readings.map(([command, expected, environment = {}]) => ({ command, expected, environment }))
    test.each(rows)('$command → $expected $environment', async ({ command, expected, environment }) => {
      const found = await databasesOf(framework, { folder: asLayout(folder), command, environment })
      expect(found.join(' ').replaceAll(folder, '.')).toBe(expected)
    })
  })
}
