import { RowDigest } from '../digest.ts'

const [NEWLINE, SPACE, DASH] = [10, 32, 45]

/**
 * A digest of the statements of a dump, whatever their order: older clients order what is named alike by its OID, which
 * a restore changes. Left out is what says how to read the file, not what is in the database: comments, backslash
 * commands, BEGIN and COMMIT, COPY, settings. Those settings that decide what a statement makes are hashed along with it.
 */
export class SchemaDigest {
  readonly #digest = new RowDigest()
  readonly #settings = new Map<string, string>()
  #begun = false

  /** A part of a statement that goes on; `head` is its beginning as the lexer gives it. */
  part(bytes: Buffer, head: string): void {
    if (!this.#begun) this.#digest.part(Buffer.from(this.#settingsOf(head), 'latin1'))
    this.#digest.part(this.#begun ? bytes : bytes.subarray(firstWord(bytes)))
    this.#begun = true
  }

  /** A whole statement with the comments before it, or the last part of one. */
  statement(bytes: Buffer, head: string): void {
    if (!this.#begun && saysHowToRead.test(head)) this.#heed(bytes.toString('latin1', firstWord(bytes)))
    else this.#end(bytes, head)
  }

  toString(): string {
    return this.#digest.toString()
  }

  #end(bytes: Buffer, head: string): void {
    this.part(bytes, head)
    this.#begun = false
    // The pieces of one large object are one thing: their order counts, and whose they are.
    if (!objectGoesOn.test(head)) this.#digest.row(nothing)
  }

  #heed(text: string): void {
    const [, name = '', value = ''] = setting.exec(text) ?? []
    const key = name.toLowerCase().replace(/\s+/g, ' ')
    if (defaults.includes(value)) this.#settings.delete(key)
    else if (key !== '') this.#settings.set(key, value)
  }

  #settingsOf(head: string): string {
    const kept = [...this.#settings].filter(([name]) => name === role || hasStorage.test(head))
    return kept.map(([name, value]) => `${name}=${value}\n`).join('')
  }
}

const nothing = new Uint8Array()
/** The beginning of a statement that says how to read a dump, and nothing of the database. */
export const saysHowToRead = /^\s*(set|reset|begin|commit|copy|select pg_catalog\.set_config)\b/i
/** The beginning of a statement after which a large object is open, to be written on. */
export const objectGoesOn = /^\s*select pg_catalog\.lo(_open|write)\s*\(/i
const hasStorage = /^\s*(create|alter)\b.*\b(table|index|materialized)\b/i

const role = 'session authorization'
const setting =
  /^(?:re)?set\s+(default_tablespace|default_table_access_method|session\s+authorization)\s*=?\s*([^;]*);/i
const defaults = ["''", 'heap', 'DEFAULT', '']

function firstWord(bytes: Buffer): number {
  let at = 0
  while (at < bytes.length) {
    if ((bytes[at] as number) <= SPACE) at++
    else if (bytes[at] === DASH && bytes[at + 1] === DASH) at = afterLine(bytes, at)
    else break
  }
  return at
}

function afterLine(bytes: Buffer, from: number): number {
  const newline = bytes.indexOf(NEWLINE, from)
  return newline < 0 ? bytes.length : newline + 1
}
