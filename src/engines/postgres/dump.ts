import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { type StreamingTool, streamFrom } from '../../effects/spawn.ts'
import type { DumpResult, StreamedDump, TableRows } from '../engine.ts'
import { type CatalogueTable, type Properties, readProperties, readTables } from './catalogue.ts'
import type { ClientFolder } from './clients.ts'
import type { Connection } from './connection.ts'
import { listed } from './counts.ts'
import { brokenOut, dumpFailure, incomplete } from './dump-failure.ts'
import type { DatabaseFacts } from './facts.ts'
import { clientEnvironment, connectionString, type Login } from './login.ts'
import { readMonetary } from './monetary.ts'
import { type DumpedTable, DumpReader, type DumpSummary } from './reader.ts'

export type DumpPlan = {
  readonly login: Login
  readonly database: string
  readonly client: ClientFolder
  readonly facts: Pick<DatabaseFacts, 'major' | 'encoding' | 'inRecovery'>
  /** More settings for how rows are written. */
  readonly settings?: readonly string[]
}

/** The arguments of pg_dump: a plain dump of everything, of one moment, never asking and never waiting without end. */
export function dumpArguments(plan: DumpPlan, snapshot: string | undefined): string[] {
  return [
    '--no-password',
    '--lock-wait-timeout=30s',
    `--encoding=${plan.facts.encoding}`,
    ...(snapshot === undefined ? [] : [`--snapshot=${snapshot}`]),
    `--dbname=${connectionString(plan.login, plan.database)}`,
  ]
}

/**
 * What decides how rows and definitions are written out, and pg_dump leaves to the settings of the database and the role:
 * a copy of the database without these settings has to give the same text. Read back, it means the same everywhere.
 */
export const textSettings = ['TimeZone=UTC', 'bytea_output=hex', 'quote_all_identifiers=off'] as const

/** Starts pg_dump on the moment that `connection` sees. */
export async function startDump(io: Io, connection: Connection, plan: DumpPlan): Promise<StreamedDump> {
  const snapshot = await beginSnapshot(connection)
  const tool = streamFrom(io, join(plan.client.folder, 'pg_dump'), {
    arguments: dumpArguments(plan, snapshot),
    environment: clientEnvironment(io.environment, plan.login, [
      'standard_conforming_strings=on',
      ...textSettings,
      ...(plan.settings ?? []),
    ]),
  })
  // Read while pg_dump works, in the transaction whose snapshot it uses.
  const catalogue = readCatalogue(connection, plan.database)
  catalogue.catch(() => undefined)
  const reader = new DumpReader()
  return {
    kind: 'stream',
    chunks: readThrough(tool, reader),
    cancel: () => tool.kill(),
    finish: async () => {
      const end = await tool.ended
      io.signal.throwIfAborted()
      const summary = reader.end()
      if (end.exitCode !== 0) throw dumpFailure(end, plan)
      const { tables, properties } = await catalogue
      await connection.query('COMMIT').catch(() => [])
      const present = snapshot === undefined ? await stillThere(connection, tables) : tables
      return resultOf(summary, { tables: present, properties, plan })
    },
  }
}

type Catalogue = { readonly tables: readonly CatalogueTable[]; readonly properties: Properties }

async function readCatalogue(connection: Connection, database: string): Promise<Catalogue> {
  const tables = await readTables(connection)
  const properties = (await readProperties(connection, database)) ?? {}
  return { tables, properties: { ...properties, ...(await readMonetary(connection)) } }
}

// Some servers cannot export a snapshot: then pg_dump takes one of its own, and what was dropped meanwhile is no loss.
async function beginSnapshot(connection: Connection): Promise<string | undefined> {
  try {
    const [row] = await connection.query<{ snapshot: string }>(
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SELECT pg_export_snapshot() AS snapshot',
    )
    return row?.snapshot
  } catch {
    await connection.query('ROLLBACK')
    return undefined
  }
}

async function stillThere(connection: Connection, tables: readonly CatalogueTable[]): Promise<CatalogueTable[]> {
  const now = new Set((await readTables(connection)).map(({ name }) => name))
  return tables.filter(({ name }) => now.has(name))
}

async function* readThrough(tool: StreamingTool, reader: DumpReader): AsyncGenerator<Uint8Array> {
  let whole = false
  try {
    for await (const chunk of tool.stdout) {
      reader.feed(chunk)
      yield chunk
    }
    whole = true
  } finally {
    if (!whole) tool.kill()
  }
}

/** Checks that the dump is whole and holds every table of the catalogue. Throws a `Failure` (30). */
function resultOf(
  summary: DumpSummary,
  { tables, properties, plan }: Catalogue & { readonly plan: DumpPlan },
): DumpResult {
  if (summary.command !== undefined) throw brokenOut(summary.command, plan)
  if (!summary.complete) throw incomplete('the dump has no completion line: it was cut off', plan)
  const dumped = new Map(summary.tables.map((table) => [table.name, table]))
  // A read replica cannot read unlogged tables, and pg_dump leaves their rows out there.
  const unlogged = plan.facts.inRecovery ? tables.filter((table) => table.unlogged) : []
  const expected = tables.filter((table) => !unlogged.includes(table)).sort(byName)
  const missing = expected.filter(({ name }) => !dumped.has(name))
  if (missing.length > 0) throw incomplete(`tables that are not in the dump: ${listed(namesOf(missing))}`, plan)
  return {
    client: `pg_dump ${summary.clientVersion ?? plan.client.major}`,
    tables: expected.flatMap(({ name, columns }) => withColumns(dumped.get(name), columns)),
    schemaDigest: summary.schemaDigest,
    properties,
    notes:
      unlogged.length === 0
        ? []
        : [`a read replica has no rows of unlogged tables; left out: ${listed(namesOf(unlogged))}`],
  }
}

function withColumns(table: DumpedTable | undefined, columns: readonly string[]): TableRows[] {
  if (table === undefined) return []
  const { name, rows, digest } = table
  return [{ name, rows, digest, columns }]
}

function byName(a: CatalogueTable, b: CatalogueTable): number {
  return a.name < b.name ? -1 : 1
}

function namesOf(tables: readonly CatalogueTable[]): string[] {
  return tables.map(({ name }) => name)
}
