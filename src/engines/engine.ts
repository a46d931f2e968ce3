import type { Io } from '../effects/io.ts'
import type { EngineName, Target } from '../target/target.ts'

/** A table and its rows. The name is qualified and quoted where it must be: `public.users`, `public."Order Items"`, `users`. */
export type TableRows = {
  readonly name: string
  readonly rows: number
  /** The `RowDigest` of the rows as the dump has them; absent in a backup that was made before there were digests. */
  readonly digest?: string
  /** Its columns in order, with their types as the server writes them: `id bigint`, `email character varying(255)`. */
  readonly columns?: readonly string[]
}

/** A table as it is in the live database now. `estimated`: counting took too long, so `rows` is the server's own estimate. */
export type LiveTable = TableRows & { readonly estimated?: true }

/** The client tool that dumps; absent for SQLite. */
export type ClientTool = {
  readonly name: string
  readonly path: string
  readonly version: string
  /** What an old release lacks that a person should know of: a sentence. */
  readonly lacks?: string
}

export type ServerFacts = {
  /** As the server says it, without the vendor's suffix: `15.18`, `10.11.19-MariaDB`, `3.51.0`. */
  readonly version: string
  readonly sizeBytes: number
  /** How many tables hold data of their own (no views, no partitioned parents, nothing that belongs to an extension). */
  readonly tables: number
  /** What the server calls the database: another name than the target's is a pooler's alias. */
  readonly database?: string
  /**
   * Where the server says that it is: another place than the target's shows a tunnel or a pooler. PostgreSQL knows the
   * address that was connected to, `10.0.3.7:5432`; MySQL only its machine's own name, `db-1:3306`. Absent over a socket.
   */
  readonly address?: string
  /** When the server was started, UTC, ISO 8601. */
  readonly startedAt?: string
  /** What the database itself says of its purpose. */
  readonly markers?: readonly Marker[]
}

/** A word inside the database that says what it is for. */
export type Marker = {
  /** `production`, `development`, `test`: as it stands there. */
  readonly value: string
  /** Where it stands: `the comment on the database`, `ar_internal_metadata`. */
  readonly source: string
}

/**
 * What the server counts of writes, for every database on it. Two readings can be compared only where `since` is equal
 * (the server's start, or where its counters began anew).
 */
export type ServerWrites = {
  readonly since: string
  readonly databases: ReadonlyMap<string, string>
  /** How often clients came to each database: what is counted while nobody did is the server's own housekeeping. */
  readonly visits?: ReadonlyMap<string, string>
}

/** What would be another if anything in the database had been changed: equal values prove that nothing was. */
export type ChangeMark = {
  readonly values: Readonly<Record<string, string>>
  /** Why equal values prove nothing at this moment: "2 other sessions may hold changes that are not counted yet". */
  readonly unsettled?: string
}

/** There is nothing that could be lost: why, in words for a person ("database shop_test does not exist yet on 127.0.0.1:5432"). */
export type NothingToLose = { readonly state: 'nothing'; readonly reason: string }

/** What the dump was, known once its last byte was read and checked. */
export type DumpResult = {
  /** `pg_dump 15.18`; for SQLite `sqlite 3.51.0`. */
  readonly client: string
  readonly tables: readonly TableRows[]
  /** What a restore needs besides the dump (encoding, collation, settings of the database itself). */
  readonly properties: Readonly<Record<string, string>>
  /** What a person has to know of this dump, one sentence each; mostly empty. */
  readonly notes: readonly string[]
  /** Of all that is no row: equal for two dumps of one schema, also with another client's header or at another time. */
  readonly schemaDigest?: string
}

/** A dump that a client tool writes on its standard output. */
export type StreamedDump = {
  readonly kind: 'stream'
  /** Each is good only until the next one is asked for. */
  readonly chunks: AsyncIterable<Uint8Array>
  /**
   * Called once after the last chunk: waits for the client and checks its exit code, the completion trailer, and that
   * every table of the catalogue is in the dump. Throws a `Failure` (30) otherwise.
   */
  finish(): Promise<DumpResult>
  /** Ends the client; harmless at any time. */
  cancel(): void
}

/** A dump that the engine writes into a file itself (SQLite). */
export type WrittenDump = {
  readonly kind: 'file'
  /** Writes a whole copy to `path`, which does not exist yet. Throws a `Failure` (30). */
  write(path: string): Promise<WrittenCopy>
}

export type WrittenCopy = {
  /** Reads the copy back, which others may read at the same time. Throws a `Failure` (30) unless it is as the database is. */
  check(): Promise<DumpResult>
}

/** One database that was reached, held open with one connection. */
export type Session = {
  readonly state: 'open'
  readonly server: ServerFacts
  /**
   * Waits for the one lock that all our operations on this database take, in the server where it has one, so that a
   * dead holder's lock does not last. Throws a `Failure` (50) after `seconds`.
   */
  lock(seconds: number): Promise<void>
  /** The client tool that fits this server. Throws a `Failure` (11) that names what to install. */
  client(): Promise<ClientTool | undefined>
  /** Begins a dump that is consistent in itself. The progress's total is `server.sizeBytes`. */
  dump(): Promise<StreamedDump | WrittenDump>
  /**
   * What proves later that nothing was changed since now; read it before a dump. Undefined where this server cannot tell.
   * With the values of an `earlier` mark an engine may take more than their equality for a proof: where it has one, it
   * returns those very values.
   */
  changeMark?(earlier?: ChangeMark['values']): Promise<ChangeMark | undefined>
  /**
   * What was written to every database of this server so far; undefined where the server does not count, or does not say.
   * With an `earlier` reading: a database that only the server's own housekeeping wrote to keeps its text of then.
   */
  writes?(earlier?: ServerWrites): Promise<ServerWrites | undefined>
  /** What is there now, with columns, without digests: counted exactly for at most `seconds`, estimated after that. */
  contents?(seconds: number): Promise<readonly LiveTable[]>
  /** Sets or removes our marker on the database itself. Throws a `Failure` (20) where this engine has no place for it. */
  mark(value: 'production' | 'none'): Promise<void>
  /** Lets go of the connection and the lock. Nothing of ours is connected while a wrapped command runs. */
  close(): Promise<void>
}

/** What is wrong with a file that we did not write ourselves. */
export type Finding = {
  /** `refuse`: never loaded; `ask`: loaded after consent. */
  readonly severity: 'refuse' | 'ask'
  /** What was found, with its line where there is one. */
  readonly what: string
  /** The file is empty, cut off, or no dump at all: it is not whole (31) rather than dangerous (20). */
  readonly notWhole?: true
}

/** A backup's bytes, decompressed, each chunk good only until the next; each call reads it anew from the beginning. */
export type BackupContent = () => AsyncIterable<Uint8Array>

export type RestoreRequest = {
  readonly target: Target
  readonly content: BackupContent
  /** What must be there afterwards; absent for a foreign file. */
  readonly tables?: readonly TableRows[]
  readonly properties: Readonly<Record<string, string>>
  /** The safety backup of what is there now, for a way that cannot be undone by the server; absent where there was nothing. */
  readonly wayBack?: BackupContent
  /** Said before each step, for the progress line: "loading", "comparing", "swapping". */
  readonly step: (name: string) => void
  /** Awaited right before the live database is touched; what it throws ends the restore, with the database as it was. */
  readonly beforeSwap?: () => Promise<void>
}

export type RestoreOutcome = {
  /** Which way was taken: swapped in, one transaction, or loaded in place with the safety backup as the way back. */
  readonly way: 'swap' | 'transaction' | 'in-place'
  readonly tables: readonly TableRows[]
  /** What a person has to know: "3 sessions were ended", "owner `bob` does not exist here: left to `app`". */
  readonly notes: readonly string[]
}

/** What a backup is once it is restored: read from a dump of the scratch database that it was loaded into. */
export type Rehearsal = Pick<DumpResult, 'tables' | 'schemaDigest' | 'notes'>

/** `tables` as the backup has them, where they are known: what cannot be compared with them is left out. */
export type RehearsalRequest = Pick<RestoreRequest, 'target' | 'content' | 'tables' | 'properties' | 'step'>

/** A copy of the database inside its server, beside it. It is no backup: it is lost with the server. */
export type InstantCopy = {
  /** Its name in the server, or its path. */
  readonly name: string
  /** UTC, ISO 8601: when it was made; of what a swap put aside: when that was. */
  readonly createdAt: string
  readonly sizeBytes: number
  /** The file name of the backup that was made with it; none of what a swap put aside, which is in no backup. */
  readonly backup?: string
}

/** Copies inside the server, and the way back by a rename. All of them throw a `Failure` (40). */
export type InstantCopies = {
  /** Copies the database as it is now; `backup` names the dump that holds the same data. Notes say whose sessions were ended. */
  copy(
    io: Io,
    target: Target,
    backup: string,
  ): Promise<{ readonly copy: InstantCopy; readonly notes: readonly string[] }>
  /** The copies of this database, newest first, and what swaps put aside. */
  list(io: Io, target: Target): Promise<readonly InstantCopy[]>
  /** Who is connected now, and what a swap does to them, one sentence each: "2 sessions will be ended: php-fpm (2)". */
  connected(io: Io, target: Target): Promise<readonly string[]>
  /**
   * Puts the copy in the database's place; what was there before is put aside (`former`), and can be swapped back.
   * `beforeSwap` is called once, right before: when it throws, nothing was changed.
   */
  swapIn(
    io: Io,
    target: Target,
    copy: InstantCopy,
    beforeSwap?: () => Promise<void>,
  ): Promise<{ readonly former?: InstantCopy; readonly notes: readonly string[] }>
  remove(io: Io, target: Target, copy: InstantCopy): Promise<void>
  /** What a person does to drop a copy: a statement for the server, or a command for the shell. */
  dropCommand(copy: InstantCopy): string
}

/** One database system: a room of its own behind this interface, held to the conformance suite. */
export type Engine = {
  readonly name: EngineName
  /** Of a plain backup file, without the dot. */
  readonly extension: 'sql' | 'sqlite'
  /** Reaches the target; read-only. Throws a `Failure` (11) that says why not. */
  connect(io: Io, target: Target): Promise<Session | NothingToLose>
  /** Reads a file without our manifest for what could harm: wrong engine, cut off, client meta-commands, other databases. */
  scan(io: Io, content: BackupContent): Promise<readonly Finding[]>
  /**
   * Brings the content back: load beside, compare, swap. Throws a `Failure` (40) with the database as it was before.
   * The caller made the safety backup and holds no session on the target.
   */
  restore(io: Io, request: RestoreRequest): Promise<RestoreOutcome>
  /**
   * Loads the content into a scratch database beside, dumps that, and drops it again; the live database is not touched.
   * Throws a `Failure` (40) where it cannot be loaded, or no scratch database can be made.
   */
  rehearse?(io: Io, request: RehearsalRequest): Promise<Rehearsal>
  /** Copies inside the server, or the reason why this engine has none. */
  readonly instant?: InstantCopies | { readonly refused: string }
}
