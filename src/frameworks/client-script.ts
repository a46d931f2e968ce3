import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { optional } from '../target/url.ts'
import type { Call } from './framework.ts'

/** What a client is told to run: texts on its line, and files. Without either it reads its standard input. */
export type Statements = { readonly texts: readonly string[]; readonly files: readonly string[] }

/** How statements of a client leave the database that it is connected to. */
export type Language = {
  /** Each match's first group is what names another database. */
  readonly leaving: readonly Leaving[]
  /** `file` is another script: counted from the script's own folder where `relative` matched too, else from the client's. */
  readonly including: RegExp
}

type Leaving = {
  readonly pattern: RegExp
  /** The database; undefined where only the client can know it; an empty text where it stays the same. */
  readonly nameOf: (text: string) => string | undefined
}

/** What lies beyond the database that the client is connected to. */
export type Reach = {
  readonly databases: readonly string[]
  /** Why another one is reached that is not among them. */
  readonly elsewhere?: string
  /** Why nobody can say beforehand what is run. */
  readonly unread?: string
}

/** Reads what the statements of a client reach, without running anything and without taking its input away. */
export function reachOf(call: Call, { texts, files }: Statements, language: Language): Reach {
  const search = new Search(call.cwd, language)
  for (const text of texts) search.text(text, call.cwd)
  for (const file of files) search.file(resolve(call.cwd, file))
  if (texts.length + files.length === 0) search.input(call)
  return search.found()
}

const mostFiles = 100

class Search {
  readonly #cwd: string
  readonly #language: Language
  readonly #databases = new Set<string>()
  readonly #seen = new Set<string>()
  #elsewhere: string | undefined
  #unread: string | undefined

  constructor(cwd: string, language: Language) {
    this.#cwd = cwd
    this.#language = language
  }

  input({ input, cwd }: Call): void {
    if (input !== undefined) this.file(resolve(cwd, input))
    else if (isFile(0)) for (const piece of piecesOf(0)) this.text(piece, cwd)
    else this.#unread ??= 'what it reads from its standard input is not known'
  }

  /** A file that is not there is the client's own failure. */
  file(path: string): void {
    if (this.#seen.has(path) || !isThere(path)) return
    this.#seen.add(path)
    if (this.#seen.size > mostFiles) this.#unread ??= 'it reads more scripts than can be followed'
    else if (isFile(path)) for (const piece of piecesOf(path)) this.text(piece, dirname(path))
    else this.#unread ??= `${path} is no file, and cannot be read twice`
  }

  text(text: string, folder: string): void {
    for (const { pattern, nameOf } of this.#language.leaving) {
      for (const [, named = ''] of text.matchAll(pattern)) this.#leaves(nameOf(named))
    }
    for (const { groups = {} } of text.matchAll(this.#language.including)) {
      const { file = '', relative } = groups
      this.file(resolve(relative === undefined ? this.#cwd : folder, file.replace(/^'(.*)'$/, '$1')))
    }
  }

  #leaves(name: string | undefined): void {
    if (name === undefined) this.#elsewhere ??= 'its statements name another database'
    else if (name !== '') this.#databases.add(name)
  }

  found(): Reach {
    const [elsewhere, unread] = [this.#elsewhere, this.#unread]
    return { databases: [...this.#databases], ...optional('elsewhere', elsewhere), ...optional('unread', unread) }
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

/** Whether it can be read without taking it from the client: of a pipe every byte is read once. */
function isFile(file: string | number): boolean {
  try {
    return (typeof file === 'number' ? fstatSync(file) : statSync(file)).isFile()
  } catch {
    return false
  }
}

const pieceBytes = 1024 * 1024
// A statement may stand on both sides of the end of a piece.
const overlap = 512

/** The text of a file in pieces; by positions, which leaves the place alone at which another program reads on. */
function* piecesOf(file: string | number): Generator<string> {
  const descriptor = typeof file === 'number' ? file : openSync(file, 'r')
  try {
    const buffer = Buffer.allocUnsafe(pieceBytes)
    let before = ''
    for (let at = 0; ; ) {
      const bytes = readSync(descriptor, buffer, 0, pieceBytes, at)
      if (bytes === 0) return
      at += bytes
      const text = before + buffer.toString('utf8', 0, bytes)
      yield text
      before = text.slice(-overlap)
    }
  } finally {
    if (typeof file === 'string') closeSync(descriptor)
  }
}
