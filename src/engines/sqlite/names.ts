const plain = /^[A-Za-z_][A-Za-z0-9_$]*$/

/** A name as SQL takes it, always quoted. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/** A table's name as people and manifests see it: quoted only where it must be. */
export function displayed(name: string): string {
  return plain.test(name) ? name : quoted(name)
}

/** A text as SQL takes it. */
export function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A path as a URI of SQLite's: `?`, `#` and `%` of a name stay the name's. */
export function uriOf(path: string, parameters: string): string {
  return `file:${path.split('/').map(encodeURIComponent).join('/')}?${parameters}`
}
