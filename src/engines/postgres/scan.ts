import type { BackupContent, Finding } from '../engine.ts'
import { DumpReader, type DumpSummary, type Piece, restriction, tokensOf } from './reader.ts'

/** Reads a foreign file for what could harm. Nothing is run; memory is constant. */
export async function scanDump(content: BackupContent): Promise<readonly Finding[]> {
  const findings = new Findings()
  const reader = new DumpReader((piece) => findings.take(piece))
  let first: Buffer = Buffer.alloc(0)
  let refused: Finding | undefined
  for await (const chunk of content()) {
    if (first.length < beginningBytes) {
      first = Buffer.concat([first, chunk.subarray(0, beginningBytes - first.length)])
      refused = otherFormat(first)
      if (refused !== undefined) return [refused]
    }
    reader.feed(chunk)
  }
  return [...endings(first, reader.end()), ...findings.all()]
}

const beginningBytes = 4096

function refuse(what: string): Finding {
  return { severity: 'refuse', what }
}

function notWhole(what: string): Finding {
  return { severity: 'refuse', what, notWhole: true }
}

/** What the file is, when it is no plain dump of PostgreSQL. */
export function otherFormat(first: Buffer): Finding | undefined {
  const text = first.toString('latin1')
  if (text.startsWith('PGDMP')) return refuse('an archive of pg_dump (custom format): load it with pg_restore')
  if (/^toc\.dat\0/.test(text)) return refuse('an archive of pg_dump (tar format): load it with pg_restore')
  if (text.startsWith('SQLite format 3\0')) return refuse('a SQLite database, not a dump of PostgreSQL')
  if (text.startsWith('\x1f\x8b')) return refuse('compressed with gzip, although its name does not end in .gz')
  if (text.startsWith('\x28\xb5\x2f\xfd')) return refuse('compressed with zstd, although its name does not end in .zst')
  const mysql = /^(\/\*M?!999999\\?- enable the sandbox mode \*\/ *\s*)?-- (MySQL|MariaDB) dump/.test(text)
  if (mysql) return refuse('a dump of MySQL or MariaDB, not of PostgreSQL')
  if (/^PRAGMA foreign_keys=OFF;/.test(text)) return refuse('a dump of SQLite, not of PostgreSQL')
  return undefined
}

function endings(first: Buffer, summary: DumpSummary): Finding[] {
  if (summary.bytes === 0) return [notWhole('the file is empty')]
  if (summary.cut === 'rows') return [notWhole('the file ends in the middle of the rows of a table: it was cut off')]
  if (summary.cut === 'statement') return [notWhole('the file ends in the middle of a statement: it was cut off')]
  if (summary.complete) return []
  if (!/PostgreSQL database dump/.test(first.toString('latin1'))) {
    return [refuse('no dump of pg_dump: neither its first lines nor its last ones are there')]
  }
  return [notWhole('the completion line of pg_dump is missing: the file was cut off')]
}

// A hostile file could hold a million of them.
const mostFindings = 50

class Findings {
  readonly #found = new Map<string, Finding>()
  #databases = new Set<string>()

  take(piece: Piece): void {
    if (piece.kind === 'meta') this.#meta(piece)
    else if (piece.kind === 'statement') this.#statement(piece)
  }

  #meta(piece: Piece): void {
    const text = piece.bytes.toString('utf8').trim()
    const database = connects(text)
    if (database !== undefined) this.#databases.add(database)
    const finding = this.#databases.size > 1 ? refuse('connects to several databases') : judgeMeta(text)
    if (finding !== undefined) this.#add(piece.line, finding, text)
  }

  #statement(piece: Piece & { readonly kind: 'statement' }): void {
    const tokens = tokensOf(piece.head.slice(0, 8192))
    const finding = piece.copies === undefined ? judgeStatement(tokens, piece) : undefined
    if (finding === undefined) return
    const before = leading(piece.bytes.toString('latin1'))
    this.#add(piece.line + before, finding, tokens.slice(0, 8).join(' '))
  }

  #add(line: number, { severity, what }: Finding, text: string): void {
    if (this.#found.size >= mostFindings) return
    const shown = text.length > 80 ? `${text.slice(0, 80)}…` : text
    this.#found.set(
      `${severity} ${what}`,
      this.#found.get(`${severity} ${what}`) ?? { severity, what: `line ${line}: ${what}: ${shown}` },
    )
  }

  all(): Finding[] {
    return [...this.#found.values()]
  }
}

/** How many line breaks stand before a statement's first word: blanks and comments. */
function leading(text: string): number {
  const before = /^(?:\s+|--[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/)*/.exec(text)?.[0] ?? ''
  return before.split('\n').length - 1
}

function connects(text: string): string | undefined {
  return /^\\c(?:onnect)?\s+(.+)$/.exec(text)?.[1]
}

/** What a backslash command in the file means; nothing where pg_dump writes it and it is harmless. */
export function judgeMeta(text: string): Finding | undefined {
  if (restriction.test(text)) return undefined
  if (connects(text) !== undefined) {
    return { severity: 'ask', what: 'names another database; its content would go into the target instead' }
  }
  if (/^\\(!|copy|o|out|i|ir|include|g|gx|w|write|s|e|edit|lo_|setenv|cd|if|gset|gexec|\|)/.test(text)) {
    return refuse('a command of psql that can run programs, or read and write files')
  }
  return refuse('a command of psql, which pg_dump never writes')
}

type Judged = { readonly whole: boolean; readonly bytes: Buffer }

/** What a statement of the file could do beyond the database that is restored. */
export function judgeStatement(tokens: readonly string[], piece: Judged): Finding | undefined {
  const words = tokens.map((token) => (token.startsWith('"') ? '"' : token.toLowerCase()))
  const start = words.slice(0, 3).join(' ')
  for (const [pattern, finding] of byStart) if (pattern.test(start)) return finding
  if (words[0] === 'copy') return judgeCopy(words)
  if (words[0] === 'set') return judgeSet(words, piece)
  if (queries.test(words[0] ?? '')) return judgeQuery(words, piece)
  if (words[0] === 'do' || (words[0] === 'call' && words.length > 1)) {
    return { severity: 'ask', what: 'runs code while it is loaded' }
  }
  if (words[0] !== 'grant') return undefined
  return { severity: 'ask', what: words.includes('on') ? 'gives rights to roles' : 'makes a role a member of another' }
}

const byStart: readonly (readonly [RegExp, Finding])[] = [
  [/^alter system\b/, refuse('changes the settings of the whole server')],
  [/^(create|drop|alter) database\b/, { severity: 'ask', what: 'is about a database as such; it would be left out' }],
  [
    /^(create|drop|alter) (role|user|group)\b(?! mapping)/,
    { severity: 'ask', what: 'changes the roles of the server' },
  ],
  [/^(create|drop|alter) tablespace\b/, { severity: 'ask', what: 'changes the tablespaces of the server' }],
  [/^create extension\b/, { severity: 'ask', what: 'installs an extension' }],
  [/^create (or replace )?(trusted )?(procedural )?language\b/, { severity: 'ask', what: 'installs a language' }],
  [/^load\b/, refuse('loads a library into the server')],
  [/^(create|alter) subscription\b/, { severity: 'ask', what: 'subscribes to another server' }],
  [/^create (server|foreign|user)\b/, { severity: 'ask', what: 'connects to another server' }],
]

function judgeCopy(words: readonly string[]): Finding | undefined {
  if (words.includes('program')) return refuse('COPY … PROGRAM runs a program on the server')
  const end = words.lastIndexOf('to') > 0 ? words.lastIndexOf('to') : words.lastIndexOf('from')
  if (words[end + 1] === 'stdout') return undefined
  if (words[end + 1] === "''") return refuse('COPY reads or writes a file of the server')
  return refuse('a COPY in a form that pg_dump never writes')
}

const queries = /^(select|with|values|table|prepare|execute|explain|declare|merge|\()$/

// Sequences, large objects, statistics, and the first lines of a dump: calls with nothing but constants.
const constant = `(?:''|-? ?\\d+|true|false)(?: : : (?:integer|bigint|real|boolean|text|oid|name)(?: \\[ \\])?)?`
const constants = `\\( ${constant}(?: , ${constant})* \\)`
const writtenByPgDump = [
  new RegExp(`^select pg_catalog \\. (?:setval|lo_create|lo_open|lowrite|lo_close|lo_unlink) ${constants}(?: ;)?$`),
  new RegExp(`^select \\* from pg_catalog \\. pg_restore_(?:relation|attribute)_stats ${constants}(?: ;)?$`),
]
const searchPath = /^\s*SELECT pg_catalog\.set_config\('search_path', '[^']*', (?:true|false)\);?$/

function judgeQuery(words: readonly string[], { bytes }: Judged): Finding | undefined {
  const query = words.join(' ')
  if (writtenByPgDump.some((pattern) => pattern.test(query))) return undefined
  const text = bytes.length > 4096 ? '' : bytes.toString('latin1').replace(commentLines, '')
  return searchPath.test(text) ? undefined : { severity: 'ask', what: 'runs a query that pg_dump never writes' }
}

const commentLines = /^\s*--.*$/gm

// These change how the rest of the file is read: psql and we have to read the same.
function judgeSet(words: readonly string[], { bytes }: Judged): Finding | undefined {
  const text = bytes.length > 4096 ? '' : bytes.toString('latin1')
  const encoding = /client_encoding\s*(?:=|to)\s*'?([\w-]+)/i.exec(text)?.[1]
  if (
    encoding !== undefined &&
    /^(sjis|shift_jis|big5|gbk|uhc|gb18030|johab|mskanji|win93|win949|win950)/i.test(encoding)
  ) {
    return refuse('an encoding in which quotes cannot be told apart')
  }
  if (words[1] === 'session' && words[2] === 'authorization') return { severity: 'ask', what: 'acts as another role' }
  return words[1] === 'role' ? { severity: 'ask', what: 'acts as another role' } : undefined
}
