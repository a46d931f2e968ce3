import { createdBy } from './dump-reader.ts'
import { codeOf, isOfReplication, leadingWords } from './statement-code.ts'
import {
  asleep,
  definerOf,
  isEnabledEvent,
  ofPresentDatabase,
  withoutDatabase,
  withoutDefiner,
  withoutInnerEnd,
} from './statement-text.ts'
import { type Piece, StatementSplitter } from './statements.ts'

export type LoadFilterOptions = {
  /** Accounts other than this one (`app`@`%`) are taken out of DEFINER; absent: all stay. */
  readonly onlyDefiner?: string
  /** Events are stored disabled. */
  readonly sleepingEvents: boolean
  /** Settings of the server that are off for the loading session. */
  readonly lifted?: readonly string[]
  /** The loading client takes `$$ … $$` for a string. */
  readonly dollarQuotes?: boolean
  /** The loading client reads the line that shuts it in a sandbox. */
  readonly sandbox: boolean
}

const sandboxLine = '/*M!999999\\- enable the sandbox mode */ \n'

// The file's first line is read whole.
const firstLine = 128

/** What the filter changed, for the notes and for the swap. */
export type LoadChanges = {
  readonly definers: ReadonlySet<string>
  readonly enabledEvents: ReadonlySet<string>
  readonly sandboxRemoved: boolean
  /** Statements that name a database, left out. */
  readonly databases: number
  /** Statements that say which transactions of a replication the file stands for, left out. */
  readonly replication: number
}

/** Fits a dump to be loaded into a database of any name: nothing in it may reach another database. */
export class LoadFilter {
  readonly #splitter: StatementSplitter
  readonly #options: LoadFilterOptions
  readonly #definers = new Set<string>()
  readonly #enabledEvents = new Set<string>()
  #beginning: Buffer = Buffer.alloc(0)
  #begun = false
  #sandboxRemoved = false
  #databases = 0
  #replication = 0

  constructor(options: LoadFilterOptions) {
    this.#options = options
    this.#splitter = new StatementSplitter(undefined, options.dollarQuotes)
  }

  start(): string {
    const { sandbox, lifted = [] } = this.#options
    const off = ['FOREIGN_KEY_CHECKS', 'UNIQUE_CHECKS', ...lifted].map((name) => `${name} = 0`)
    return `${sandbox ? sandboxLine : ''}SET ${off.join(', ')};\n`
  }

  write(chunk: Uint8Array): Uint8Array {
    if (this.#begun) return this.#filtered(chunk)
    this.#beginning = Buffer.concat([this.#beginning, chunk])
    if (this.#beginning.length < firstLine) return new Uint8Array(0)
    this.#begun = true
    return this.#filtered(this.#beginning)
  }

  #filtered(chunk: Uint8Array): Uint8Array {
    return joined(this.#splitter.write(chunk).map((piece) => this.#fit(piece)))
  }

  end(): Uint8Array {
    const beginning = this.#begun ? [] : [this.#filtered(this.#beginning)]
    return joined([...beginning, ...this.#splitter.end().map((piece) => this.#fit(piece))])
  }

  changes(): LoadChanges {
    return {
      definers: this.#definers,
      enabledEvents: this.#enabledEvents,
      sandboxRemoved: this.#sandboxRemoved,
      databases: this.#databases,
      replication: this.#replication,
    }
  }

  #fit(piece: Piece): Uint8Array {
    if (piece.kind === 'filler') return this.#fitFiller(piece.bytes)
    if (piece.kind !== 'statement') return piece.bytes
    if (namesDatabase(piece.bytes)) {
      this.#databases++
      return new Uint8Array(0)
    }
    // What is loaded must reach the server's replicas: the swap that moves it does.
    if (leadingWords(piece.bytes, 1)[0] === 'SET' && isOfReplication(codeOf(piece.bytes))) {
      this.#replication++
      return new Uint8Array(0)
    }
    return leadingWords(piece.bytes, 1)[0] === 'ALTER' ? this.#fitAlter(piece.bytes) : this.#fitDefinition(piece.bytes)
  }

  // Only that of the database in use, around routines, is let through.
  #fitAlter(bytes: Uint8Array): Uint8Array {
    if (!isDatabaseWord(leadingWords(bytes, 2)[1])) return bytes
    const text = Buffer.from(bytes).toString('latin1')
    const fitted = ofPresentDatabase(text)
    if (ofPresent.test(codeOf(Buffer.from(fitted, 'latin1')))) return changed(bytes, text, fitted)
    this.#databases++
    return new Uint8Array(0)
  }

  // Our own first line stands for the file's.
  #fitFiller(bytes: Uint8Array): Uint8Array {
    const text = Buffer.from(bytes).toString('latin1')
    const rest = text.replace(/\/\*M?!999999\\-[^\n]*?\*\//, '')
    if (rest === text) return bytes
    this.#sandboxRemoved = !this.#options.sandbox
    return Buffer.from(rest, 'latin1')
  }

  #fitDefinition(bytes: Uint8Array): Uint8Array {
    const object = createdBy(codeOf(bytes))
    if (object === undefined || ['table', 'sequence', 'library'].includes(object.kind)) return bytes
    const text = Buffer.from(bytes).toString('latin1')
    const ended = withoutInnerEnd(text)
    const placed = object.kind === 'trigger' ? withoutDatabase(ended) : ended
    return changed(
      bytes,
      text,
      this.#fitDefiner(object.kind === 'event' ? this.#fitEvent(placed, object.name) : placed),
    )
  }

  #fitEvent(text: string, name: string): string {
    if (!this.#options.sleepingEvents || !isEnabledEvent(text)) return text
    this.#enabledEvents.add(name)
    return asleep(text)
  }

  #fitDefiner(text: string): string {
    const definer = definerOf(text)
    const { onlyDefiner } = this.#options
    if (onlyDefiner === undefined || definer === undefined || definer === onlyDefiner) return text
    this.#definers.add(Buffer.from(definer, 'latin1').toString())
    return withoutDefiner(text)
  }
}

const ofPresent = /^ALTER\s+(?:DATABASE|SCHEMA)\s+CHARACTER\s+SET\s+\w+\s+COLLATE\s+\w+\s*\W*$/i

function isDatabaseWord(word: string | undefined): boolean {
  return word === 'DATABASE' || word === 'SCHEMA'
}

function namesDatabase(bytes: Uint8Array): boolean {
  const [first, ...rest] = leadingWords(bytes, 4)
  if (first === 'USE') return true
  if (first !== 'CREATE' && first !== 'DROP') return false
  return isDatabaseWord(rest[0]) || (rest[0] === 'OR' && isDatabaseWord(rest[2]))
}

function changed(bytes: Uint8Array, before: string, after: string): Uint8Array {
  return before === after ? bytes : Buffer.from(after, 'latin1')
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const [only] = parts
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts)
}
