import type { Finding } from '../engine.ts'
import { type Judgement, judge, ModeReader } from './dump-shapes.ts'
import { codeOf, isOfReplication } from './statement-code.ts'
import { longestStatement, type Piece, StatementSplitter } from './statements.ts'

// As the mysql client reads them at the start of a statement; each of them may reach outside of the database.
const clientCommands =
  /^(?:system|source|tee|notee|pager|nopager|edit|connect|resetconnection|prompt|print|ego|go|exit|quit|rehash|charset|status|clear|help|warnings|nowarning|costs)(?:\s|;|$)/i

/** What a statement does that a dump of one database has no need to. */
const reaching: readonly (readonly [RegExp, Finding['severity'], string])[] = [
  [/^LOAD\s+(?:DATA|XML)\b/i, 'refuse', 'LOAD DATA reads a file'],
  [/\bINTO\s+(?:OUTFILE|DUMPFILE)\b/i, 'refuse', 'INTO OUTFILE writes a file'],
  [/^(?:INSTALL|UNINSTALL)\s+(?:PLUGIN|SONAME|COMPONENT)\b/i, 'refuse', 'a plugin is installed'],
  [
    /^CREATE\s+(?:AGGREGATE\s+)?FUNCTION\s+\S+\s+RETURNS\s+\w+\s+SONAME\b/i,
    'refuse',
    'a function is loaded from a library',
  ],
  [
    /^(?:GRANT|REVOKE|(?:CREATE|ALTER|DROP|RENAME)\s+(?:USER|ROLE)|SET\s+PASSWORD)\b/i,
    'ask',
    'accounts or rights are changed',
  ],
  [/^SET\s+(?:GLOBAL\b|PERSIST\b|@@GLOBAL\b|@@PERSIST)/i, 'ask', "the server's settings are changed"],
  [
    /^(?:SHUTDOWN|KILL|CHANGE\s+MASTER|CHANGE\s+REPLICATION|START\s+(?:SLAVE|REPLICA)|STOP\s+(?:SLAVE|REPLICA)|RESET)\b/i,
    'refuse',
    'the server or its replication is controlled',
  ],
]

const findingsKept = 20

/** Reads a foreign file for what could harm, fed with chunks. */
export class ScanReader {
  readonly #splitter = new StatementSplitter()
  readonly #modes = new ModeReader()
  readonly #findings = new Map<string, Finding>()
  #line = 1
  #bytes = 0
  #head = ''
  #tail = ''
  #statements = 0

  write(chunk: Uint8Array): void {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    if (this.#head.length < 4096) this.#head += bytes.toString('latin1', 0, 4096)
    this.#tail = (this.#tail + bytes.subarray(-1024).toString('latin1')).slice(-1024)
    this.#bytes += bytes.length
    for (const piece of this.#splitter.write(chunk)) this.#read(piece)
  }

  end(): readonly Finding[] {
    for (const piece of this.#splitter.end()) this.#read(piece)
    const wrong = wrongFile(this.#head)
    if (this.#bytes === 0) return [{ severity: 'refuse', what: 'the file is empty', notWhole: true }]
    if (wrong !== undefined) return [{ severity: 'refuse', what: wrong }]
    if (!/^-- Dump completed/m.test(this.#tail))
      this.#find('ask', 'the line "-- Dump completed" is missing at its end: it may be cut off')
    if (this.#statements === 0) this.#find('refuse', 'there is no statement in it')
    return [...this.#findings.values()].slice(0, findingsKept)
  }

  #read(piece: Piece): void {
    if (piece.kind === 'rows' || piece.kind === 'statement') this.#readStatement(piece)
    this.#line += lineBreaks(piece.bytes)
  }

  #readStatement(piece: Piece & { readonly kind: 'rows' | 'statement' }): void {
    this.#statements++
    const { bytes, command } = piece
    if (command !== undefined) this.#find('refuse', commandText(command), bytes)
    // The rest of an INSERT is rows alone.
    if (piece.kind === 'rows' && !piece.begins) return
    if (piece.kind === 'statement' && bytes.length > longestStatement)
      this.#find('refuse', 'a statement too long to be read', bytes)
    const code = codeOf(bytes, piece.kind === 'rows' ? 4096 : bytes.length)
    const known = knownHarm(code, piece.kind)
    for (const judgement of known) this.#judged(judgement, bytes)
    if (known.length === 0) for (const judgement of this.#judgeShape(code, piece)) this.#judged(judgement, bytes)
  }

  #judgeShape(code: string, piece: Piece & { readonly kind: 'rows' | 'statement' }): readonly Judgement[] {
    const own = /^-- Host: .*?\sDatabase: (.+?)\s*$/m.exec(this.#head)?.[1]
    const mode = this.#modes.judge(piece.bytes)
    return [...judge(code, own), ...(mode === undefined ? [] : [mode])]
  }

  #judged({ severity, what }: Judgement, bytes: Uint8Array): void {
    this.#find(severity, what, bytes)
  }

  #find(severity: Finding['severity'], what: string, bytes?: Uint8Array): void {
    if (this.#findings.has(what)) return
    this.#findings.set(what, { severity, what: bytes === undefined ? what : `line ${this.#line}: ${what}` })
  }
}

function knownHarm(code: string, kind: 'rows' | 'statement'): readonly Judgement[] {
  if (isOfReplication(code))
    return [{ severity: 'ask', what: 'it is of replication (GTID_PURGED, SQL_LOG_BIN): left out when it is loaded' }]
  const command: readonly Judgement[] =
    kind === 'statement' && clientCommands.test(code)
      ? [{ severity: 'refuse', what: `the client command ${firstWord(code)}` }]
      : []
  return [
    ...command,
    ...reaching.filter(([pattern]) => pattern.test(code)).map(([, severity, what]) => ({ severity, what })),
  ]
}

function commandText(command: string): string {
  if (command === '$$') return 'a quote of dollars, which not every client reads'
  return `the client command ${command.length === 1 ? '\\' : ''}${command}`
}

function firstWord(code: string): string {
  return /^\w+/.exec(code)?.[0] ?? ''
}

function lineBreaks(bytes: Uint8Array): number {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let number = 0
  for (let at = buffer.indexOf(10); at !== -1; at = buffer.indexOf(10, at + 1)) number++
  return number
}

function wrongFile(head: string): string | undefined {
  if (head.startsWith('SQLite format 3\0')) return 'it is a SQLite database, not a MySQL dump'
  if (head.startsWith('PGDMP')) return 'it is an archive of pg_dump, not a MySQL dump'
  if (/^-- PostgreSQL database (?:cluster )?dump|^SET client_encoding = |^COPY \S+ \(.*\) FROM stdin;/m.test(head))
    return 'it is a dump of PostgreSQL, not of MySQL'
  if (/^PRAGMA foreign_keys\s*=/m.test(head)) return 'it is a dump of SQLite, not of MySQL'
  if (head.startsWith('\u001f\u008b') || head.startsWith('(\u00b5/\u00fd'))
    return 'it is compressed, but its name does not say so'
  return head.includes('\0') ? 'it is no SQL text' : undefined
}
