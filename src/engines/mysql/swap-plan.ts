import type { Charset } from './catalogue.ts'
import type { Flavour } from './client.ts'
import type { Definition } from './definitions.ts'
import { qualified, quoteName } from './names.ts'
import { grantSteps, grantsOn, isRoutine, type RoutineGrant } from './routine-grants.ts'
import { awake, definerOf, withoutDefiner } from './statement-text.ts'

/** Statements that run in the live database under their own settings; each may run twice. */
export type Step = {
  readonly sql: string
  readonly settings?: Readonly<Record<string, string>>
  /** A view on a view that is not there yet: tried again after the others. */
  readonly later?: boolean
  /** May fail. */
  readonly optional?: boolean
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
  /** Accounts that could not be loaded as definers: what is the same but for them stays as it is. */
  readonly lostDefiners: ReadonlySet<string>
  readonly creating: Creating
}

/** How objects are created again. */
export type Creating = {
  readonly database: string
  readonly flavour: Flavour
  /** Of the database itself. */
  readonly charset: Charset
  /** Rights on its routines, as far as they can be read. */
  readonly grants: readonly RoutineGrant[]
}

export function swapPlan(facts: SwapFacts): SwapPlan {
  const { live, scratch, old, was } = facts
  const inTheWay = was.definitions.filter((definition) => isInTheWay(definition, facts.comes.tables))
  return {
    live,
    scratch,
    old,
    undo: inTheWay.flatMap((definition) => createSteps(definition, facts.creating)),
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
    after: [...alterDatabase(live, facts.creating.charset), ...afterSteps(facts)],
  }
}

// A table with a trigger does not leave its database (1435), and a view holds the name of a table that comes.
function isInTheWay({ kind, name }: Definition, tables: readonly string[]): boolean {
  return kind === 'trigger' || (kind === 'view' && tables.includes(name))
}

function triggersOf(definitions: readonly Definition[]): readonly Definition[] {
  return definitions.filter(({ kind }) => kind === 'trigger')
}

function wakenedDefinitions({
  comes,
  enabledEvents,
}: Pick<SwapFacts, 'comes' | 'enabledEvents'>): readonly Definition[] {
  return comes.definitions.map((definition) => wakened(definition, enabledEvents))
}

function wakened(definition: Definition, enabled: ReadonlySet<string>): Definition {
  return definition.kind === 'event' && enabled.has(definition.name)
    ? { ...definition, sql: awake(definition.sql) }
    : definition
}

// The triggers come first: without them the new tables are not whole.
function afterSteps(facts: SwapFacts): readonly Step[] {
  const { was, creating, live } = facts
  const comes = wakenedDefinitions(facts)
  const stays = new Set(stayingDefinitions(facts).map(keyOf))
  const names = new Set(comes.map(keyOf))
  const gone = was.definitions.filter(
    (definition) => !names.has(keyOf(definition)) && !isInTheWay(definition, facts.comes.tables),
  )
  // A body goes with its package.
  const losesBody = ({ kind, name }: Definition) =>
    kind === 'package body' &&
    comes.some((one) => one.kind === 'package' && one.name === name && !stays.has(keyOf(one)))
  return [
    ...comes
      .filter((definition) => !stays.has(keyOf(definition)) || losesBody(definition))
      .flatMap((definition) => createSteps(definition, creating)),
    ...gone.map(({ kind, name }) => ({ sql: dropStatement(kind, qualified(live, name)) })),
  ]
}

/** What the swap drops of the live database's definitions, whether it creates them again or not. */
export function droppedDefinitions(facts: SwapFacts): readonly Definition[] {
  const stays = new Set(stayingDefinitions(facts))
  return facts.was.definitions.filter((definition) => !stays.has(definition))
}

// What is there already in the same form, but for a definer that could not be loaded.
function stayingDefinitions({ was, comes, enabledEvents, lostDefiners }: SwapFacts): readonly Definition[] {
  const texts = new Set(
    wakenedDefinitions({ comes, enabledEvents }).flatMap((one) => [textOf(one), textOf(definerless(one))]),
  )
  const loaded = (one: Definition) => (lostDefiners.has(definerOf(one.sql) ?? '') ? definerless(one) : one)
  return was.definitions.filter((one) => !isInTheWay(one, comes.tables) && texts.has(textOf(loaded(one))))
}

function definerless(definition: Definition): Definition {
  return { ...definition, sql: withoutDefiner(definition.sql) }
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

// A routine remembers the collation that its database had: it is given to the database for that moment.
export function createSteps(definition: Definition, creating: Creating): readonly Step[] {
  const { settings, databaseCollation } = definition
  const { charset, collation } = creating.charset
  const other = databaseCollation !== undefined && databaseCollation !== collation
  const create = { sql: definition.sql, settings }
  return [
    ...(other ? [{ sql: `ALTER DATABASE COLLATE ${databaseCollation}` }] : []),
    ...(isRoutine(definition)
      ? replaceRoutine(definition, creating)
      : [
          { sql: dropStatement(definition.kind, quoteName(definition.name)) },
          definition.kind === 'view' ? { ...create, later: true } : create,
        ]),
    ...(other ? [{ sql: `ALTER DATABASE CHARACTER SET ${charset} COLLATE ${collation}` }] : []),
  ]
}

// With a routine that is dropped its rights go.
function replaceRoutine(definition: Definition, { database, flavour, grants }: Creating): readonly Step[] {
  const { kind, name, sql, settings } = definition
  const again = grantSteps(database, grantsOn(grants, definition))
  if (flavour === 'mariadb')
    return [{ sql: sql.replace(/^\s*CREATE\s+(?!OR\s+REPLACE\b)/i, 'CREATE OR REPLACE '), settings }, ...again]
  return [{ sql: dropStatement(kind, quoteName(name)) }, { sql, settings }, ...again]
}

function alterDatabase(live: string, { charset, collation }: Charset): readonly Step[] {
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
