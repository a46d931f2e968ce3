/** Whether libpq takes the value of `-d` for a connection string and not for a name (`recognized_connection_string`). */
export function isConnectionString(text: string): boolean {
  return /^postgres(?:ql)?:\/\//.test(text) || text.includes('=')
}

/** The keywords of `host=localhost dbname='my shop'` (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING). */
export function readConninfo(text: string): Readonly<Record<string, string>> {
  const pairs = text.matchAll(/(\w+)\s*=\s*(?:'((?:\\.|[^'\\])*)'|((?:\\.|[^\s\\])*))/gs)
  return Object.fromEntries([...pairs].map(([, key = '', quoted, bare]) => [key, unescaped(quoted ?? bare ?? '')]))
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/gs, '$1')
}
