import { resolve } from 'node:path'
import { parseUrl } from '../target/url.ts'
import type { Call, Recognition } from './framework.ts'
import { namedCandidate } from './named.ts'
import { settingsOf } from './node-configuration.ts'
import { harmless, unknown } from './node-recognition.ts'

// Options of the shell that take values, with how many (`sqlite3 -help`); one dash or two.
const valued: Readonly<Record<string, number>> = {
  cmd: 1,
  init: 1,
  separator: 1,
  newline: 1,
  nullvalue: 1,
  mmap: 1,
  maxsize: 1,
  vfs: 1,
  escape: 1,
  heap: 1,
  lookaside: 2,
  pagecache: 2,
}

/** The sqlite3 shell (https://sqlite.org/cli.html): `[OPTIONS] [FILENAME [SQL…]]`. */
export async function recogniseSqlite(call: Call): Promise<Recognition> {
  const { options, file, texts } = readWords(call.words.slice(1))
  if (options.has('version') || options.has('help')) return harmless('sqlite3 only shows something')
  if (options.has('readonly')) return harmless('sqlite3 -readonly only reads')
  const stated =
    file?.startsWith('file:') === true
      ? parseUrl(file, call.cwd)
      : { engine: 'sqlite' as const, database: path(call, file) }
  if ('problem' in stated) return unknown(`sqlite3: its file ${stated.problem}`)
  const origin = { label: 'command line', keys: [], reason: 'sqlite3 is given it', values: await settingsOf(call) }
  const candidates = [namedCandidate(stated, call, origin)]
  return texts.some((text) => /\battach\b|^\s*\.(?:open|restore|read|clone|save)\b/im.test(text))
    ? { state: 'unknown', because: 'sqlite3: its statements open other files', candidates }
    : { state: 'known', by: 'rules', candidates, notes: [] }
}

function path(call: Call, file: string | undefined): string {
  return file === undefined || file === '' || file === ':memory:' ? ':memory:' : resolve(call.cwd, file)
}

type Read = { readonly options: ReadonlySet<string>; readonly file?: string; readonly texts: readonly string[] }

function readWords(args: readonly string[]): Read {
  const options = new Set<string>()
  const positional: string[] = []
  const texts: string[] = []
  for (let index = 0; index < args.length; index++) {
    const word = args[index] ?? ''
    if (!word.startsWith('-')) positional.push(word)
    else {
      const name = word.replace(/^--?/, '')
      options.add(name)
      if (name === 'cmd') texts.push(args[index + 1] ?? '')
      index += valued[name] ?? 0
    }
  }
  const [file, ...statements] = positional
  return { options, ...(file === undefined ? {} : { file }), texts: [...texts, ...statements] }
}
