import type { Io } from '../../effects/io.ts'
import { type StreamingTool, streamFrom, type ToolEnd } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { DumpResult, StreamedDump, TableRows } from '../engine.ts'
import {
  type Catalogue,
  type CatalogueObject,
  readBrokenViews,
  readCatalogue,
  readCharset,
  type Server,
} from './catalogue.ts'
import { type Program, readsDollarQuotes } from './client.ts'
import { clientEnvironment } from './client-environment.ts'
import { readColumns, withColumns } from './columns.ts'
import { redacted } from './connect-failure.ts'
import type { Connection } from './connection.ts'
import { canDumpHistory, dumpArguments } from './dump-arguments.ts'
import { type DumpContent, DumpReader } from './dump-reader.ts'
import { accountOf, labelOf, quoteName } from './names.ts'
import { type Access, type OptionsFile, writeOptionsFile } from './options-file.ts'
import { type Rights, readRights } from './rights.ts'
import { rowText } from './row-text.ts'
import { SchemaDigest } from './schema-digest.ts'

export type DumpPlace = {
  readonly io: Io
  readonly connection: Connection
  readonly server: Server
  readonly access: Access
  readonly program: Program
  /** What is ours in a database that we loaded: a table that is left out, and events that are disabled only there. */
  readonly own?: { readonly table: string; readonly sleeping: ReadonlySet<string> }
}

/** Starts the client. Throws a `Failure` (30) when this account cannot see all that a dump must hold. */
export async function startDump(place: DumpPlace): Promise<StreamedDump> {
  const { io, connection, server, program } = place
  const rights = await readRights(connection)
  const missing = missingRights(rights, server)
  if (missing.length > 0) throw rightsFailure(server, missing)
  const all = await readCatalogue(connection, server.database)
  const broken = await readBrokenViews(connection, server.database, all)
  const without = place.own === undefined ? broken : [...broken, place.own.table]
  const before = {
    ...all,
    objects: all.objects.filter((object) => !isRelation(object) || !without.includes(object.name)),
  }
  const history = before.versioned.length > 0 && canDumpHistory(program, server)
  const optionsFile = await writeOptionsFile(place.access, program)
  const { database } = server
  const options = dumpArguments({ program, server, optionsFile: optionsFile.path, database, history, without })
  const tool = await started(optionsFile, () =>
    streamFrom(io, program.path, { arguments: options, environment: clientEnvironment(io.environment) }),
  )
  return watchedDump(place, { tool, before, history, broken })
}

async function started(optionsFile: OptionsFile, start: () => StreamingTool): Promise<StreamingTool> {
  try {
    const tool = start()
    void tool.ended.finally(optionsFile.remove).catch(() => undefined)
    return { ...tool, ended: tool.ended.finally(optionsFile.remove) }
  } catch (error) {
    await optionsFile.remove()
    throw new Failure(
      exitCode.dumpFailed,
      { what: 'The dumping client could not be started', why: [String(error)] },
      error,
    )
  }
}

type Running = {
  readonly tool: StreamingTool
  readonly before: Catalogue
  readonly history: boolean
  /** Views that do not work. */
  readonly broken: readonly string[]
}

function isRelation({ kind }: CatalogueObject): boolean {
  return kind === 'table' || kind === 'view' || kind === 'sequence'
}

function watchedDump(place: DumpPlace, running: Running): StreamedDump {
  const reader = new DumpReader(new SchemaDigest(place.own?.sleeping), readsDollarQuotes(place.program))
  return {
    kind: 'stream',
    chunks: readWhilePassing(running.tool.stdout, reader),
    finish: async () => {
      const end = await running.tool.ended
      place.io.signal.throwIfAborted()
      return checkedDump(place, running, end, reader.end())
    },
    cancel: () => running.tool.kill(),
  }
}

async function* readWhilePassing(chunks: AsyncIterable<Uint8Array>, reader: DumpReader): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    reader.write(chunk)
    yield chunk
  }
}

async function checkedDump(
  place: DumpPlace,
  running: Running,
  end: ToolEnd,
  content: DumpContent,
): Promise<DumpResult> {
  const { connection, server, program, access } = place
  if (end.exitCode !== 0 || !content.complete) throw clientFailure(place, end)
  const after = await stillThere(connection, server)
  const missing = missingObjects(running.before.objects, after.objects, content.objects)
  if (missing.length > 0) throw incompleteFailure(server, missing, redacted(end.stderr, access.target))
  const charset = await readCharset(connection, server.database)
  content.schema.property('charset', `${charset?.charset} ${charset?.collation}`)
  const tables = withColumns(content.tables, await readColumns(connection, server.database))
  return {
    client: `${program.name} ${program.version}`,
    tables,
    properties: { ...charset, flavour: server.flavour, rowText: rowText(server, program) },
    notes: [...dumpNotes(running), ...shortenedNotes(tables)],
    schemaDigest: content.schema.toString(),
  }
}

async function stillThere(connection: Connection, server: Server): Promise<Catalogue> {
  try {
    return await readCatalogue(connection, server.database)
  } catch (error) {
    throw new Failure(
      exitCode.dumpFailed,
      { what: `The server was lost while ${server.database} was dumped`, why: [String(error)] },
      error,
    )
  }
}

/** What was there before and after the dump, but is not in it. */
function missingObjects(
  before: readonly CatalogueObject[],
  after: readonly CatalogueObject[],
  dumped: readonly CatalogueObject[],
): readonly CatalogueObject[] {
  const [stayed, inDump] = [new Set(after.map(keyOf)), new Set(dumped.map(keyOf))]
  return before.filter((object) => stayed.has(keyOf(object)) && !inDump.has(keyOf(object)))
}

// Tables keep the case of their names, all other names have none.
function keyOf({ kind, name }: CatalogueObject): string {
  return `${kind} ${isRelation({ kind, name }) ? name : name.toLowerCase()}`
}

function dumpNotes({ before, history, broken: views }: Running): readonly string[] {
  const outside = before.outsideTransactions.map(labelOf).join(', ')
  const versioned = before.versioned.map(labelOf).join(', ')
  const broken = views.map(labelOf).join(', ')
  return [
    ...(outside === ''
      ? []
      : [`not of one moment with the rest if they were written to meanwhile (no transactions): ${outside}`]),
    ...(versioned === '' || history
      ? []
      : [`without the history of their rows (needs mariadb-dump and server 10.11): ${versioned}`]),
    ...(broken === ''
      ? []
      : [`without views that do not work, since something that they refer to is gone or not allowed: ${broken}`]),
  ]
}

// Both flavours write FLOAT values, and no others, with fewer digits than they have (FLT_DIG).
function shortenedNotes(tables: readonly TableRows[]): readonly string[] {
  const columns = tables.flatMap(({ name, columns: all = [] }) =>
    all.flatMap((column) => {
      const label = /^(.+) float(?: unsigned)?(?: zerofill)?$/s.exec(column)?.[1]
      return label === undefined ? [] : [`${name}.${label}`]
    }),
  )
  return columns.length === 0
    ? []
    : [`with six digits of FLOAT columns, the server writes no more of them: ${columns.join(', ')}`]
}

/**
 * Rights without which whole kinds of objects are invisible to this account, in the dump and in information_schema
 * alike, with exit code 0: it cannot be known whether there are any.
 */
export function missingRights(rights: Rights, server: Pick<Server, 'database' | 'flavour'>): readonly string[] {
  const { database } = server
  const rowRights = ['SELECT', 'SHOW VIEW', 'TRIGGER', 'EVENT'].filter((right) => !rights.has(right, database))
  // Any of these shows that a routine exists; what is lacking to read its text shows after the dump.
  const seesRoutines = ['EXECUTE', 'CREATE ROUTINE', 'ALTER ROUTINE', 'SHOW CREATE ROUTINE', 'SHOW_ROUTINE'].some(
    (right) => rights.has(right, database),
  )
  const seesAll = seesRoutines || rights.has('SELECT', '*') || rights.hasOnTable('SELECT', 'mysql', 'proc')
  return seesAll ? rowRights : [...rowRights, 'EXECUTE']
}

function rightsFailure(server: Server, missing: readonly string[]): Failure {
  const invisible: Readonly<Record<string, string>> = {
    SELECT: 'rows',
    'SHOW VIEW': 'views',
    TRIGGER: 'triggers',
    EVENT: 'events',
    EXECUTE: 'routines',
  }
  return new Failure(exitCode.dumpFailed, {
    what: `${server.account} may not see all of database ${server.database}: a dump could be incomplete without a word`,
    why: missing.map((right) => `without ${right} its ${invisible[right]} are hidden`),
    next: [`as an administrator: ${grant(missing.join(', '), server)}`],
  })
}

function grant(rights: string, server: Server): string {
  return `GRANT ${rights} ON ${quoteName(server.database)}.* TO ${accountOf(server.account)};`
}

const routineKinds = new Set(['procedure', 'function', 'package', 'package body', 'library'])

function incompleteFailure(server: Server, missing: readonly CatalogueObject[], said: string): Failure {
  const routines = missing.some((object) => routineKinds.has(object.kind))
  return new Failure(exitCode.dumpFailed, {
    what: `The dump of ${server.database} is not whole`,
    why: [...missing.slice(0, 10).map(({ kind, name }) => `not in it: ${kind} ${labelOf(name)}`), ...lines(said)],
    next: routines ? [routineGrant(server)] : ['run it again when no migration runs at the same time'],
  })
}

function routineGrant(server: Server): string {
  const right = server.flavour === 'mariadb' ? 'SELECT ON `mysql`.`proc`' : 'SHOW_ROUTINE ON *.*'
  return `as an administrator: GRANT ${right} TO ${accountOf(server.account)};`
}

function clientFailure(place: DumpPlace, end: ToolEnd): Failure {
  const { access, program, server } = place
  const how =
    end.exitCode === 0
      ? 'ended early: the completion line is missing'
      : `ended with ${end.exitCode ?? end.signal ?? 'no exit code'}`
  return new Failure(exitCode.dumpFailed, {
    what: `${program.name} of ${server.database} ${how}`,
    why: lines(redacted(end.stderr, access.target)),
    next: nextFor(end.stderr, server),
  })
}

function nextFor(stderr: string, server: Server): readonly string[] {
  if (/insufficient privileges to SHOW CREATE/i.test(stderr)) return [routineGrant(server)]
  if (/\b1049\b/.test(stderr) && /['"\\]/.test(server.database)) {
    return [
      'mariadb-dump cannot dump events of a database with a quote or a backslash in its name: rename the database',
    ]
  }
  if (/PROCESS privilege|\(1227\)|1142|1044/.test(stderr)) {
    return [`as an administrator: ${grant('SELECT, SHOW VIEW, TRIGGER, EVENT, EXECUTE', server)}`]
  }
  if (/\b(?:2006|2013|2002)\b/.test(stderr)) return ['the server went away: see its log, then run this again']
  return ['run it again; nothing was kept']
}

function lines(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, 10)
}
