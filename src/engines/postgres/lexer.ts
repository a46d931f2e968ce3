/**
 * Finds the ends of SQL statements as psql does (its rules: src/fe_utils/psqlscan.l), in bytes that come in chunks of
 * any size: quotes, E'' strings, dollar quotes, nested comments, parentheses, BEGIN ATOMIC bodies, backslash commands.
 * Every encoding that a server can have is safe to read byte by byte: ASCII bytes mean themselves.
 */
export type Lexed =
  /** `;` ended a statement. */
  | 'statement'
  /** A backslash outside of quotes: a command of psql begins here. */
  | 'meta'
  /** The chunk is used up. */
  | 'more'

type Mode = 'plain' | 'single' | 'escape' | 'identifier' | 'dollar' | 'line' | 'block'

// Longest head that is kept of one statement: a COPY of 1,600 columns with names of 63 bytes fits.
const headLimit = 256 * 1024
const wordLimit = 256
const commentLimit = 200

const [NEWLINE, QUOTE, DOUBLE, DOLLAR, OPEN, CLOSE, STAR, DASH, SLASH, SEMICOLON, BACKSLASH] = [
  10, 39, 34, 36, 40, 41, 42, 45, 47, 59, 92,
]

// What a byte means outside of quotes: 0 nothing, 1 space, 2 begins a word, 3 special.
const classes = new Uint8Array(256)
for (const byte of [9, 11, 12, 13, 32]) classes[byte] = 1
for (let byte = 0; byte < 256; byte++) {
  if ((byte >= 65 && byte <= 90) || (byte >= 97 && byte <= 122) || byte === 95 || byte >= 128) classes[byte] = 2
}
for (const byte of [NEWLINE, QUOTE, DOUBLE, DOLLAR, OPEN, CLOSE, DASH, SLASH, SEMICOLON, BACKSLASH]) classes[byte] = 3

export class Lexer {
  /** The statement so far, as Latin-1: comments are a space, strings are `''`, all else as written. */
  head = ''
  /** The text of the last `--` comment, as Latin-1, without the dashes. */
  comment = ''
  /** Called at the end of each `--` comment. */
  onComment: ((text: string) => void) | undefined
  /** Whether a backslash in a plain string is an ordinary character. */
  conforming = true

  #mode: Mode = 'plain'
  #blocks = 0
  #tag = Buffer.alloc(0)
  #parentheses = 0
  #words = 0
  #routine = false
  #begins = 0
  #firstWords: string[] = []
  // 0: no; 1: an E'' string just ended; 2: and a line break followed, so that another quote continues it
  #afterEscape = 0

  /** Whether nothing of a statement was seen since the last one. */
  get blank(): boolean {
    return this.head.trim() === ''
  }

  /** Whether a quote or comment is open. */
  get open(): boolean {
    return this.#mode !== 'plain'
  }

  /** Forgets the statement that ended. */
  reset(): void {
    this.head = ''
    this.#parentheses = 0
    this.#words = 0
    this.#routine = false
    this.#begins = 0
    this.#firstWords = []
    this.#afterEscape = 0
  }

  /** Where the next read has to begin; bytes from there to the chunk's end are to be given again, with more. */
  position = 0

  /**
   * Reads on from `position` and stops behind a `;`, at a backslash, or where bytes are missing.
   * `last`: no bytes will follow, so nothing is missing.
   */
  read(chunk: Buffer, last: boolean): Lexed {
    while (this.position < chunk.length) {
      const found = this.#mode === 'plain' ? this.#plain(chunk, last) : this.#quoted(chunk, last)
      if (found !== undefined) return found
    }
    return 'more'
  }

  #keep(text: string): void {
    if (this.head.length < headLimit) this.head += text
  }

  #plain(chunk: Buffer, last: boolean): Lexed | undefined {
    const from = this.position
    let at = from
    let kind = 0
    while (at < chunk.length) {
      kind = classes[chunk[at] as number] as number
      if (kind >= 2) break
      if (kind === 0) this.#afterEscape = 0
      at++
    }
    if (at > from) this.#keep(chunk.toString('latin1', from, at))
    this.position = at
    if (at === chunk.length) return undefined
    return kind === 2 ? this.#word(chunk, last) : this.#special(chunk, last)
  }

  #word(chunk: Buffer, last: boolean): Lexed | undefined {
    const from = this.position
    let at = from + 1
    while (at < chunk.length && continuesWord(chunk[at] as number)) at++
    if (at === chunk.length && !last && at - from < wordLimit) return 'more'
    const word = chunk.toString('latin1', from, at)
    this.position = at
    this.#keep(word)
    this.#afterEscape = 0
    if (chunk[at] === QUOTE && (word === 'e' || word === 'E')) {
      this.#enter('escape', at + 1)
      return undefined
    }
    this.#countWord(word)
    return undefined
  }

  // As psql: in CREATE [OR REPLACE] FUNCTION | PROCEDURE the body may be BEGIN ATOMIC … END, with CASE … END inside.
  #countWord(word: string): void {
    this.#words++
    if (this.#words <= 4) {
      this.#firstWords.push(word.toLowerCase())
      this.#routine = /^create (or replace )?(function|procedure)\b/.test(this.#firstWords.join(' '))
    }
    if (!this.#routine || this.#parentheses > 0) return
    const lower = word.toLowerCase()
    if (lower === 'begin') this.#begins++
    else if (lower === 'case' && this.#begins > 0) this.#begins++
    else if (lower === 'end' && this.#begins > 0) this.#begins--
  }

  #special(chunk: Buffer, last: boolean): Lexed | undefined {
    const at = this.position
    const byte = chunk[at]
    const next = chunk[at + 1]
    if ((byte === DASH || byte === SLASH) && next === undefined && !last) return 'more'
    if (byte === NEWLINE) return this.#newline()
    if (byte === DASH && next === DASH) return this.#enter('line', at + 2)
    if (byte === SLASH && next === STAR) return this.#enter('block', at + 2)
    const continues = byte === QUOTE && this.#afterEscape === 2
    this.#afterEscape = 0
    if (byte === QUOTE) return this.#enter(continues || !this.conforming ? 'escape' : 'single', at + 1)
    if (byte === DOUBLE) return this.#enter('identifier', at + 1)
    if (byte === DOLLAR) return this.#dollar(chunk, last)
    if (byte === BACKSLASH) return 'meta'
    this.position = at + 1
    if (byte === OPEN) this.#parentheses++
    else if (byte === CLOSE && this.#parentheses > 0) this.#parentheses--
    if (byte === SEMICOLON && this.#parentheses === 0 && this.#begins === 0) return 'statement'
    this.#keep(String.fromCharCode(byte as number))
    return undefined
  }

  #newline(): undefined {
    if (this.#afterEscape === 1) this.#afterEscape = 2
    this.position++
    this.#keep('\n')
  }

  #enter(mode: Mode, position: number): undefined {
    this.#mode = mode
    this.position = position
    if (mode === 'line') this.comment = ''
    else if (mode === 'block') this.#blocks = 1
    else if (mode === 'identifier') this.#keep('"')
    else this.#keep("''")
  }

  #dollar(chunk: Buffer, last: boolean): Lexed | undefined {
    const from = this.position
    let at = from + 1
    while (at < chunk.length && chunk[at] !== DOLLAR && continuesWord(chunk[at] as number)) at++
    if (at === chunk.length && !last && at - from < wordLimit) return 'more'
    const digitFirst = at > from + 1 && classes[chunk[from + 1] as number] !== 2
    if (chunk[at] !== DOLLAR || digitFirst) {
      this.position = from + 1
      this.#keep('$')
      return undefined
    }
    this.#tag = Buffer.from(chunk.subarray(from, at + 1))
    return this.#enter('dollar', at + 1)
  }

  #quoted(chunk: Buffer, last: boolean): Lexed | undefined {
    switch (this.#mode) {
      case 'single':
        return this.#untilQuote(chunk, last, QUOTE)
      case 'identifier':
        return this.#untilQuote(chunk, last, DOUBLE)
      case 'escape':
        return this.#untilEscapedQuote(chunk, last)
      case 'dollar':
        return this.#untilTag(chunk, last)
      case 'line':
        return this.#untilLineEnd(chunk)
      default:
        return this.#untilBlockEnd(chunk, last)
    }
  }

  #untilQuote(chunk: Buffer, last: boolean, quote: number): Lexed | undefined {
    const from = this.position
    const found = chunk.indexOf(quote, from)
    const end = found < 0 ? chunk.length : found
    if (quote === DOUBLE) this.#keep(chunk.toString('latin1', from, end))
    this.position = end
    if (found < 0) return undefined
    if (found + 1 === chunk.length && !last) return 'more'
    const doubled = chunk[found + 1] === quote
    this.position = found + (doubled ? 2 : 1)
    if (quote === DOUBLE) this.#keep(doubled ? '""' : '"')
    if (!doubled) this.#mode = 'plain'
    return undefined
  }

  #untilEscapedQuote(chunk: Buffer, last: boolean): Lexed | undefined {
    let at = this.position
    while (at < chunk.length && chunk[at] !== QUOTE && chunk[at] !== BACKSLASH) at++
    this.position = at
    if (at === chunk.length) return undefined
    if (at + 1 === chunk.length && !last) return 'more'
    if (chunk[at] === BACKSLASH || chunk[at + 1] === QUOTE) {
      this.position = at + 2
      return undefined
    }
    this.position = at + 1
    this.#mode = 'plain'
    this.#afterEscape = 1
    return undefined
  }

  #untilTag(chunk: Buffer, last: boolean): Lexed | undefined {
    const found = chunk.indexOf(this.#tag, this.position)
    if (found >= 0) {
      this.position = found + this.#tag.length
      this.#mode = 'plain'
      return undefined
    }
    const end = last ? chunk.length : Math.max(this.position, chunk.length - this.#tag.length + 1)
    this.position = end
    return end < chunk.length ? 'more' : undefined
  }

  #untilLineEnd(chunk: Buffer): Lexed | undefined {
    const found = chunk.indexOf(NEWLINE, this.position)
    const end = found < 0 ? chunk.length : found
    if (this.comment.length < commentLimit) this.comment += chunk.toString('latin1', this.position, end)
    this.position = end
    if (found < 0) return undefined
    this.#mode = 'plain'
    this.#keep(' ')
    this.onComment?.(this.comment)
    return undefined
  }

  #untilBlockEnd(chunk: Buffer, last: boolean): Lexed | undefined {
    let at = this.position
    while (at < chunk.length && chunk[at] !== STAR && chunk[at] !== SLASH) at++
    this.position = at
    if (at === chunk.length) return undefined
    if (at + 1 === chunk.length && !last) return 'more'
    if (chunk[at] === STAR && chunk[at + 1] === SLASH) this.#blocks--
    else if (chunk[at] === SLASH && chunk[at + 1] === STAR) this.#blocks++
    else {
      this.position = at + 1
      return undefined
    }
    this.position = at + 2
    if (this.#blocks > 0) return undefined
    this.#mode = 'plain'
    this.#keep(' ')
    return undefined
  }
}

function continuesWord(byte: number): boolean {
  return classes[byte] === 2 || (byte >= 48 && byte <= 57) || byte === DOLLAR
}
