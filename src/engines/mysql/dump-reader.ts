import type { CatalogueObject, ObjectKind } from './catalogue.ts'
import { unquoteName } from './names.ts'
import { codeOf } from './statement-code.ts'
import { type Piece, StatementSplitter } from './statements.ts'

const name = String.raw`(?:\`(?:[^\`]|\`\`)*\`|"(?:[^"]|"")*"|[^\s\`".(;]+)`
const definer = String.raw`(?:DEFINER\s*=\s*${name}(?:@${name})?\s+)?`
const created: readonly (readonly [ObjectKind, RegExp])[] = [
  ['table', new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?(${name})`, 'i')],
  ['sequence', new RegExp(`^CREATE SEQUENCE (?:IF NOT EXISTS )?(${name})`, 'i')],
  // Not the stand-in that mysqldump writes first (`CREATE VIEW … AS SELECT 1`), which names no algorithm.
  ['view', new RegExp(String.raw`^CREATE\s+ALGORITHM=\w+\s+${definer}SQL SECURITY \w+\s+VIEW\s+(${name})`, 'i')],
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
  /** Rows of each table that the dump creates. */
  readonly rows: ReadonlyMap<string, number>
  /** The line `-- Dump completed` ends it. */
  readonly complete: boolean
}

const trailerSearched = 512

/** Reads a dump as it passes: what it creates, how many rows it has, whether it is complete. Memory does not grow with it. */
export class DumpReader {
  readonly #splitter = new StatementSplitter()
  readonly #objects: CatalogueObject[] = []
  readonly #rows = new Map<string, number>()
  #tail = Buffer.alloc(0)

  write(chunk: Uint8Array): void {
    this.#take(this.#splitter.write(chunk))
    const end = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).subarray(-trailerSearched)
    this.#tail = Buffer.concat([this.#tail, end]).subarray(-trailerSearched)
  }

  end(): DumpContent {
    this.#take(this.#splitter.end())
    return {
      objects: this.#objects,
      rows: this.#rows,
      complete: /(?:^|\n)-- Dump completed[^\n]*\s*$/.test(this.#tail.toString('latin1')),
    }
  }

  #take(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      if (piece.kind === 'rows') this.#rows.set(piece.table, (this.#rows.get(piece.table) ?? 0) + piece.rows)
      else if (piece.kind === 'statement') this.#note(createdBy(codeOf(piece.bytes)))
    }
  }

  #note(object: CatalogueObject | undefined): void {
    if (object === undefined) return
    this.#objects.push(object)
    if (object.kind === 'table' && !this.#rows.has(object.name)) this.#rows.set(object.name, 0)
  }
}
