import { displayName, unquote } from './names.ts'
import { decode, tokensOf } from './reader.ts'

/** What the server and the role that restores can take. */
export type Here = {
  readonly user: string
  readonly superuser: boolean
  readonly roles: ReadonlySet<string>
  /** Roles that `user` may give objects to. */
  readonly ownable: ReadonlySet<string>
  readonly extensions: ReadonlySet<string>
  readonly tablespaces: ReadonlySet<string>
  /** Names of settings that this version has. */
  readonly settings: ReadonlySet<string>
  /** Schemas that are there already and belong to somebody else. */
  readonly foreignSchemas: ReadonlySet<string>
  /** Schemas that are there already and stay. */
  readonly schemas: ReadonlySet<string>
  /** Extensions that are there already and belong to somebody else. */
  readonly foreignExtensions: ReadonlySet<string>
}

export type Fit =
  | { readonly kind: 'keep' }
  /** Left out; `note` says so where it matters to a person. */
  | { readonly kind: 'drop'; readonly note?: string }
  | { readonly kind: 'replace'; readonly sql: string; readonly note: string }

const keep: Fit = { kind: 'keep' }

/** Decides for one statement whether this server and role can take it; `head` as the reader gives it. */
export function fitStatement(head: string, here: Here): Fit {
  const tokens = tokensOf(head.length > 65_536 ? head.slice(0, 4096) : head)
  const words = tokens.map((token) => (token.startsWith('"') ? token : token.toLowerCase()))
  const rule = rules[words[0] ?? '']
  return rule?.(new Statement(tokens, words), here) ?? keep
}

/** The tokens of a statement, with words in lower case beside them. */
class Statement {
  readonly tokens: readonly string[]
  readonly words: readonly string[]

  constructor(tokens: readonly string[], words: readonly string[]) {
    this.tokens = tokens
    this.words = words
  }

  starts(...words: string[]): boolean {
    return words.every((word, index) => this.words[index] === word)
  }

  /** The name at a position, as the server knows it. */
  name(at: number): string {
    return unquote(decode(this.tokens[at] ?? '', 'UTF8'))
  }

  /** The comma-separated role names behind a word, up to another clause. */
  namesAfter(at: number): string[] {
    const names: string[] = []
    for (let i = at + 1; i < this.words.length && !clauseWords.has(this.words[i] ?? ''); i++) {
      if (this.words[i] !== ',' && this.words[i] !== 'group') names.push(this.name(i))
    }
    return names
  }

  after(...words: string[]): number {
    const at = words.findIndex((word) => this.starts(...word.split(' ')))
    return at < 0 ? -1 : (words[at] ?? '').split(' ').length
  }
}

const clauseWords = new Set([';', 'with', 'using', 'granted', 'cascade', 'restrict', '('])
const everyone = new Set(['public', 'current_user', 'session_user', 'current_role'])

type Rule = (statement: Statement, here: Here) => Fit | undefined

const rules: Readonly<Record<string, Rule>> = {
  begin: transactionControl,
  start: transactionControl,
  commit: transactionControl,
  end: transactionControl,
  rollback: transactionControl,
  abort: transactionControl,
  set: setStatement,
  reset: (statement, here) =>
    statement.starts('reset', 'session', 'authorization') && !here.superuser ? { kind: 'drop' } : undefined,
  alter: (statement, here) =>
    databaseItself(statement) ??
    defaultPrivileges(statement, here) ??
    superuserOnly(statement, here) ??
    connecting(statement) ??
    owner(statement, here),
  grant: (statement, here) => databaseItself(statement) ?? grant(statement, here, 'to'),
  revoke: (statement, here) => databaseItself(statement) ?? grant(statement, here, 'from'),
  create: (statement, here) =>
    databaseItself(statement) ??
    extension(statement, here) ??
    existingSchema(statement, here) ??
    policy(statement, here) ??
    userMapping(statement, here) ??
    superuserOnly(statement, here) ??
    connecting(statement),
  drop: databaseItself,
  comment: comment,
}

// Large objects come between BEGIN and COMMIT, which would end our own transaction.
function transactionControl(): Fit {
  return { kind: 'drop' }
}

const notSettings = new Set(['transaction', 'constraints', 'time', 'names', 'xml', 'schema', 'seed', 'catalog'])

function setStatement(statement: Statement, here: Here): Fit | undefined {
  if (statement.starts('set', 'session', 'authorization')) return authorization(statement, here)
  const at = statement.after('set session', 'set local', 'set')
  const name = statement.name(at).toLowerCase()
  if (name === 'role') return authorization(statement, here)
  if (statement.words[at + 1] === '.' || notSettings.has(name)) return undefined
  if (name === 'default_tablespace') return tablespace(statement, here, at)
  if (here.settings.has(name)) return undefined
  return { kind: 'drop', note: `this server has no setting ${name}: left out` }
}

function authorization(statement: Statement, here: Here): Fit | undefined {
  const role = statement.name(statement.starts('set', 'role') ? 2 : 3)
  if (role === 'default' || role === 'none') return here.superuser ? undefined : { kind: 'drop' }
  if (here.superuser && here.roles.has(role)) return undefined
  return { kind: 'drop', note: `rights that role ${shown(role)} granted are granted by ${shown(here.user)} here` }
}

function tablespace(statement: Statement, here: Here, at: number): Fit | undefined {
  const value = statement.words[at + 2] ?? "''"
  const name = statement.name(at + 2)
  if (value === "''" || here.tablespaces.has(name)) return undefined
  const note = `tablespace ${shown(name)} does not exist here: the default one is used`
  return { kind: 'replace', sql: "SET default_tablespace = '';\n", note }
}

function owner(statement: Statement, here: Here): Fit | undefined {
  const { words } = statement
  const at = words.lastIndexOf('owner')
  if (at < 0 || words[at + 1] !== 'to') return undefined
  if (words[1] === 'schema' && here.foreignSchemas.has(statement.name(2))) return { kind: 'drop' }
  const role = statement.name(at + 2)
  if (everyone.has(role) || here.ownable.has(role)) return undefined
  return { kind: 'drop', note: ownerNote(role, here) }
}

function ownerNote(role: string, here: Here): string {
  return here.roles.has(role)
    ? `${shown(here.user)} may not give objects to role ${shown(role)}: left to ${shown(here.user)}`
    : `owner ${shown(role)} does not exist here: left to ${shown(here.user)}`
}

function missingRole(names: readonly string[], here: Here): string | undefined {
  return names.find((name) => !everyone.has(name) && !here.roles.has(name))
}

function grant(statement: Statement, here: Here, word: 'to' | 'from'): Fit | undefined {
  const missing = missingRole(statement.namesAfter(statement.words.lastIndexOf(word)), here)
  return missing === undefined ? undefined : { kind: 'drop', note: grantNote(missing) }
}

function grantNote(role: string): string {
  return `role ${shown(role)} does not exist here: its rights were left out`
}

function defaultPrivileges(statement: Statement, here: Here): Fit | undefined {
  if (!statement.starts('alter', 'default', 'privileges')) return undefined
  const role = statement.name(5)
  if (statement.starts('alter', 'default', 'privileges', 'for', 'role') && !here.ownable.has(role)) {
    return { kind: 'drop', note: `default privileges of role ${shown(role)} were left out` }
  }
  return grant(statement, here, statement.words.includes('revoke') ? 'from' : 'to')
}

/** The extension or schema that a statement creates. */
export function createdBy(
  head: string,
): { readonly kind: 'extensions' | 'schemas'; readonly name: string } | undefined {
  if (!/^\s*create\s+(extension|schema)\b/i.test(head)) return undefined
  const tokens = tokensOf(head.slice(0, 4096))
  const statement = new Statement(
    tokens,
    tokens.map((token) => token.toLowerCase()),
  )
  return statement.starts('create', 'schema')
    ? { kind: 'schemas', name: schemaName(statement) }
    : { kind: 'extensions', name: extensionName(statement) }
}

function extensionName(statement: Statement): string {
  return statement.name(statement.after('create extension if not exists', 'create extension'))
}

function schemaName(statement: Statement): string {
  return statement.name(statement.after('create schema if not exists', 'create schema'))
}

function extension(statement: Statement, here: Here): Fit | undefined {
  if (!statement.starts('create', 'extension')) return undefined
  const name = extensionName(statement)
  if (here.extensions.has(name)) return undefined
  return { kind: 'drop', note: `extension ${shown(name)} is not installed on this server: left out` }
}

function existingSchema(statement: Statement, here: Here): Fit | undefined {
  if (!statement.starts('create', 'schema')) return undefined
  const name = schemaName(statement)
  return here.schemas.has(name) ? { kind: 'drop' } : undefined
}

function policy(statement: Statement, here: Here): Fit | undefined {
  if (!statement.starts('create', 'policy')) return undefined
  const to = statement.words.indexOf('to')
  const body = statement.words.findIndex((word) => word === 'using' || word === 'with')
  if (to < 0 || (body >= 0 && to > body)) return undefined
  const missing = missingRole(statement.namesAfter(to), here)
  if (missing === undefined) return undefined
  return {
    kind: 'drop',
    note: `policy ${shown(statement.name(2))} is for role ${shown(missing)}, which does not exist here: left out`,
  }
}

function userMapping(statement: Statement, here: Here): Fit | undefined {
  if (!statement.starts('create', 'user', 'mapping')) return undefined
  const missing = missingRole([statement.name(4)], here)
  return missing === undefined
    ? undefined
    : { kind: 'drop', note: `user mapping of role ${shown(missing)} was left out` }
}

// A publication of single tables is anybody's; these need a superuser. What alters or comments on them goes with them.
function superuserOnly(statement: Statement, here: Here): Fit | undefined {
  if (here.superuser) return undefined
  const [, second, third] = statement.words
  const kind =
    second === 'event' && third === 'trigger' ? 'event trigger' : second === 'subscription' ? second : undefined
  if (kind === undefined) return undefined
  const name = statement.name(kind === 'subscription' ? 2 : 3)
  return { kind: 'drop', note: `${kind} ${shown(name)} needs a superuser to be created: left out` }
}

// pg_dump makes each with `connect = false`: one that connects would take from its slot what the live database waits for.
function connecting(statement: Statement): Fit | undefined {
  const { words } = statement
  if (words[1] !== 'subscription') return undefined
  const harmless = words[0] === 'create' ? staysAlone.test(words.join(' ')) : words[3] === 'owner'
  if (harmless) return undefined
  const name = shown(statement.name(2))
  return { kind: 'drop', note: `subscription ${name} would connect to another server: left out` }
}

const staysAlone = / with \( (?:.+ , )?connect = false(?: , .+)? \)(?: ;)?$/

function comment(statement: Statement, here: Here): Fit | undefined {
  const [, , kind] = statement.words
  if (kind === 'database') return databaseItself(statement)
  if (kind === 'schema' && here.foreignSchemas.has(statement.name(3))) return { kind: 'drop' }
  const name = statement.name(3)
  if (kind === 'extension' && (!here.extensions.has(name) || here.foreignExtensions.has(name))) return { kind: 'drop' }
  return kind === 'event' && !here.superuser ? { kind: 'drop' } : undefined
}

// What names a database as such (pg_dump --create): the content goes where the user said, under the name that it has.
function databaseItself(statement: Statement): Fit | undefined {
  const { words } = statement
  const named = words[1] === 'database' || (words[1] === 'on' && words[2] === 'database')
  const granted = /^(grant|revoke)$/.test(words[0] ?? '') && words[words.indexOf('on') + 1] === 'database'
  if (!named && !granted) return undefined
  return { kind: 'drop', note: `what the file says about the database itself was left out (${words[0]} database)` }
}

function shown(name: string): string {
  return displayName([name])
}
