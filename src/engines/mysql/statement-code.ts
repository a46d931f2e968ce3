const token =
  /'(?:[^'\\]|\\[\s\S]|'')*'|"(?:[^"\\]|\\[\s\S]|"")*"|`(?:[^`]|``)*`|--(?=[\0- ]|$)[^\n]*|#[^\n]*|\/\*(?!!|M!)[\s\S]*?\*\/|\/\*M?!\d*|\*\//g

/** The statement's text as code: comments away, the content of `/*! … *\/` kept. Of a long one, the beginning. */
export function codeOf(bytes: Uint8Array, limit = 16 * 1024): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, limit)).toString()
  return text.replace(token, (found) => (/^['"`]/.test(found) ? found : ' ')).trim()
}

const logging = String.raw`(?:@@SESSION\.|SESSION\s+|@@)?SQL_LOG_BIN`
const ofReplication = new RegExp(
  String.raw`^SET\s+(?:@\w+\s*:?=\s*${logging}|${logging}\s*=\s*(?:@\w+|\d|ON|OFF)|(?:@@GLOBAL\.|GLOBAL\s+)GTID_PURGED\s*=(?:\s*'[^'\\]*')+)\s*\W*$`,
  'i',
)

/** What mysqldump writes of a server with GTIDs: which transactions the file stands for, and that loading it is none. */
export function isOfReplication(code: string): boolean {
  return ofReplication.test(code)
}

const gapBefore = /(?:[\0- ]|--(?=[\0- ]|$)[^\n]*|#[^\n]*|\/\*(?!!|M!)[\s\S]*?\*\/|\/\*M?!\d*|\*\/)*/y
const word = /\w+/y

/** The first words of a statement, in capitals, however they are spaced, commented or followed by a quote. */
export function leadingWords(bytes: Uint8Array, number: number): readonly string[] {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
  const words: string[] = []
  let at = 0
  while (words.length < number) {
    gapBefore.lastIndex = at
    gapBefore.exec(text)
    word.lastIndex = gapBefore.lastIndex
    const found = word.exec(text)?.[0]
    if (found === undefined) break
    words.push(found.toUpperCase())
    at = word.lastIndex
  }
  return words
}
