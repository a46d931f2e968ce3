import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, inject, test } from 'vitest'
import type { DumpResult } from '../../src/engines/engine.ts'
import { mysql } from '../../src/engines/mysql/engine.ts'
import { postgres } from '../../src/engines/postgres/engine.ts'
import { type EngineLabel, engineLabels } from '../e2e/shops.ts'
import * as maria from '../engines/mysql/world.ts'
import * as pg from '../engines/postgres/world.ts'
import * as lite from '../engines/sqlite/databases.ts'
import { createDatabase, quoted, sql } from '../servers/databases.ts'
import { type RandomDatabase, randomDatabase } from './random-database.ts'

// One seed, so that every run tries the same; another one finds other things: SEATBELT_FAULT_SEED=7
const seed = Number(process.env['SEATBELT_FAULT_SEED'] ?? 20261121)
const numRuns = Number(process.env['SEATBELT_FAULT_ROUNDS'] ?? 30)

type Known = Pick<DumpResult, 'tables' | 'schemaDigest'>

/** Makes the database, dumps it, restores that into another one, and dumps it again. */
type RoundTrip = (statements: readonly string[]) => Promise<readonly [before: Known, after: Known]>

const { postgres: servers, mariadb } = inject('servers')

const roundTrips: Readonly<Record<EngineLabel, RoundTrip>> = {
  PostgreSQL: async (statements) => {
    const server = servers['15']
    const [from, to] = [await createDatabase(server), await createDatabase(server)]
    try {
      await sql(server, from, statements.join(';\n'))
      const dump = await pg.dumpOf(pg.targetOf(server, from))
      const { tables, properties } = dump
      const request = { content: pg.contentOf(dump.bytes), tables, properties, step: () => undefined }
      await postgres.restore(pg.ioFor(), { target: pg.targetOf(server, to), ...request })
      return [dump, await pg.dumpOf(pg.targetOf(server, to))]
    } finally {
      for (const name of [from, to]) await sql(server, undefined, `DROP DATABASE ${quoted(server, name)}`)
    }
  },
  MariaDB: async (statements) => {
    const [from, to] = [await createDatabase(mariadb), await createDatabase(mariadb)]
    try {
      await sql(mariadb, from, statements.join(';\n'))
      const dump = await maria.dumpOf(maria.targetOf(from))
      const { tables, properties } = dump
      const request = { content: maria.contentOf(dump.bytes), tables, properties, step: () => undefined }
      await mysql.restore(maria.ioFor(), { target: maria.targetOf(to), ...request })
      return [dump, await maria.dumpOf(maria.targetOf(to))]
    } finally {
      for (const name of [from, to]) await sql(mariadb, undefined, `DROP DATABASE ${quoted(mariadb, name)}`)
    }
  },
  SQLite: async (statements) => {
    const folder = mkdtempSync(join(tmpdir(), 'seatbelt-property-'))
    try {
      const [from, copy, to, again] = ['from', 'copy', 'to', 'again'].map((name) => join(folder, name)) as [
        string,
        string,
        string,
        string,
      ]
      lite.make(from, ...statements)
      const dump = await lite.copyOf(from, copy)
      await lite.restored(to, copy, dump)
      return [dump, await lite.copyOf(to, again)]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

const known = ({ tables, schemaDigest }: Known) => ({
  tables: tables.toSorted((a, b) => (a.name < b.name ? -1 : 1)),
  schemaDigest,
})

describe.each(engineLabels)('%s: any database', (engine) => {
  test('is the same after dump and restore: tables, rows, digests, schema', async () => {
    const holds = async ({ statements, tables, rows }: RandomDatabase) => {
      const [before, after] = await roundTrips[engine](statements)
      expect(before.tables).toHaveLength(tables)
      expect(before.tables.reduce((sum, table) => sum + table.rows, 0)).toBe(rows)
      for (const table of before.tables) expect(table.digest).toMatch(/^[0-9a-f]{16}$/)
      expect(before.schemaDigest).toBeDefined()
      expect(known(after)).toEqual(known(before))
    }
    await fc.assert(fc.asyncProperty(randomDatabase(engine), holds), { seed, numRuns })
  })
})
