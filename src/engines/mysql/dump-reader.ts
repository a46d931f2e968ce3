import { RowDigest } from '../digest.ts'
import type { TableRows } from '../engine.ts'
import type { CatalogueObject, ObjectKind } from './catalogue.ts'
import { labelOf, unquoteName } from './names.ts'
import { SchemaDigest } from './schema-digest.ts'
import { codeOf } from './statement-code.ts'
import { type Piece, StatementSplitter } from './statements.ts'

const name = String.raw`(?:\`(?:[^\`]|\`\`)*\`|"(?:[^"]|"")*"|[^\s\`".(;]+)`
const definer = String.raw`(?:DEFINER\s*=\s*${name}(?:@${name})?\s+)?`
const created: readonly (readonly [ObjectKind, RegExp])[] = [
  ['table', new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?(${name})`, 'i')],
  ['sequence', new RegExp(`^CREATE SEQUENCE (?:IF NOT EXISTS )?(${name})`, 'i')],
  // Not the stand-in that mysqldump writes first (`CREATE VIEW … AS SELECT 1`), which names no algorithm.
  [
    'view',
    new RegExp(
      String.raw`^CREATE\s+ALGORITHM=\w+\s+${definer}SQL SECURITY \w+\s+(?:JSON\s+(?:RELATIONAL\s+)?DUALITY\s+)?VIEW\s+(${name})`,
      'i',
    ),
  ],
  [
    'trigger',
    new RegExp(
      String.raw`^CREATE\s+(?:OR\s+REPLACE\s+)?${definer}TRIGGER\s+(?:IF\s+NOT\s+EXISTS\s+)?(?:${name}\s*\.\s*)?(${name})`,
      'i',
    ),
  ],
  ['event', new RegExp(String.raw`^CREATE\s+${definer}EVENT\s+(?:IF NOT EXISTS )?(${name})`, 'i')],
  ['procedure', new RegExp(String.raw`^CREATE\s+(?:OR REPLACE )?${definer}PROCEDURE\s+(${name})`, 'i')],
  ['function', new RegExp(String.raw`^CREATE\s+(?:OR REPLACE )?${definer}(?:AGGREGATE\s+)?FUNCTION\s+(${name})`, 'i')],
  ['package body', new RegExp(String.raw`^CREATE\s+(?:OR REPLACE )?${definer}PACKAGE\s+BODY\s+(${name})`, 'i')],
  ['package', new RegExp(String.raw`^CREATE\s+(?:OR REPLACE )?${definer}PACKAGE\s+(?!BODY\s)(${name})`, 'i')],
  ['library', new RegExp(String.raw`^CREATE\s+LIBRARY\s+(?:IF NOT EXISTS )?(${name})`, 'i')],
]

/** The object that a statement of a dump creates. */
export function createdBy(code: string): CatalogueObject | undefined {
  if (!/^CREATE\s/i.test(code)) return undefined
  for (const [kind, pattern] of created) {
    const word = pattern.exec(code)?.[1]
    if (word !== undefined) return { kind, name: unquoteName(word) }
  }
  return undefined
}

export type DumpContent = {
  readonly objects: readonly CatalogueObject[]
  /** The tables that the dump creates, with the rows that it has of each. */
  readonly tables: readonly TableRows[]
  readonly schema: SchemaDigest
  /** The line `-- Dump completed` ends it. */
  readonly complete: boolean
}

type Counted = { rows: number; readonly digest: RowDigest }

const trailerSearched = 512

/** Reads a dump as it passes: what it creates, its rows with their digests, whether it is complete. Memory does not grow with it. */
export class DumpReader {
  readonly #splitter: StatementSplitter
  readonly #objects: CatalogueObject[] = []
  readonly #tables = new Map<string, Counted>()
  readonly #schema: SchemaDigest
  #tail = Buffer.alloc(0)

  /** `dollarQuotes`: as the client that wrote the dump reads it. */
  constructor(schema = new SchemaDigest(), dollarQuotes = false) {
    this.#schema = schema
    this.#splitter = new StatementSplitter((table) => this.#tableOf(table).digest, dollarQuotes)
  }

  write(chunk: Uint8Array): void {
    this.#take(this.#splitter.write(chunk))
    const end = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).subarray(-trailerSearched)
    this.#tail = Buffer.concat([this.#tail, end]).subarray(-trailerSearched)
  }

  end(): DumpContent {
    this.#take(this.#splitter.end())
    return {
      objects: this.#objects,
      tables: this.#objects.filter(({ kind }) => kind === 'table').map(({ name }) => this.#rowsOf(name)),
      schema: this.#schema,
      complete: /(?:^|\n)-- Dump completed[^\n]*\s*$/.test(this.#tail.toString('latin1')),
    }
  }

  #tableOf(name: string): Counted {
    const table = this.#tables.get(name) ?? { rows: 0, digest: new RowDigest() }
    this.#tables.set(name, table)
    return table
  }

  #rowsOf(name: string): TableRows {
    const { rows, digest } = this.#tableOf(name)
    return { name: labelOf(name), rows, digest: digest.toString() }
  }

  #take(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.kind === 'rows') this.#tableOf(piece.table).rows += piece.rows
      else if (piece.kind === 'statement') this.#note(piece.bytes)
    }
  }

  #note(bytes: Uint8Array): void {
    const code = codeOf(bytes)
    const object = createdBy(code)
    if (object !== undefined) this.#objects.push(object)
    this.#schema.statement(bytes, code, object)
  }
}
