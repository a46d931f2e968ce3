import { createHash } from 'node:crypto'
import type { CatalogueObject } from './catalogue.ts'
import { awake, ofPresentDatabase, withoutDatabase, withoutInnerEnd } from './statement-text.ts'

/**
 * A digest (SHA-256, hex) of what a dump creates besides rows. Left out are comments, what says how to read the file, and
 * what follows from the rest (DROP, LOCK, stand-ins of views); the settings that a definition is stored with count. A
 * trigger's own database is its table's, and names it or not; a semicolon at a definition's end says nothing.
 */
export class SchemaDigest {
  readonly #hash = createHash('sha256')
  readonly #settings = new Map<string, string>()
  readonly #slept: ReadonlySet<string>

  /** `slept`: events that are disabled only for as long as they are here. */
  constructor(slept: ReadonlySet<string> = new Set()) {
    this.#slept = slept
  }

  /** A statement, the same as code, and what it creates. */
  statement(bytes: Uint8Array, code: string, object: CatalogueObject | undefined): void {
    if (/^SET\b/i.test(code)) this.#heed(code)
    else if (!followsFromTheRest(code, object)) this.#add(this.#normal(bytes, object), object)
  }

  /** What is not in the dump itself. */
  property(name: string, value: string): void {
    this.#hash.update(`${name}=${value}\0`)
  }

  toString(): string {
    return this.#hash.copy().digest('hex')
  }

  #add(bytes: Uint8Array, object: CatalogueObject | undefined): void {
    for (const name of settingsOf[object?.kind ?? ''] ?? []) this.property(name, this.#settings.get(name) ?? '')
    this.#hash.update(bytes).update('\0')
  }

  #heed(code: string): void {
    for (const [, name = '', value = ''] of code.matchAll(setting)) this.#settings.set(name.toLowerCase(), value)
  }

  #normal(bytes: Uint8Array, object: CatalogueObject | undefined): Uint8Array {
    const change = this.#changeFor(bytes, object)
    return change === undefined ? bytes : Buffer.from(change(Buffer.from(bytes).toString('latin1')), 'latin1')
  }

  #changeFor(bytes: Uint8Array, object: CatalogueObject | undefined): ((text: string) => string) | undefined {
    if (object === undefined) return bytes.length < shortStatement ? ofPresentDatabase : undefined
    if (settingsOf[object.kind] === undefined) return undefined
    return (text) => withoutInnerEnd(this.#asAtHome(text, object))
  }

  #asAtHome(text: string, { kind, name }: CatalogueObject): string {
    if (kind === 'trigger') return withoutDatabase(text)
    return kind === 'event' && this.#slept.has(name) ? awake(text) : text
  }
}

const shortStatement = 1024

const stored = ['character_set_client', 'collation_connection']
const run = [...stored, 'sql_mode']
/** The settings that a kind of object is stored with. */
const settingsOf: Readonly<Record<string, readonly string[]>> = {
  view: stored,
  trigger: run,
  procedure: run,
  function: run,
  package: run,
  'package body': run,
  library: ['sql_mode'],
  event: [...run, 'time_zone'],
}
const setting = /\b(?<!@)(character_set_client|collation_connection|sql_mode|time_zone)\s*=\s*('[^']*'|\w+)/gi

const aside = /^(?:DROP|LOCK|UNLOCK|SELECT(?!\s+SETVAL)|PREPARE|EXECUTE|DEALLOCATE|USE|BEGIN|COMMIT|START)\b/i
const keys = /^ALTER\s+TABLE\b[\s\S]*\b(?:DISABLE|ENABLE)\s+KEYS\s*\W*$/i

function followsFromTheRest(code: string, object: CatalogueObject | undefined): boolean {
  return aside.test(code) || keys.test(code) || (object === undefined && /^CREATE\s+VIEW\b/i.test(code))
}
