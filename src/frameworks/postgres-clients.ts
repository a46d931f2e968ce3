import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type { Io } from '../effects/io.ts'
import { runTool } from '../effects/spawn.ts'
import type { Values } from '../environment/env-file.ts'
import { completeServer } from '../target/candidates.ts'
import type { Candidate } from '../target/resolve.ts'
import { Secret } from '../target/secret.ts'
import { optional, parseUrl, type Stated, type Unusable, validPort } from '../target/url.ts'
import { type Language, type Reach, reachOf } from './client-script.ts'
import { type ClientOptions, type ClientWords, lastOf, readClientWords } from './client-words.ts'
import { isConnectionString, readConninfo } from './conninfo.ts'
import type { Call, Recognition } from './framework.ts'
import { settingsOf } from './node-configuration.ts'
import { harmless, unknown } from './node-recognition.ts'
import { readService } from './postgres-service.ts'

const connection = { h: 'host', p: 'port', U: 'username', d: 'dbname' }

const psqlOptions: ClientOptions = {
  short: {
    ...connection,
    c: 'command',
    f: 'file',
    l: 'list',
    V: 'version',
    v: 'set',
    o: 'output',
    F: 'field-separator',
    L: 'log-file',
    P: 'pset',
    R: 'record-separator',
    T: 'table-attr',
  },
  valued: new Set([
    'host',
    'port',
    'username',
    'dbname',
    'command',
    'file',
    'set',
    'variable',
    'output',
    'field-separator',
    'log-file',
    'pset',
    'record-separator',
    'table-attr',
  ]),
}

const restoreOptions: ClientOptions = {
  short: {
    ...connection,
    l: 'list',
    f: 'file',
    C: 'create',
    V: 'version',
    F: 'format',
    I: 'index',
    j: 'jobs',
    L: 'use-list',
    n: 'schema',
    N: 'exclude-schema',
    P: 'function',
    S: 'superuser',
    t: 'table',
    T: 'trigger',
  },
  valued: new Set([
    'host',
    'port',
    'username',
    'dbname',
    'file',
    'format',
    'index',
    'jobs',
    'use-list',
    'schema',
    'exclude-schema',
    'function',
    'superuser',
    'table',
    'trigger',
    'role',
    'section',
  ]),
}

/** psql (https://www.postgresql.org/docs/current/app-psql.html): `[option…] [dbname [username]]`, and libpq's variables. */
export async function recognisePsql(call: Call): Promise<Recognition> {
  const words = readClientWords(call.words.slice(1), psqlOptions)
  if (['list', 'version', 'help'].some((name) => words.options.has(name)) || words.options.has('?'))
    return harmless('psql only shows something')
  const named = lastOf(words, 'dbname')
  const [dbname, username] = named === undefined ? words.positional : [named, words.positional[0]]
  const given = {
    ...place(words),
    ...optional('dbname', dbname),
    ...optional('user', lastOf(words, 'username') ?? username),
  }
  const recognition = await recognisedBy(call, 'psql', given)
  if (recognition.state !== 'known') return recognition
  const files = (words.options.get('file') ?? []).filter((file) => file !== '-')
  const reach = reachOf(call, { texts: words.options.get('command') ?? [], files }, psqlLanguage)
  return reaching(recognition, reach, (name) => recognisedBy(call, 'psql', given, name))
}

// https://www.postgresql.org/docs/current/app-psql.html: \\connect, \\i; a name that is not quoted is folded by DROP alone.
const psqlLanguage: Language = {
  leaving: [
    { pattern: /^\s*\\c(?:onnect)?(?=\s|$)[ \t]*([^\n]*)/gim, nameOf: connected },
    {
      pattern: /\b(?:drop|alter)\s+database\s+(?:if\s+exists\s+)?("(?:[^"]|"")+"|[^\s;("]+)/gi,
      nameOf: (name) => (name.startsWith(':') ? undefined : nameIn(name, name.toLowerCase())),
    },
  ],
  including: /^\s*\\i(?:nclude)?(?<relative>r|_relative)?[ \t]+(?<file>\S+)/gim,
}

function connected(words: string): string | undefined {
  const [name = '', ...more] = words.trim().split(/\s+/)
  if (more.length > 0 || /[:/=]/.test(name)) return undefined
  return name === '-' ? '' : nameIn(name, name)
}

function nameIn(text: string, plain: string): string {
  return text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : plain
}

// From these nothing is lost, and everything can be dropped.
const maintenance = new Set(['postgres', 'template1'])

type Known = Extract<Recognition, { state: 'known' }>

/** The databases that the statements reach beside the one that the client is connected to. */
async function reaching(
  recognition: Known,
  reach: Reach,
  recognise: (database: string) => Promise<Recognition>,
): Promise<Recognition> {
  const others = await Promise.all(reach.databases.map(recognise))
  const candidates = [
    ...recognition.candidates,
    ...others.flatMap((one) => ('candidates' in one ? one.candidates : [])),
  ]
  const serving = candidates.some(({ target }) => maintenance.has(target.database))
  const because = reach.elsewhere ?? (serving ? reach.unread : undefined)
  return because === undefined
    ? { ...recognition, candidates }
    : { state: 'unknown', because: `psql: ${because}`, candidates }
}

/** pg_restore (https://www.postgresql.org/docs/current/app-pgrestore.html): without `-d` it prints; with `-C` the archive names the database. */
export async function recognisePgRestore(io: Io, call: Call): Promise<Recognition> {
  const words = readClientWords(call.words.slice(1), restoreOptions)
  const dbname = lastOf(words, 'dbname')
  if (dbname === undefined || words.options.has('list')) return harmless('pg_restore without -d only prints')
  const recognition = await recognisedBy(call, 'pg_restore', { ...place(words), dbname })
  if (!words.options.has('create')) return recognition
  const archived = await archivedName(io, call, words.positional[0])
  if (archived === undefined)
    return switching(
      recognition,
      'pg_restore --create restores into the database that the archive names, and it cannot be read',
    )
  return recognisedBy(call, 'pg_restore --create', { ...place(words), dbname }, archived)
}

export async function recogniseDropdb(call: Call): Promise<Recognition> {
  const words = readClientWords(call.words.slice(1), {
    short: { ...connection, e: 'echo' },
    valued: new Set(['host', 'port', 'username', 'maintenance-db']),
  })
  const [dbname] = words.positional
  if (dbname === undefined) return harmless('dropdb without a name does nothing')
  return recognisedBy(call, 'dropdb', place(words), dbname)
}

async function archivedName(io: Io, call: Call, file: string | undefined): Promise<string | undefined> {
  if (file === undefined) return undefined
  const started = { ...io, cwd: call.cwd }
  const output = await runTool(started, call.words[0] ?? 'pg_restore', {
    arguments: ['--list', resolve(call.cwd, file)],
    environment: call.environment,
    seconds: 5,
  })
  return /^;\s+dbname: (.+)$/m.exec(output.stdout)?.[1]
}

function place(words: ClientWords): Readonly<Record<string, string>> {
  return {
    ...optional('host', lastOf(words, 'host')),
    ...optional('port', lastOf(words, 'port')),
    ...optional('user', lastOf(words, 'username')),
  }
}

function switching(recognition: Recognition, because: string): Recognition {
  return recognition.state === 'known' ? { state: 'unknown', because, candidates: recognition.candidates } : recognition
}

type Words = Readonly<Record<string, string>>

async function recognisedBy(call: Call, program: string, words: Words, database?: string): Promise<Recognition> {
  const settings = await settingsOf(call)
  const named = words['dbname'] ?? settings.get('PGDATABASE')?.value
  const text = words['dbname'] !== undefined && isConnectionString(words['dbname']) ? words['dbname'] : undefined
  const inText = text === undefined ? {} : inString(text, call.cwd)
  if ('problem' in inText) return unknown(`${program}: the connection string ${inText.problem}`)
  const { dbname: _, ...line } = words
  const said: Words = { ...line, ...(text === undefined ? optional('dbname', words['dbname']) : inText) }
  const service = said['service'] ?? (settings.get('PGSERVICE')?.value || undefined)
  const behind = service === undefined ? {} : await readService(service, settings)
  if (behind === undefined) return unknown(`${program} uses the service ${service}, which no pg_service.conf names`)
  const stated = completed({
    ...variables(settings),
    ...behind,
    ...said,
    ...(database === undefined ? {} : { dbname: database }),
  })
  if ('problem' in stated) return unknown(`${program} ${stated.problem}`)
  const keys = named === undefined || words['dbname'] !== undefined ? [] : ['PGDATABASE']
  return { state: 'known', by: 'rules', candidates: [candidate(call, stated, program, keys, settings)], notes: [] }
}

function inString(text: string, cwd: string): Words | Unusable {
  if (!/^\w+:\/\//.test(text)) return readConninfo(text)
  const stated = parseUrl(text, cwd)
  if ('problem' in stated) return stated
  return {
    ...optional('host', stated.socket ?? stated.host),
    ...optional('port', stated.port === undefined ? undefined : String(stated.port)),
    ...optional('dbname', stated.database),
    ...optional('user', stated.user),
    ...optional('password', stated.password?.reveal()),
    ...stated.parameters,
  }
}

// https://www.postgresql.org/docs/current/libpq-envars.html
const variableNames = {
  host: 'PGHOST',
  port: 'PGPORT',
  dbname: 'PGDATABASE',
  user: 'PGUSER',
  password: 'PGPASSWORD',
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  options: 'PGOPTIONS',
}

function variables(settings: Values): Words {
  const pairs = Object.entries(variableNames).map(([name, key]) => [name, settings.get(key)?.value ?? ''])
  return Object.fromEntries(pairs.filter(([, value]) => value !== '')) as Words
}

function completed(words: Words): Stated | Unusable {
  const { host: place, port, dbname, user: role, password } = words
  if (place?.includes(',') === true || port?.includes(',') === true) return { problem: 'is given several hosts' }
  if (port !== undefined && !validPort(Number(port))) return { problem: `is given a port that is no number (${port})` }
  const user = role ?? userInfo().username
  const socket = place?.startsWith('/') === true ? place : undefined
  const kept = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'options'].filter((name) => words[name] !== undefined)
  return {
    engine: 'postgres',
    ...optional('host', socket === undefined ? (words['hostaddr'] ?? place) : undefined),
    ...optional('socket', socket),
    ...(port === undefined ? {} : { port: Number(port) }),
    database: dbname === undefined || dbname === '' ? user : dbname,
    user,
    ...(password === undefined ? {} : { password: new Secret(password) }),
    parameters: Object.fromEntries(kept.map((name) => [name, words[name] ?? ''])),
  }
}

// Without any host libpq means its own socket, and not 127.0.0.1.
function candidate(call: Call, stated: Stated, program: string, keys: readonly string[], values: Values): Candidate {
  const label = keys.length > 0 ? (values.get(keys[0] ?? '')?.label ?? 'environment') : 'command line'
  const labels = Object.fromEntries(keys.map((key) => [key, label]))
  const target = completeServer(stated, { kind: 'framework', label, keys, labels }, true)
  const files = call.envFiles.includes(label) ? [label] : []
  return {
    target,
    reason: `${program} is given it${keys.length > 0 ? ` by ${keys.join(', ')}` : ''}`,
    files,
    values,
    environment: call.environment,
  }
}
