import { RowDigest } from '../digest.ts'
import type { TableRows } from '../engine.ts'
import { Lexer } from './lexer.ts'
import { displayName, unquote } from './names.ts'
import { SchemaDigest } from './schema-digest.ts'

/** A part of a plain dump; all parts one after another are its bytes. */
export type Piece =
  /** A statement with the comments before it, up to its `;`. Not `whole`: its beginning came as `text` already. */
  | {
      readonly kind: 'statement'
      readonly bytes: Buffer
      /** As Latin-1: comments are a space, strings are `''`. */
      readonly head: string
      readonly whole: boolean
      /** The table, of `COPY … FROM stdin`, and how the statement names it. */
      readonly copies?: string
      readonly source?: CopySource
      readonly line: number
    }
  /** Rows of COPY with the `\.` that ends them; in as many pieces as they came in. */
  | { readonly kind: 'rows'; readonly table: string; readonly bytes: Buffer; readonly line: number }
  /** A backslash command of psql, up to the end of its line. */
  | { readonly kind: 'meta'; readonly bytes: Buffer; readonly line: number }
  /** Comments and blanks after a statement, or the beginning of a very long one. */
  | { readonly kind: 'text'; readonly bytes: Buffer; readonly line: number }

/** As the dump writes them, in Latin-1: `public."Order Items"` and `(id, name)`, which is empty for a table without columns. */
export type CopySource = { readonly table: string; readonly columns: string }

/** A table with rows in a dump. */
export type DumpedTable = Required<Pick<TableRows, 'name' | 'rows' | 'digest'>> & {
  /** The partitioned table that a partition's rows are copied into, to be shared out anew. */
  readonly root?: string
}

export type DumpSummary = {
  readonly tables: readonly DumpedTable[]
  /** Of all that is no row. */
  readonly schemaDigest: string
  /** The trailer was there, and nothing that counts after it. */
  readonly complete: boolean
  /** What the end of the file cut. */
  readonly cut: 'rows' | 'statement' | undefined
  readonly bytes: number
  /** As the dump itself says: `15.18`. */
  readonly serverVersion: string | undefined
  readonly clientVersion: string | undefined
  /** PostgreSQL's name of the encoding that the text is in. */
  readonly encoding: string
  /** The first line that psql would obey, and that no pg_dump writes by itself. */
  readonly command: string | undefined
}

const NEWLINE = 10
const BACKSLASH = 92
const DOT = 46
const RETURN = 13

// What is held of one statement before it is handed on; only the filter of a restore needs statements whole.
const heldLimit = 256 * 1024

const trailer = ' PostgreSQL database dump complete'

// `\.` and a carriage return, perhaps.
const longestEndMark = 3

/** Reads a plain dump of PostgreSQL chunk by chunk in constant memory; counts and digests the rows of each COPY. */
export class DumpReader {
  readonly #sink: ((piece: Piece) => void) | undefined
  readonly #lexer = new Lexer()
  readonly #tables = new Map<string, Copied>()
  readonly #schema = new SchemaDigest()
  #mode: 'sql' | 'copy-line' | 'copy' | 'meta' = 'sql'
  #carry: Buffer = Buffer.alloc(0)
  #held: Buffer[] = []
  #heldSize = 0
  #whole = true
  #table = ''
  #copied: Copied = { rows: 0, digest: new RowDigest() }
  #partition: string | undefined
  #throughRoot = false
  #inRow = false
  #line = 1
  #bytes = 0
  #complete = false
  #encoding = 'UTF8'
  #command: string | undefined
  #serverVersion: string | undefined
  #clientVersion: string | undefined

  constructor(sink?: (piece: Piece) => void) {
    this.#sink = sink
    this.#lexer.onComment = (text) => this.#comment(text)
  }

  /** The chunk may be overwritten once what the sink was given is no longer needed. */
  feed(chunk: Uint8Array): void {
    this.#bytes += chunk.length
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    const buffer = this.#carry.length === 0 ? bytes : Buffer.concat([this.#carry, bytes])
    this.#carry = Buffer.alloc(0)
    this.#read(buffer, false)
  }

  /** As far as it was read. */
  get clientVersion(): string | undefined {
    return this.#clientVersion
  }

  /** The trailer was the last thing that was read. */
  get complete(): boolean {
    return this.#complete
  }

  /** To be called once, after the last chunk. */
  end(): DumpSummary {
    const cut = this.#readRest()
    return {
      tables: [...this.#tables].map(([name, { digest, ...copied }]) => ({
        name,
        ...copied,
        digest: digest.toString(),
      })),
      schemaDigest: this.#schema.toString(),
      complete: this.#complete && cut === undefined,
      cut,
      bytes: this.#bytes,
      serverVersion: this.#serverVersion,
      clientVersion: this.#clientVersion,
      encoding: this.#encoding,
      command: this.#command,
    }
  }

  #readRest(): DumpSummary['cut'] {
    this.#read(this.#carry, true)
    if (this.#mode === 'copy') this.#emitRows(this.#carry)
    if (this.#mode === 'copy') return 'rows'
    if (this.#mode === 'meta') this.#emit('meta')
    if (this.#mode === 'copy-line') return 'rows'
    const cut = this.#lexer.open || !this.#lexer.blank
    this.#emit('text')
    return cut ? 'statement' : undefined
  }

  #read(buffer: Buffer, last: boolean): void {
    let at = 0
    while (at < buffer.length) {
      if (this.#mode === 'copy') at = this.#readRows(buffer, at)
      else if (this.#mode === 'sql') at = this.#readSql(buffer, at, last)
      else at = this.#readLine(buffer, at)
    }
  }

  #readSql(buffer: Buffer, from: number, last: boolean): number {
    const lexer = this.#lexer
    lexer.position = from
    const found = lexer.read(buffer, last)
    const bytes = buffer.subarray(from, lexer.position)
    if (found === 'more') return this.#keepRest(bytes, buffer)
    this.#hold(bytes)
    if (found === 'statement') this.#statement()
    else this.#metaBegins()
    return lexer.position
  }

  // The chunk is its giver's again: what of it is still needed is copied.
  #keepRest(bytes: Buffer, buffer: Buffer): number {
    this.#hold(Buffer.from(bytes))
    this.#carry = Buffer.from(buffer.subarray(this.#lexer.position))
    return buffer.length
  }

  #hold(bytes: Buffer): void {
    if (bytes.length === 0) return
    if (this.#heldSize > heldLimit && this.#mode === 'sql') {
      this.#schema.part(this.#emit('text'), this.#lexer.head)
      this.#whole = false
    }
    this.#held.push(bytes)
    this.#heldSize += bytes.length
  }

  #emit(kind: 'text' | 'meta'): Buffer {
    const line = this.#line
    const bytes = this.#takeHeld()
    if (kind === 'meta') this.#command ??= foreignCommand(bytes)
    if (bytes.length > 0) this.#sink?.({ kind, bytes, line })
    return bytes
  }

  #takeHeld(): Buffer {
    const bytes = this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held)
    this.#held = []
    this.#heldSize = 0
    if (this.#sink !== undefined) this.#line += newlinesIn(bytes)
    return bytes
  }

  #statement(): void {
    const { head } = this.#lexer
    const [line, whole] = [this.#line, this.#whole]
    const bytes = this.#takeHeld()
    this.#complete = false
    this.#whole = true
    this.#lexer.reset()
    this.#schema.statement(bytes, head)
    this.#heed(head, bytes)
    const copied = copiedTable(head)
    const copies = copied && this.#copyBegins(copied.parts)
    const source = copied && { table: copied.parts.join('.'), columns: copied.columns }
    this.#throughRoot = false
    this.#sink?.({ kind: 'statement', bytes, head, whole, line, ...(copies && { copies }), ...(source && { source }) })
  }

  // Two settings change how the bytes that follow are read.
  #heed(head: string, bytes: Buffer): void {
    if (bytes.length > 4096 || !/^\s*set\b/i.test(head)) return
    const text = bytes.toString('latin1')
    this.#encoding = /\bclient_encoding\s*(?:=|to)\s*'?([\w-]+)/i.exec(text)?.[1] ?? this.#encoding
    const conforming = /\bstandard_conforming_strings\s*(?:=|to)\s*'?(\w+)/i.exec(text)?.[1]
    if (conforming !== undefined) this.#lexer.conforming = !/^(off|false|no|0)$/i.test(conforming)
  }

  /** The table whose rows follow. */
  #copyBegins(parts: readonly string[]): string {
    const target = displayName(parts.map((part) => unquote(decode(part, this.#encoding))))
    const root = this.#throughRoot && this.#partition !== undefined ? { root: target } : {}
    this.#table = this.#throughRoot ? (this.#partition ?? target) : target
    this.#copied = this.#tables.get(this.#table) ?? { rows: 0, digest: new RowDigest(), ...root }
    this.#mode = 'copy-line'
    this.#inRow = false
    return this.#table
  }

  #metaBegins(): void {
    this.#emit('text')
    this.#mode = 'meta'
  }

  // The rest of the line behind `COPY … FROM stdin;`, or of a backslash command.
  #readLine(buffer: Buffer, from: number): number {
    const newline = buffer.indexOf(NEWLINE, from)
    const end = newline < 0 ? buffer.length : newline + 1
    this.#hold(Buffer.from(buffer.subarray(from, end)))
    if (newline < 0) return end
    const wasMeta = this.#mode === 'meta'
    const blank = this.#held.every((part) => part.toString('latin1').trim() === '')
    // psql would read what stands behind `;` as SQL after the rows; pg_dump never writes that: shown as a command
    this.#emit(wasMeta || !blank ? 'meta' : 'text')
    this.#mode = wasMeta ? 'sql' : 'copy'
    return end
  }

  #readRows(buffer: Buffer, from: number): number {
    const copied = this.#copied
    let start = this.#inRow ? this.#readRestOfRow(buffer, from) : from
    for (;;) {
      const newline = buffer.indexOf(NEWLINE, start)
      if (newline < 0) break
      if (newline - start <= longestEndMark && isEndMark(buffer, start, newline)) {
        this.#rowsEnd(buffer.subarray(from, newline + 1))
        return newline + 1
      }
      // Cheaper than `subarray`: a buffer has millions of rows.
      copied.digest.row(new Uint8Array(buffer.buffer, buffer.byteOffset + start, newline - start))
      copied.rows++
      start = newline + 1
    }
    this.#emitRows(buffer.subarray(from, this.#beginRow(buffer, start)))
    return buffer.length
  }

  /** Where the next row begins; the buffer's end where this one goes on. */
  #readRestOfRow(buffer: Buffer, from: number): number {
    const newline = buffer.indexOf(NEWLINE, from)
    if (newline < 0) {
      this.#copied.digest.part(buffer.subarray(from))
      return buffer.length
    }
    this.#copied.digest.row(buffer.subarray(from, newline))
    this.#copied.rows++
    this.#inRow = false
    return newline + 1
  }

  // What is left behind the last whole row: it may be the beginning of the end mark. Where the reading ends.
  #beginRow(buffer: Buffer, start: number): number {
    if (buffer.length - start <= longestEndMark) {
      this.#carry = Buffer.from(buffer.subarray(start))
      return start
    }
    this.#copied.digest.part(buffer.subarray(start))
    this.#inRow = true
    return buffer.length
  }

  #rowsEnd(bytes: Buffer): void {
    this.#tables.set(this.#table, this.#copied)
    this.#mode = 'sql'
    this.#emitRows(bytes)
  }

  #emitRows(bytes: Buffer): void {
    if (this.#sink === undefined || bytes.length === 0) return
    this.#sink({ kind: 'rows', table: this.#table, bytes, line: this.#line })
    this.#line += newlinesIn(bytes)
  }

  #comment(text: string): void {
    const line = text.trimEnd()
    if (line === trailer) this.#complete = true
    else if (line.startsWith(' Data for Name: ')) this.#partition = dataOf(decode(line, this.#encoding))
    else if (line.startsWith(' load via partition root ')) this.#throughRoot = true
    else if (line.startsWith(' Dumped from database version ')) this.#serverVersion ??= line.split(' ')[5]
    else if (line.startsWith(' Dumped by pg_dump version ')) this.#clientVersion ??= line.split(' ')[5]
  }
}

type Copied = { rows: number; readonly digest: RowDigest; readonly root?: string }

/** The table in pg_dump's comment before its rows; a line break in a name is a space there. */
function dataOf(comment: string): string | undefined {
  const [, name, schema] = /^ Data for Name: (.*); Type: TABLE DATA; Schema: (.*); Owner: /.exec(comment) ?? []
  return name === undefined || schema === undefined ? undefined : displayName([schema, name])
}

function isEndMark(bytes: Buffer, start: number, end: number): boolean {
  if (bytes[start] !== BACKSLASH || bytes[start + 1] !== DOT) return false
  return end - start === 2 || (end - start === 3 && bytes[start + 2] === RETURN)
}

function newlinesIn(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) count++
  return count
}

const token = /"(?:[^"]|"")*"|[A-Za-z_\x80-\xff][\w$\x80-\xff]*|''|\d+|[^\s]/g

/** The words, quoted names, strings (`''`) and signs of a statement's head. */
export function tokensOf(head: string): string[] {
  return head.match(token) ?? []
}

/** The parts of the table's name, still quoted, and the columns of `COPY [BINARY] name [(columns)] FROM STDIN …`. */
function copiedTable(head: string): { readonly parts: readonly string[]; readonly columns: string } | undefined {
  if (!/^\s*copy\b/i.test(head)) return undefined
  const tokens = tokensOf(head)
  let at = tokens[1]?.toLowerCase() === 'binary' ? 2 : 1
  const parts = [tokens[at++] ?? '']
  while (tokens[at] === '.') {
    parts.push(tokens[at + 1] ?? '')
    at += 2
  }
  const end = tokens[at] === '(' ? tokens.indexOf(')', at) + 1 : at
  const columns = tokens.slice(at, end).join(' ')
  const fits = parts.every((part) => /^["A-Za-z_\x80-\xff]/.test(part))
  return fits && /^from stdin$/i.test(`${tokens[end]} ${tokens[end + 1]}`) ? { parts, columns } : undefined
}

function foreignCommand(bytes: Buffer): string | undefined {
  const text = bytes.toString('utf8').trim()
  return text === '' || restriction.test(text) ? undefined : text.slice(0, 80)
}

/** The one command that pg_dump writes, around all else. */
export const restriction = /^\\(un)?restrict [A-Za-z0-9]+$/

// TextDecoder's labels for PostgreSQL's encodings; the ISO ones have the same letters under both names.
const labels: Readonly<Record<string, string>> = {
  LATIN1: 'latin1',
  LATIN2: 'iso-8859-2',
  LATIN3: 'iso-8859-3',
  LATIN4: 'iso-8859-4',
  LATIN5: 'iso-8859-9',
  LATIN6: 'iso-8859-10',
  LATIN7: 'iso-8859-13',
  LATIN8: 'iso-8859-14',
  LATIN9: 'iso-8859-15',
  LATIN10: 'iso-8859-16',
  ISO_8859_5: 'iso-8859-5',
  ISO_8859_6: 'iso-8859-6',
  ISO_8859_7: 'iso-8859-7',
  ISO_8859_8: 'iso-8859-8',
  KOI8R: 'koi8-r',
  KOI8U: 'koi8-u',
  WIN866: 'ibm866',
  WIN874: 'windows-874',
  EUC_CN: 'gb18030',
  EUC_JP: 'euc-jp',
  EUC_KR: 'euc-kr',
}

/** Text of the dump in its own encoding, given as Latin-1. */
export function decode(latin1: string, encoding: string): string {
  if (!/[\x80-\xff]/.test(latin1)) return latin1
  const windows = /^WIN(125\d)$/i.exec(encoding)?.[1]
  const label = windows === undefined ? (labels[encoding.toUpperCase()] ?? 'utf-8') : `windows-${windows}`
  return new TextDecoder(label as Bun.Encoding).decode(Buffer.from(latin1, 'latin1'))
}
