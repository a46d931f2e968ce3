import { unquoteName } from './names.ts'

/** A stretch of a dump, in the order of its bytes; all pieces together are the whole text. */
export type Piece =
  /** White space and comments between statements. */
  | { readonly kind: 'filler'; readonly bytes: Uint8Array }
  /** A whole statement with its delimiter; `command`: what the client obeys in it (`!` after a backslash, `delimiter`), or what not every client reads alike (`$$`). */
  | { readonly kind: 'statement'; readonly bytes: Uint8Array; readonly command?: string }
  /** A line `DELIMITER …` of the client. */
  | { readonly kind: 'delimiter'; readonly bytes: Uint8Array }
  /** A part of an INSERT and the rows that begin in it. */
  | {
      readonly kind: 'rows'
      readonly bytes: Uint8Array
      readonly table: string
      readonly rows: number
      /** The statement begins with it. */
      readonly begins: boolean
      readonly command?: string
    }

/** Is given the tuples of an INSERT from `(` to `)`: whole, or in parts where a chunk's end cuts one. */
export type RowSink = { row(bytes: Uint8Array): void; part(bytes: Uint8Array): void }

const newline = 10
const quoteBytes = { single: 39, double: 34, backtick: 96 } as const
const backslash = 92
const dollar = 36
// The longest thing that must be seen whole to be understood: `delimiter` and a blank.
const lookahead = 16
const sandboxLine = /^\/\*M?!999999\\-/
/** A statement of this size is no longer collected to be read as a whole. */
export const longestStatement = 64 * 1024 * 1024

/**
 * Splits a dump into statements as the mysql client does, fed with chunks of any size and cut: strings, names, comments,
 * `/*! … *\/` code, DELIMITER, NO_BACKSLASH_ESCAPES. INSERTs pass in parts, with their rows counted, and given to the sink
 * of their table where there is one; the rest is whole.
 */
export class StatementSplitter {
  #state: 'code' | 'string' | 'dollars' | 'line-comment' | 'comment' = 'code'
  #carry: Buffer = Buffer.alloc(0)
  #held: Uint8Array[] = []
  #heldBytes = 0
  #pieces: Piece[] = []
  #buffer: Buffer = Buffer.alloc(0)
  #start = 0
  #inStatement = false
  #insert: 'no' | 'head' | 'rows' = 'no'
  #begins = false
  #table = ''
  #rows = 0
  #depth = 0
  #quote: number = quoteBytes.single
  #escaped = false
  #dollarQuote: Buffer = Buffer.alloc(0)
  readonly #dollarQuotes: boolean
  /** The byte before the buffer. */
  #before = newline
  #backslashEscapes = true
  #delimiter = Buffer.from(';')
  #stops = stopsFor(this.#delimiter)
  #command: string | undefined
  readonly #sinkOf: ((table: string) => RowSink) | undefined
  #sink: RowSink | undefined
  /** Where the row that is being read begins or goes on in the buffer; -1: none is, or nobody asks for it. */
  #rowStart = -1

  /** `dollarQuotes`: the client takes what stands between `$js$` and `$js$` for a string. */
  constructor(sinkOf?: (table: string) => RowSink, dollarQuotes = false) {
    this.#sinkOf = sinkOf
    this.#dollarQuotes = dollarQuotes
  }

  /** What the chunk completed. The pieces' bytes are views of the chunk: use them before the next call. */
  write(chunk: Uint8Array): readonly Piece[] {
    return this.#read(chunk, false)
  }

  /** The rest; a statement without its delimiter too. */
  end(): readonly Piece[] {
    return this.#read(new Uint8Array(0), true)
  }

  #read(chunk: Uint8Array, final: boolean): readonly Piece[] {
    const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    this.#buffer = this.#carry.length === 0 ? view : Buffer.concat([this.#carry, view])
    this.#carry = Buffer.alloc(0)
    this.#pieces = []
    this.#start = 0
    this.#scan(final)
    return this.#pieces
  }

  #scan(final: boolean): void {
    let at = 0
    while (at < this.#buffer.length) {
      const next = this.#step(at, final)
      if (next === -1) break // too little to understand: with the next chunk
      at = next
    }
    this.#carry = Buffer.from(this.#buffer.subarray(at))
    if (at > 0) this.#before = this.#buffer[at - 1] ?? newline
    this.#cutRow(at)
    if (final) this.#closePiece(at)
    else this.#hold(at)
  }

  #step(at: number, final: boolean): number {
    if (this.#state === 'string') return this.#string(at)
    if (this.#state === 'dollars') return this.#dollars(at, final)
    if (this.#state === 'line-comment') return this.#lineComment(at)
    if (this.#state === 'comment') return this.#comment(at, final)
    if (this.#inStatement) return this.#code(at, final)
    return this.#cutShort(at, final) ? -1 : this.#between(at, final)
  }

  #cutShort(at: number, final: boolean): boolean {
    return !final && at + lookahead > this.#buffer.length
  }

  // Between two statements: white space and comments, until the first byte of code.
  #between(from: number, final: boolean): number {
    let at = from
    while (at < this.#buffer.length && (this.#buffer[at] ?? 0) <= 32) at++
    if (at > from) return at
    const comment = this.#commentAt(at)
    if (comment !== -1) return comment
    const word = this.#buffer.toString('latin1', at, at + lookahead)
    if (/^delimiter\s/i.test(word)) return this.#delimiterLine(at, final)
    this.#closePiece(at)
    this.#inStatement = true
    this.#begins = true
    this.#insert = /^(?:insert|replace)\s/i.test(word) ? 'head' : 'no'
    return at
  }

  #delimiterLine(at: number, final: boolean): number {
    const end = this.#buffer.indexOf(newline, at)
    if (end === -1 && !final) return -1
    this.#closePiece(at)
    const stop = end === -1 ? this.#buffer.length : end + 1
    const word = this.#buffer.toString('latin1', at, stop).trim().slice('delimiter'.length).trim()
    const delimiter = Buffer.from(word.split(/\s/)[0] || ';', 'latin1')
    this.#pieces.push({ kind: 'delimiter', bytes: this.#buffer.subarray(at, stop) })
    this.#start = stop
    this.#delimiter = delimiter
    this.#stops = stopsFor(delimiter)
    return stop
  }

  // The start of a comment moves into it; -1: no comment begins here. The content of /*! … */ is code.
  #commentAt(at: number): number {
    const [first, second, third] = [this.#buffer[at], this.#buffer[at + 1], this.#buffer[at + 2] ?? newline]
    if (first === 47 && sandboxLine.test(this.#buffer.toString('latin1', at, at + lookahead)))
      return this.#into('comment', at + 2)
    const line = first === 35 || (first === 45 && second === 45 && third <= 32)
    const block = first === 47 && second === 42 && third !== 33 && !(third === 77 && this.#buffer[at + 3] === 33)
    if (!line && !block) return -1
    return line ? this.#into('line-comment', at + 1) : this.#into('comment', at + 2)
  }

  #into(state: 'line-comment' | 'comment', at: number): number {
    this.#state = state
    return at
  }

  // Every byte of a dump passes here: what is frequent is done in place.
  #code(from: number, final: boolean): number {
    const [buffer, table] = [this.#buffer, this.#stops]
    let at = from
    while (at < buffer.length) {
      const stop = table[buffer[at] ?? 0]
      if (stop === stops.none) at++
      else if (stop === stops.string) {
        at = this.#stringAt(at, quoteBytes.single)
        if (this.#state !== 'code') return at
      } else if (stop === stops.opening) this.#open(at++)
      else if (stop === stops.closing) this.#close(++at)
      else if (stop === stops.delimiter) return this.#endStatement(at + 1)
      else if (this.#cutShort(at, final)) return at === from ? -1 : at
      else if (stop === stops.letter && !this.#beginsWord(at)) at++
      else if (this.#delimiterAt(at)) return this.#endStatement(at + this.#delimiter.length)
      else {
        at = this.#special(at, buffer[at] ?? 0)
        if (this.#state !== 'code') return at
      }
    }
    return at
  }

  #open(at: number): void {
    if (this.#depth === 0 && this.#insert === 'rows') {
      this.#rows++
      if (this.#sink !== undefined) this.#rowStart = at
    }
    this.#depth++
  }

  #close(end: number): void {
    this.#depth--
    if (this.#depth === 0) this.#endRow(end)
  }

  #endRow(end: number): void {
    if (this.#rowStart === -1) return
    this.#sink?.row(this.#buffer.subarray(this.#rowStart, end))
    this.#rowStart = -1
  }

  // At the chunk's end: what is carried over goes on with the next one.
  #cutRow(end: number): void {
    if (this.#rowStart === -1) return
    this.#sink?.part(this.#buffer.subarray(this.#rowStart, end))
    this.#rowStart = 0
  }

  // `delimiter` and, before the rows, `values`: not the digits of a hexadecimal number.
  #beginsWord(at: number): boolean {
    return ((this.#buffer[at + 2] ?? 0) | 32) === 108
  }

  #delimiterAt(at: number): boolean {
    const { length } = this.#delimiter
    if (length === 1) return false // its own stop
    return this.#buffer.compare(this.#delimiter, 0, length, at, Math.min(at + length, this.#buffer.length)) === 0
  }

  #special(at: number, byte: number): number {
    if (byte === quoteBytes.single || byte === quoteBytes.double || byte === quoteBytes.backtick) {
      return this.#stringAt(at, byte)
    }
    if (byte === backslash) {
      const command = this.#buffer.toString('latin1', at + 1, at + 2)
      if (command !== 'N') this.#command ??= command // \N is NULL
      return at + 2
    }
    if (byte === 86 || byte === 118) return this.#values(at)
    if (byte === 68 || byte === 100) return this.#delimiterWord(at)
    if (byte === dollar) return this.#dollarAt(at)
    const comment = this.#commentAt(at)
    return comment === -1 ? at + 1 : comment
  }

  // A quote to Oracle's client since 9 (measured: not behind a byte of a name), a name to all others. One that is too long
  // to be seen whole is no quote of mysqldump's.
  #dollarAt(at: number): number {
    if (isNameByte(at === 0 ? this.#before : (this.#buffer[at - 1] ?? newline))) return at + 1
    const word = this.#buffer.toString('latin1', at, at + lookahead)
    const [quote, end] = /^\$[\w\x80-\xff]*(\$|$)/.exec(word) ?? []
    if (quote === undefined) return at + 1
    this.#command ??= '$$'
    if (!this.#dollarQuotes || end === '') return at + 1
    this.#dollarQuote = Buffer.from(quote, 'latin1')
    this.#state = 'dollars'
    return at + quote.length
  }

  #dollars(at: number, final: boolean): number {
    const { length } = this.#dollarQuote
    const end = this.#buffer.indexOf(this.#dollarQuote, at)
    if (end !== -1) {
      this.#state = 'code'
      return end + length
    }
    const rest = final ? this.#buffer.length : this.#buffer.length - length + 1
    return rest > at ? rest : -1
  }

  // The client obeys it wherever it stands in code, and sends what stands before it.
  #delimiterWord(at: number): number {
    if (/^delimiter\s/i.test(this.#buffer.toString('latin1', at, at + 10))) this.#command ??= 'delimiter'
    return at + 1
  }

  #values(at: number): number {
    if (this.#insert !== 'head' || this.#depth !== 0) return at + 1
    const word = /^values?(?![\w$])/i.exec(this.#buffer.toString('latin1', at, at + 7))?.[0]
    if (word === undefined) return at + 1
    this.#table = insertedTable(Buffer.concat([...this.#held, this.#buffer.subarray(this.#start, at)]).toString())
    this.#insert = 'rows'
    this.#sink = this.#sinkOf?.(this.#table)
    return at + word.length
  }

  #stringAt(at: number, quote: number): number {
    this.#state = 'string'
    this.#quote = quote
    return this.#string(at + 1)
  }

  #string(from: number): number {
    const buffer = this.#buffer
    const escapes = this.#backslashEscapes && this.#quote !== quoteBytes.backtick
    let at = this.#escaped ? from + 1 : from
    this.#escaped = false
    for (;;) {
      const end = nextByte(buffer, this.#quote, at)
      const odd = escapes && oddBackslashes(buffer, end === -1 ? buffer.length : end, at)
      if (end === -1) {
        this.#escaped = odd
        return buffer.length
      }
      at = end + 1
      if (odd) continue
      this.#state = 'code'
      return at
    }
  }

  #lineComment(at: number): number {
    const end = this.#buffer.indexOf(newline, at)
    if (end === -1) return this.#buffer.length
    this.#state = 'code'
    return end + 1
  }

  #comment(at: number, final: boolean): number {
    const end = this.#buffer.indexOf('*/', at, 'latin1')
    if (end !== -1) {
      this.#state = 'code'
      return end + 2
    }
    const rest = final ? this.#buffer.length : this.#buffer.length - 1
    return rest > at ? rest : -1
  }

  #endStatement(end: number): number {
    this.#endRow(end)
    this.#closePiece(end)
    this.#inStatement = false
    this.#insert = 'no'
    this.#depth = 0
    return end
  }

  // Gives out what was read of the present statement or filler, up to `end`.
  #closePiece(end: number): void {
    const bytes = this.#taken(end)
    if (bytes.length > 0) this.#pieces.push(this.#pieceOf(bytes))
  }

  #pieceOf(bytes: Uint8Array): Piece {
    const command = this.#command === undefined ? {} : { command: this.#command }
    this.#command = undefined
    if (!this.#inStatement) return { kind: 'filler', bytes }
    const begins = this.#begins
    this.#begins = false
    if (this.#insert === 'rows') {
      const rows = this.#rows
      this.#rows = 0
      return { kind: 'rows', bytes, table: this.#table, rows, begins, ...command }
    }
    this.#noteSqlMode(bytes)
    return { kind: 'statement', bytes, ...command }
  }

  #taken(end: number): Uint8Array {
    const here = this.#buffer.subarray(this.#start, end)
    this.#start = end
    if (this.#held.length === 0) return here
    const whole = Buffer.concat([...this.#held, here])
    this.#held = []
    this.#heldBytes = 0
    return whole
  }

  // The chunk's end: rows and filler are given out, the part of another statement is kept until it is whole.
  #hold(at: number): void {
    const givenOut = !this.#inStatement || this.#insert === 'rows' || this.#heldBytes > longestStatement
    if (givenOut) this.#closePiece(at)
    if (at <= this.#start) return
    this.#held.push(Buffer.from(this.#buffer.subarray(this.#start, at)))
    this.#heldBytes += at - this.#start
    this.#start = at
  }

  #noteSqlMode(bytes: Uint8Array): void {
    if (bytes.length > 4096) return
    const match = /\bsql_mode\s*=\s*('[^']*'|@\w+)/i.exec(Buffer.from(bytes).toString('latin1'))
    if (match !== null) this.#backslashEscapes = !/NO_BACKSLASH_ESCAPES/i.test(match[1] ?? '')
  }
}

/** What a byte of code may begin. */
const stops = { none: 0, string: 1, opening: 2, closing: 3, delimiter: 4, letter: 5, other: 6 } as const

function stopsFor(delimiter: Uint8Array): Uint8Array {
  const table = new Uint8Array(256)
  for (const byte of Buffer.from('"`/-#\\$')) table[byte] = stops.other
  for (const byte of Buffer.from('VvDd')) table[byte] = stops.letter
  table[quoteBytes.single] = stops.string
  table[40] = stops.opening
  table[41] = stops.closing
  table[delimiter[0] ?? 59] = delimiter.length === 1 ? stops.delimiter : stops.other
  return table
}

function isNameByte(byte: number): boolean {
  return byte >= 128 || byte === dollar || /\w/.test(String.fromCharCode(byte))
}

// Most strings are short: a call of indexOf costs more than a few bytes read here.
function nextByte(buffer: Buffer, byte: number, from: number): number {
  const near = Math.min(from + 24, buffer.length)
  for (let at = from; at < near; at++) if (buffer[at] === byte) return at
  return near === buffer.length ? -1 : buffer.indexOf(byte, near)
}

function oddBackslashes(buffer: Buffer, end: number, from: number): boolean {
  let at = end
  while (at > from && buffer[at - 1] === backslash) at--
  return (end - at) % 2 === 1
}

const insertHead = /\bINTO\s+((?:`(?:[^`]|``)*`|[^\s`(.]+)(?:\s*\.\s*(?:`(?:[^`]|``)*`|[^\s`(]+))?)/i

function insertedTable(head: string): string {
  const name = insertHead.exec(head)?.[1] ?? ''
  return unquoteName(/(?:`(?:[^`]|``)*`|[^`.]+)$/.exec(name)?.[0]?.trim() ?? '')
}
