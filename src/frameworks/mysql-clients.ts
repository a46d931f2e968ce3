import type { Io } from '../effects/io.ts'
import { runTool } from '../effects/spawn.ts'
import type { Values } from '../environment/env-file.ts'
import { Secret } from '../target/secret.ts'
import { optional, type Stated, type Unusable, validPort } from '../target/url.ts'
import { type Language, type Reach, reachOf } from './client-script.ts'
import { type ClientOptions, type ClientWords, lastOf, readClientWords } from './client-words.ts'
import type { Call, Recognition } from './framework.ts'
import { namedCandidate } from './named.ts'
import { settingsOf } from './node-configuration.ts'
import { harmless, unknown } from './node-recognition.ts'

const options: ClientOptions = {
  short: {
    h: 'host',
    P: 'port',
    u: 'user',
    D: 'database',
    S: 'socket',
    e: 'execute',
    p: 'password',
    V: 'version',
    R: 'prompt',
  },
  valued: new Set([
    ...[
      'host',
      'port',
      'user',
      'database',
      'socket',
      'execute',
      'protocol',
      'prompt',
      'default-character-set',
      'init-command',
    ],
    ...[
      'delimiter',
      'tee',
      'ssl-ca',
      'ssl-cert',
      'ssl-key',
      'ssl-mode',
      'max-allowed-packet',
      'connect-timeout',
      'login-path',
      'defaults-group-suffix',
    ],
  ]),
  glued: new Set(['password']),
}

/**
 * mysql, mariadb, mysqladmin, mysqlimport (https://dev.mysql.com/doc/refman/en/connecting.html, option-files.html). Which option
 * files count the client itself says with `--print-defaults`; the line wins over them, and they over `MYSQL_HOST`.
 */
export async function recogniseMysqlClient(io: Io, call: Call, program: string): Promise<Recognition> {
  const line = readClientWords(call.words.slice(1), options)
  if (line.options.has('help') || line.options.has('version') || line.options.has('?'))
    return harmless(`${program} only shows something`)
  const subject = subjectOf(program, line)
  if ('harmless' in subject) return harmless(subject.harmless)
  const settings = await settingsOf(call)
  const defaults = await optionFiles(io, call)
  const own = { ...plain(defaults), ...plain(line), ...optional('database', subject.database) }
  const stated = completed(own, settings, line.options.has('port') && (await isMariadb(io, call)))
  if ('problem' in stated) return unknown(`${program} ${stated.problem}`)
  const texts = line.options.get('execute') ?? []
  return recognition(call, program, stated, { settings, reach: reachOf(call, { texts, files: [] }, mysqlLanguage) })
}

type Subject = { readonly database?: string } | { readonly harmless: string }

function subjectOf(program: string, { positional }: ClientWords): Subject {
  if (!program.endsWith('admin')) return optional('database', positional[0])
  const drop = positional.indexOf('drop')
  return drop < 0
    ? { harmless: `${program} ${positional[0] ?? ''} changes no database` }
    : optional('database', positional[drop + 1])
}

// The client prints the words that its option files add, one after another and unquoted; Oracle's stars its passwords out.
async function optionFiles(io: Io, call: Call): Promise<ClientWords> {
  const leading = call.words.slice(1).filter((word) => /^--(?:no-defaults$|defaults-|login-path)/.test(word))
  const started = { ...io, cwd: call.cwd }
  const output = await runTool(started, call.words[0] ?? 'mysql', {
    arguments: [...leading, '--print-defaults'],
    environment: call.environment,
    seconds: 5,
  })
  const words = (
    output.stdout
      .split('\n')
      .slice(1)
      .join(' ')
      .match(/--[\w-]+(?:=.*?)?(?=\s+--[\w-]|\s*$)/g) ?? []
  ).map((word) => word.trim())
  return readClientWords(
    words.filter((word) => !/^--password=\*+$/.test(word)),
    options,
  )
}

async function isMariadb(io: Io, call: Call): Promise<boolean> {
  const output = await runTool({ ...io, cwd: call.cwd }, call.words[0] ?? 'mysql', {
    arguments: ['--version'],
    environment: call.environment,
    seconds: 5,
  })
  return /mariadb/i.test(output.stdout)
}

function plain(words: ClientWords): Readonly<Record<string, string>> {
  const names = ['host', 'port', 'user', 'password', 'database', 'socket', 'protocol']
  return Object.fromEntries(names.flatMap((name) => (lastOf(words, name) ? [[name, lastOf(words, name) ?? '']] : [])))
}

/** `localhost` is the socket, unless `--protocol=tcp`; a port on the line means TCP to MariaDB's client (measured, 10.11). */
function completed(own: Readonly<Record<string, string>>, settings: Values, portMeansTcp: boolean): Stated | Unusable {
  const variable = (key: string) => settings.get(key)?.value || undefined
  const place = own['host'] ?? variable('MYSQL_HOST') ?? 'localhost'
  const port = own['port'] ?? variable('MYSQL_TCP_PORT')
  if (port !== undefined && !validPort(Number(port))) return { problem: `is given a port that is no number (${port})` }
  const overTcp =
    place !== 'localhost' || own['protocol']?.toLowerCase() === 'tcp' || (portMeansTcp && own['protocol'] === undefined)
  const socket = overTcp ? undefined : (own['socket'] ?? variable('MYSQL_UNIX_PORT'))
  const password = own['password'] ?? variable('MYSQL_PWD')
  return {
    engine: 'mysql',
    ...optional('host', socket === undefined ? (overTcp && place === 'localhost' ? '127.0.0.1' : place) : undefined),
    ...optional('socket', socket),
    ...(port === undefined ? {} : { port: Number(port) }),
    ...optional('database', own['database']),
    ...optional('user', own['user'] ?? variable('USER')),
    ...(password === undefined ? {} : { password: new Secret(password) }),
  }
}

type Read = { readonly settings: Values; readonly reach: Reach }

function recognition(call: Call, program: string, stated: Stated, { settings, reach }: Read): Recognition {
  const origin = { label: 'command line', keys: [], reason: `${program} is given it`, values: settings }
  const names = [...new Set([...(stated.database === undefined ? [] : [stated.database]), ...reach.databases])]
  const candidates = names.map((database) => namedCandidate({ ...stated, database }, call, origin))
  if (stated.database === undefined)
    return { state: 'unknown', because: `${program} is given no database: its statements may use any`, candidates }
  if (reach.elsewhere !== undefined) return { state: 'unknown', because: `${program}: ${reach.elsewhere}`, candidates }
  return { state: 'known', by: 'rules', candidates, notes: [] }
}

// https://dev.mysql.com/doc/refman/en/mysql-commands.html; mysqldump writes IF EXISTS in a comment of its own.
const mysqlLanguage: Language = {
  leaving: [
    { pattern: /(?:^|;)\s*use(?:\s+|(?=`))(`(?:[^`]|``)+`|[^\s;`]+)/gim, nameOf: nameIn },
    {
      pattern:
        /\b(?:create|drop|alter)\s+(?:database|schema)\s+(?:\/\*!\d*\s*)?(?:if\s+(?:not\s+)?exists\s*)?(?:\*\/\s*)?(`(?:[^`]|``)+`|[^\s;`*]+)/gi,
      nameOf: nameIn,
    },
  ],
  including: /^\s*(?:source|\\\.)[ \t]+(?<file>[^\s;]+)/gim,
}

function nameIn(text: string): string | undefined {
  if (text.startsWith('@')) return undefined
  return text.startsWith('`') ? text.slice(1, -1).replaceAll('``', '`') : text
}
