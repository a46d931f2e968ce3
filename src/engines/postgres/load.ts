import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { type TalkingTool, talkTo } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { BackupContent } from '../engine.ts'
import { type ClientFolder, knowsRestrict, versionOf } from './clients.ts'
import { messageLines } from './dump-failure.ts'
import { createdBy, fitStatement, type Here } from './fitting.ts'
import type { Created } from './later.ts'
import { clientEnvironment, connectionString, type Login } from './login.ts'
import { type CopySource, type DumpedTable, DumpReader, type DumpSummary, type Piece } from './reader.ts'
import { objectGoesOn, saysHowToRead } from './schema-digest.ts'

/** psql, and whether it knows `\restrict`, which makes it refuse every other backslash command of its input. */
export type Psql = { readonly path: string; readonly version: string; readonly restricts: boolean }

export async function psqlOf(io: Io, client: ClientFolder): Promise<Psql> {
  const path = join(client.folder, 'psql')
  const version = await versionOf(io, path)
  return { path, version, restricts: knowsRestrict(version) }
}

/** The arguments of psql: no user's settings, stop at the first error, read from standard input, write values alone. */
export function loadArguments(login: Login, database: string): string[] {
  const connection = `--dbname=${connectionString(login, database)}`
  const output = ['--tuples-only', '--no-align']
  return ['--no-psqlrc', '--quiet', '--no-password', '--set=ON_ERROR_STOP=1', ...output, connection, '--file=-']
}

const loadSettings = [
  // What waits for the disk at each commit has no place in a load.
  'synchronous_commit=off',
  'client_min_messages=warning',
  // A dump is written for these, and does not set them; the database or the role may have others.
  'standard_conforming_strings=on',
  'array_nulls=on',
  // What would only stop it.
  'default_transaction_read_only=off',
  'statement_timeout=0',
]

export type LoadPlan = {
  readonly login: Login
  readonly database: string
  /** The database that the user knows of, for messages. */
  readonly live: string
  readonly psql: Psql
  readonly here: Here
  /** More settings for how rows are read. */
  readonly settings: readonly string[]
  readonly content: BackupContent
  /** SQL before the dump's first statement, by the major version of the pg_dump that wrote it. */
  readonly before: (clientMajor: number | undefined) => string
  /** SQL after the dump, by what it created. */
  readonly after: (created: Created) => string
  /** After how many statements a transaction is ended and another begun; absent: all in one. */
  readonly batch?: number
  /** Looks at what was loaded before it is committed, in the same session; throws to undo it. False where psql ended. */
  readonly check?: (tool: TalkingTool, loaded: Loaded) => Promise<boolean>
}

export type Loaded = {
  readonly clientMajor: number | undefined
  readonly clientVersion: string | undefined
  readonly serverMajor: number | undefined
  readonly encoding: string
  /** The tables that the dump has rows of, and how its COPYs name them. */
  readonly tables: readonly DumpedTable[]
  readonly copied: ReadonlyMap<string, CopySource>
  readonly schemaDigest: string
  /** Something of the schema was left out, or came otherwise than it is in the dump. */
  readonly altered: boolean
  /** The dump lets everybody create in schema public. */
  readonly opensPublic: boolean
  readonly created: Created
  readonly notes: readonly string[]
}

/** Feeds the dump to psql, less what this server cannot take. Throws a `Failure` (40) with psql's own words. */
export async function load(io: Io, plan: LoadPlan): Promise<Loaded> {
  const tool = talkTo(io, plan.psql.path, {
    arguments: loadArguments(plan.login, plan.database),
    environment: clientEnvironment(io.environment, plan.login, [...loadSettings, ...plan.settings]),
  })
  try {
    const loaded = await feed(tool, plan)
    io.signal.throwIfAborted()
    const end = await tool.end()
    io.signal.throwIfAborted()
    if (end.exitCode !== 0 || loaded === undefined) throw loadFailure(end.stderr, plan)
    return loaded
  } catch (error) {
    tool.kill()
    await tool.end()
    throw error
  }
}

// Nobody reads what the dump's own statements answer.
const silence = '\\o /dev/null\n'
const speech = '\\o\n'

async function feed(tool: TalkingTool, plan: LoadPlan): Promise<Loaded | undefined> {
  const token = plan.psql.restricts ? `restrict ${randomBytes(24).toString('hex')}\n` : undefined
  const filter = new Filter(plan)
  const reader: DumpReader = new DumpReader((piece) => filter.take(piece, reader.clientVersion))
  if (!(await tool.write(`${silence}${token === undefined ? '' : `\\${token}`}BEGIN;\n`))) return undefined
  for await (const chunk of plan.content()) {
    reader.feed(chunk)
    if (!(await tool.write(filter.out()))) return undefined
  }
  const summary = reader.end()
  if (!summary.complete) throw notWhole(plan.live)
  filter.finish(summary.clientVersion)
  await tool.write(filter.out())
  if (!(await tool.write(`\n${plan.after(filter.created)}`))) return undefined
  const loaded = { ...contentOf(summary), ...filter.found() }
  if (plan.check !== undefined) {
    await tool.write(`${token === undefined ? '' : `\\un${token}`}${speech}`)
    if (!(await plan.check(tool, loaded))) return undefined
  }
  return (await tool.write('COMMIT;\n')) ? loaded : undefined
}

function contentOf({ clientVersion, serverVersion, encoding, tables, schemaDigest }: DumpSummary) {
  const majors = { clientMajor: majorOf(clientVersion), serverMajor: majorOf(serverVersion) }
  return { ...majors, clientVersion, encoding, tables, schemaDigest }
}

// The comments at the beginning of a dump are shorter: this is the beginning of a long statement.
const mostComments = 64 * 1024

/** Turns the pieces of a dump into what psql is given. */
class Filter {
  readonly #plan: LoadPlan
  readonly #notes = new Set<string>()
  readonly created = { extensions: new Set<string>(), schemas: new Set<string>() }
  readonly #copied = new Map<string, CopySource>()
  #out: Buffer[] = []
  #statements = 0
  #begun = false
  #opensPublic = false
  #altered = false

  constructor(plan: LoadPlan) {
    this.#plan = plan
  }

  take(piece: Piece, clientVersion: string | undefined): void {
    if (piece.kind === 'statement' || piece.bytes.length > mostComments) this.#begin(clientVersion)
    if (piece.kind === 'statement' && piece.copies !== undefined && piece.source !== undefined) {
      this.#copied.set(piece.copies, piece.source)
    }
    if (piece.kind === 'meta') this.#meta(piece.bytes)
    else if (piece.kind === 'statement' && piece.whole && piece.copies === undefined) this.#statement(piece)
    else this.#out.push(piece.bytes)
  }

  #begin(clientVersion: string | undefined): void {
    if (this.#begun) return
    this.#begun = true
    this.#out.push(Buffer.from(`\n${this.#plan.before(majorOf(clientVersion))}`))
  }

  #statement({ bytes, head }: { readonly bytes: Buffer; readonly head: string }): void {
    const { batch, here } = this.#plan
    const decision = fitStatement(head, here)
    const made = createdBy(head)
    if (made !== undefined) this.created[made.kind].add(made.name)
    this.#opensPublic ||= opensPublic.test(head)
    this.#altered ||= decision.kind !== 'keep' && !saysHowToRead.test(head)
    if (decision.kind === 'keep') this.#out.push(bytes)
    if (decision.kind === 'replace') this.#out.push(Buffer.from(`\n${decision.sql}`))
    if (decision.kind !== 'keep' && decision.note !== undefined) this.#notes.add(decision.note)
    this.#statements++
    // A large object that is written is open only until its transaction ends.
    if (batch === undefined || this.#statements < batch || objectGoesOn.test(head)) return
    this.#statements = 0
    this.#out.push(Buffer.from('\nCOMMIT;BEGIN;\n'))
  }

  // psql's own \restrict stands at the beginning; a dump's must not end it, and no other command is ever passed on.
  #meta(bytes: Buffer): void {
    const text = bytes.toString('utf8').trim()
    if (/^\\(un)?restrict\b/.test(text) || text === '\\.') return
    if (!/^\\c(onnect)?\b/.test(text)) throw metaCommand(text, this.#plan.live)
    this.#notes.add(`the file connects to another database (${text}): its content went into ${this.#plan.live}`)
  }

  finish(clientVersion: string | undefined): void {
    this.#begin(clientVersion)
    this.#out.push(Buffer.from('\n'))
  }

  /** What came together since the last call. */
  out(): Buffer {
    const [first] = this.#out
    const bytes = this.#out.length === 1 && first !== undefined ? first : Buffer.concat(this.#out)
    this.#out = []
    return bytes
  }

  found(): Pick<Loaded, 'copied' | 'altered' | 'opensPublic' | 'created' | 'notes'> {
    const [copied, altered, opensPublic] = [this.#copied, this.#altered, this.#opensPublic]
    return { copied, altered, opensPublic, created: this.created, notes: [...this.#notes] }
  }
}

const opensPublic = /^\s*GRANT\s+(ALL|[\w, ]*CREATE)\b[\w, ]* ON SCHEMA public TO PUBLIC\b/i

function majorOf(version: string | undefined): number | undefined {
  return version === undefined ? undefined : Number.parseInt(version, 10)
}

function unchanged(database: string): string {
  return `database ${database} is as it was before`
}

function notWhole(database: string): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: 'the dump is cut off, nothing was restored',
    why: ['its completion line is missing', unchanged(database)],
    next: ['choose another backup: restore-database'],
  })
}

function metaCommand(text: string, database: string): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: 'the dump holds a command for psql itself, nothing was restored',
    why: [text.slice(0, 200), unchanged(database)],
    next: ['look at the file: pg_dump writes no such line'],
  })
}

function loadFailure(stderr: string, plan: LoadPlan): Failure {
  return new Failure(exitCode.restoreFailed, {
    what: `psql could not load the dump; ${unchanged(plan.live)}`,
    why: messageLines(stderr, plan.login.password?.reveal()),
    next: [loadHint(stderr, plan.here)],
  })
}

function loadHint(stderr: string, here: Here): string {
  if (/No space left|could not extend/.test(stderr))
    return 'free disk space on the server: a restore needs room for a second copy'
  if (/max_locks_per_transaction/.test(stderr)) return 'raise max_locks_per_transaction on the server'
  if (/permission denied|must be (owner|superuser|member)/.test(stderr)) {
    return `${here.user} lacks a right: restore as the database's owner or as a superuser`
  }
  if (/extension|could not open extension control file|does not exist/.test(stderr)) {
    return 'install what the dump needs on this server (extensions, languages, collations), then run this again'
  }
  return 'nothing was changed; correct what psql says and run this again'
}
