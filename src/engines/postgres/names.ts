/** An identifier for SQL that we send: always quoted. */
export function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A string for SQL that we send, whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

const plainName = /^[a-z_][a-z0-9_$]*$/

/** A qualified name by the one rule of manifests: a part is quoted unless it is plain lower case. */
export function displayName(parts: readonly string[]): string {
  return parts.map((part) => (plainName.test(part) ? part : quoteIdentifier(part))).join('.')
}

/** The parts of a name that `displayName` wrote. */
export function partsOf(name: string): string[] {
  const parts = name.match(/"(?:[^"]|"")*"|[^."]+/g) ?? []
  return parts.map(unquote)
}

/** A name's part as SQL writes it: unquoted ones are lower case. */
export function unquote(part: string): string {
  return part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : lowerAscii(part)
}

// The server folds only ASCII letters of an unquoted name (in multi-byte encodings).
function lowerAscii(text: string): string {
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
}

/** A display name as SQL that we send: every part quoted. */
export function quotedForSql(name: string): string {
  return partsOf(name).map(quoteIdentifier).join('.')
}

/** A libpq connection string: every value quoted, so that a database named `a=b` or `postgres://x` stays a name. */
export function conninfo(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key}='${value.replace(/[\\']/g, '\\$&')}'`)
    .join(' ')
}

/** What a name may have; the server would cut a longer one without a word. */
export const nameBytes = 63

/** The longest beginning of `text` that has at most `bytes` bytes in UTF-8. */
export function boundedBytes(text: string, bytes: number): string {
  let kept = ''
  let size = 0
  for (const character of text) {
    size += Buffer.byteLength(character)
    if (size > bytes) return kept
    kept += character
  }
  return kept
}
