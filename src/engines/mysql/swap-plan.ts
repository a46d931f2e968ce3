import type { Definition } from './definitions.ts'
import { qualified, quoteName } from './names.ts'
import { awake } from './statement-text.ts'

/** Statements that run in the live database under their own settings; each may run twice. */
export type Step = {
  readonly sql: string
  readonly settings?: Readonly<Record<string, string>>
  /** A view on a view that is not there yet: tried again after the others. */
  readonly later?: boolean
}

/** A table that leaves the live database (`out`), or one that comes into it (`in`). */
export type Move = { readonly direction: 'out' | 'in'; readonly table: string }

/** All that the swap does, written down before it begins, so that it can be finished or taken back after a crash. */
export type SwapPlan = {
  readonly live: string
  readonly scratch: string
  readonly old: string
  /** Back to the old database, while no table was moved. */
  readonly undo: readonly Step[]
  /** What stands in the way of moving the tables. */
  readonly before: readonly Step[]
  readonly moves: readonly Move[]
  /** What cannot be moved with the tables. */
  readonly after: readonly Step[]
}

export type DatabaseState = { readonly tables: readonly string[]; readonly definitions: readonly Definition[] }

export type SwapFacts = {
  readonly live: string
  readonly scratch: string
  readonly old: string
  readonly was: DatabaseState
  readonly comes: DatabaseState
  /** Events that were loaded disabled and have to fire again. */
  readonly enabledEvents: ReadonlySet<string>
  /** Of the database itself. */
  readonly charset: { readonly charset: string; readonly collation: string }
}

export function swapPlan(facts: SwapFacts): SwapPlan {
  const { live, scratch, old, was } = facts
  const comes = facts.comes.definitions.map((definition) => wakened(definition, facts.enabledEvents))
  const inTheWay = was.definitions.filter((definition) => isInTheWay(definition, facts.comes.tables))
  return {
    live,
    scratch,
    old,
    undo: inTheWay.flatMap((definition) => createSteps(definition, facts.charset)),
    before: [
      ...triggersOf(facts.comes.definitions).map(({ name }) => ({
        sql: `DROP TRIGGER IF EXISTS ${qualified(scratch, name)}`,
      })),
      ...inTheWay.map(({ kind, name }) => ({ sql: dropStatement(kind, qualified(live, name)) })),
    ],
    moves: [
      ...was.tables.map((table) => ({ direction: 'out' as const, table })),
      ...facts.comes.tables.map((table) => ({ direction: 'in' as const, table })),
    ],
    after: [...alterDatabase(live, facts.charset), ...afterSteps(was.definitions, comes, facts)],
  }
}

// A table with a trigger does not leave its database (1435), and a view holds the name of a table that comes.
function isInTheWay({ kind, name }: Definition, tables: readonly string[]): boolean {
  return kind === 'trigger' || (kind === 'view' && tables.includes(name))
}

function triggersOf(definitions: readonly Definition[]): readonly Definition[] {
  return definitions.filter(({ kind }) => kind === 'trigger')
}

function wakened(definition: Definition, enabled: ReadonlySet<string>): Definition {
  return definition.kind === 'event' && enabled.has(definition.name)
    ? { ...definition, sql: awake(definition.sql) }
    : definition
}

// The triggers come first: without them the new tables are not whole. What is there already in the same form stays.
function afterSteps(was: readonly Definition[], comes: readonly Definition[], facts: SwapFacts): readonly Step[] {
  const stays = new Set(was.filter((definition) => !isInTheWay(definition, facts.comes.tables)).map(textOf))
  const names = new Set(comes.map(keyOf))
  const gone = was.filter((definition) => !names.has(keyOf(definition)) && !isInTheWay(definition, facts.comes.tables))
  return [
    ...comes
      .filter((definition) => !stays.has(textOf(definition)))
      .flatMap((definition) => createSteps(definition, facts.charset)),
    ...gone.map(({ kind, name }) => ({ sql: dropStatement(kind, qualified(facts.live, name)) })),
  ]
}

function keyOf({ kind, name }: Definition): string {
  return `${kind} ${kind === 'view' ? name : name.toLowerCase()}`
}

function textOf(definition: Definition): string {
  return JSON.stringify([
    definition.kind,
    definition.name,
    definition.sql,
    definition.settings,
    definition.databaseCollation,
  ])
}

export function dropStatement(kind: Definition['kind'], name: string): string {
  return `DROP ${kind.toUpperCase()} IF EXISTS ${name}`
}

type CharsetOf = SwapFacts['charset']

// A routine remembers the collation that its database had: it is given to the database for that moment.
export function createSteps(definition: Definition, charset: CharsetOf): readonly Step[] {
  const { kind, name, sql, settings, databaseCollation } = definition
  const other = databaseCollation !== undefined && databaseCollation !== charset.collation
  return [
    ...(other ? [{ sql: `ALTER DATABASE COLLATE ${databaseCollation}` }] : []),
    { sql: dropStatement(kind, quoteName(name)) },
    kind === 'view' ? { sql, settings, later: true } : { sql, settings },
    ...(other ? [{ sql: `ALTER DATABASE CHARACTER SET ${charset.charset} COLLATE ${charset.collation}` }] : []),
  ]
}

function alterDatabase(live: string, { charset, collation }: CharsetOf): readonly Step[] {
  return [{ sql: `ALTER DATABASE ${quoteName(live)} CHARACTER SET ${charset} COLLATE ${collation}` }]
}

/** The one statement that swaps: what has not been moved yet. */
export function renameStatement(plan: SwapPlan, moves: readonly Move[]): string {
  const pairs = moves.map(({ direction, table }) =>
    direction === 'out'
      ? `${qualified(plan.live, table)} TO ${qualified(plan.old, table)}`
      : `${qualified(plan.scratch, table)} TO ${qualified(plan.live, table)}`,
  )
  return `RENAME TABLE ${pairs.join(', ')}`
}

/** The moves that are still to be made, seen from what is where. */
export function openMoves(plan: SwapPlan, inOld: ReadonlySet<string>, inScratch: ReadonlySet<string>): readonly Move[] {
  return plan.moves.filter(({ direction, table }) => (direction === 'out' ? !inOld.has(table) : inScratch.has(table)))
}
