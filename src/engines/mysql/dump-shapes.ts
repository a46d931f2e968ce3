import type { Finding } from '../engine.ts'
import { createdBy } from './dump-reader.ts'
import { unquoteName } from './names.ts'

export type Judgement = Pick<Finding, 'severity' | 'what'>

const name = String.raw`(?:\`(?:[^\`]|\`\`)*\`|[\w$\u0080-\uffff]+)`
const end = String.raw`\s*\W*$`
const value = String.raw`(?:@@[\w.]+|'[^']*'|[\w+-]+)`
const setting = String.raw`(?:@\w+\s*:?=\s*@@[\w.]+|NAMES\s+\w+|(?:@@(?:SESSION\.)?)?[A-Za-z_]\w*\s*=\s*(?:@\w+|${value}))`

/** What mysqldump and mariadb-dump write, with names that stay in the database that is in use. */
const shapes = [
  `SET (?:SESSION )?${setting}(?:\\s*,\\s*${setting})*${end}`,
  `DROP (?:TABLE|VIEW|SEQUENCE|TRIGGER|EVENT|PROCEDURE|FUNCTION|PACKAGE|PACKAGE BODY|LIBRARY) (?:IF EXISTS )?${name}${end}`,
  `CREATE TABLE (?:IF NOT EXISTS )?${name}\\s*\\(`,
  `CREATE SEQUENCE (?:IF NOT EXISTS )?${name}(?!\\s*\\.)`,
  `CREATE (?:OR REPLACE )?VIEW ${name}(?: \\([^)]*\\))? AS SELECT`,
  `(?:SELECT|DO) SETVAL\\s*\\(${name}\\s*,[\\s\\w,-]*\\)${end}`,
  `(?:INSERT|REPLACE) (?:(?:IGNORE|DELAYED|LOW_PRIORITY) )*INTO ${name}\\s*(?:\\((?:${name}|[\\s,])*\\)\\s*)?VALUES?\\b`,
  `LOCK TABLES ${name} (?:READ(?: LOCAL)?|WRITE)${end}`,
  `UNLOCK TABLES${end}`,
  `ALTER TABLE ${name} (?:DISABLE|ENABLE) KEYS${end}`,
  `ALTER DATABASE (?:${name} )?CHARACTER SET \\w+ COLLATE \\w+${end}`,
  `(?:BEGIN|COMMIT|START TRANSACTION)${end}`,
].map((shape) => new RegExp(`^${shape.replaceAll(' ', '\\s+')}`, 'i'))

const stored = new Set(['view', 'trigger', 'event', 'procedure', 'function', 'package', 'package body', 'library'])

/** What speaks against a statement; `own` is the database that the file says it is of. */
export function judge(code: string, own: string | undefined): readonly Judgement[] {
  const object = createdBy(code)
  if (object !== undefined && stored.has(object.kind)) return judgeStored(code, object.kind, own)
  const outside = namesOutside(code, own)
  if (outside !== undefined) return [outside]
  if (shapes.some((shape) => shape.test(code)) && !/^CREATE\s+TABLE[\s\S]*\bSELECT\b/i.test(withoutStrings(code)))
    return []
  const words = /^\w+(?:\s+\w+)?/.exec(code)?.[0].toUpperCase() ?? 'of no word'
  return [{ severity: 'ask', what: `a statement that no dump needs: ${words}` }]
}

const databaseStatement = new RegExp(
  String.raw`^(USE|(?:CREATE(?:\s+OR\s+REPLACE)?|DROP|ALTER)\s+(?:DATABASE|SCHEMA)\b)\s*(?:IF\s+(?:NOT\s+)?EXISTS\s*)?(${name})?`,
  'i',
)
const anyName = String.raw`(?:\`(?:[^\`]|\`\`)*\`|"(?:[^"]|"")*"|(?<![\w$])[A-Za-z_$\u0080-\uffff][\w$\u0080-\uffff]*)`
const qualified = new RegExp(String.raw`(?<![@.])(${anyName})\s*\.\s*(?:${anyName}|\*)`, 'g')

function namesOutside(code: string, own: string | undefined): Judgement | undefined {
  const dynamic = /^(?:PREPARE|EXECUTE|DEALLOCATE)\b/i.exec(code)?.[0]
  if (dynamic !== undefined)
    return { severity: 'refuse', what: `${dynamic.toUpperCase()} runs what cannot be read here` }
  if (/^USE\b|^(?:CREATE|DROP|ALTER)\b(?:\s+OR\s+REPLACE\b)?\s*(?:DATABASE|SCHEMA)\b/i.test(code))
    return judgeDatabase(code, own)
  if (/^SET\b/i.test(code)) return undefined // `@@SESSION.x`
  const statement = /^(?:INSERT|REPLACE)\b(?:`(?:[^`]|``)*`|[^`'"])*?\bVALUES?\b/i.exec(code)?.[0] ?? code
  const [first] = withoutStrings(statement).matchAll(qualified)
  if (first?.[1] === undefined) return undefined
  // A sequence as a column's default is written with its database.
  const severity = unquoteName(first[1]) === own && /^CREATE\s+TABLE\b/i.test(code) ? 'ask' : 'refuse'
  return { severity, what: `a statement for database ${unquoteName(first[1])}` }
}

// The dump's own is left out when it is loaded.
function judgeDatabase(code: string, own: string | undefined): Judgement | undefined {
  const [, statement = '', word = ''] = databaseStatement.exec(code) ?? []
  const database = unquoteName(word)
  const what = `${statement.toUpperCase().replaceAll(/\s+/g, ' ')} names database ${database}`
  if (/^ALTER/i.test(statement))
    return shapes.some((shape) => shape.test(code)) ? undefined : { severity: 'refuse', what }
  return database === own
    ? { severity: 'ask', what: `${what}: left out when it is loaded` }
    : { severity: 'refuse', what }
}

const reachingBody = new RegExp(
  String.raw`\b(?:INTO|UPDATE|FROM|TABLE|JOIN|CALL)[\s(]+(${anyName})\s*\.\s*${anyName}`,
  'gi',
)

// A trigger runs while rows are loaded; the others are only stored.
function judgeStored(code: string, kind: string, own: string | undefined): readonly Judgement[] {
  const databases = [...withoutStrings(code).matchAll(reachingBody)].map((match) => unquoteName(match[1] ?? ''))
  const other = databases.find((database) => database !== own)
  if (other === undefined) return []
  return [{ severity: kind === 'trigger' ? 'refuse' : 'ask', what: `a ${kind} that works in database ${other}` }]
}

function withoutStrings(code: string): string {
  return code.replace(/`(?:[^`]|``)*`|'(?:[^'\\]|\\[\s\S]|'')*'/g, (found) => (found.startsWith('`') ? found : "''"))
}

/**
 * Whether backslashes escape is read off the statements that set `sql_mode`: those must be run by every server, and a
 * mode that is kept to be set again must be one in which they do.
 */
export class ModeReader {
  #escapes = true

  judge(bytes: Uint8Array): Judgement | undefined {
    if (bytes.length > 4096) return undefined
    const text = Buffer.from(bytes).toString('latin1')
    if (!/^[\s\S]{0,64}\bSET\b/i.test(text) || !/sql_mode/i.test(text)) return undefined
    if (/\/\*(?:M!|!(?!40|50[0-6])\d)/.test(text) || (!this.#escapes && /@@(?:SESSION\.)?sql_mode/i.test(text)))
      return { severity: 'refuse', what: 'sql_mode is set in a way that no dump needs' }
    const mode = /\bsql_mode\s*=\s*('[^']*'|@\w+)/i.exec(text)?.[1]
    if (mode !== undefined) this.#escapes = !/NO_BACKSLASH_ESCAPES/i.test(mode)
    return undefined
  }
}
