/** How much of TLS is asked for, in libpq's words. */
type TlsMode = 'disable' | 'prefer' | 'require' | 'verify-ca' | 'verify-full'

export type Tls = { readonly mode: TlsMode; readonly ca?: string; readonly cert?: string; readonly key?: string }

// What URLs carry in the wild, compared without case, `-` and `_`: libpq and Prisma, Oracle's and MariaDB's clients,
// mysql2, Connector/J, Go's driver.
const modeKeys = ['sslmode', 'ssl', 'tls', 'usessl', 'sslaccept', 'requiressl']
const modes: Readonly<Record<string, TlsMode>> = {
  disable: 'disable',
  disabled: 'disable',
  false: 'disable',
  '0': 'disable',
  allow: 'prefer',
  prefer: 'prefer',
  preferred: 'prefer',
  require: 'require',
  required: 'require',
  true: 'require',
  '1': 'require',
  skipverify: 'require',
  acceptinvalidcerts: 'require',
  verifyca: 'verify-ca',
  strict: 'verify-full',
  verifyfull: 'verify-full',
  verifyidentity: 'verify-full',
}

/** The TLS that a URL's parameters ask for; without any: used where the server offers it, as the clients do. */
export function tlsOf(parameters: Readonly<Record<string, string>>): Tls {
  const plain = new Map(Object.entries(parameters).map(([key, value]) => [plainWord(key), value]))
  const files = { ca: first(plain, ['sslrootcert', 'sslca']), cert: plain.get('sslcert'), key: plain.get('sslkey') }
  const present = Object.fromEntries(Object.entries(files).filter(([, path]) => path !== undefined && path !== ''))
  return { mode: modeOf(plain) ?? (present['ca'] === undefined ? 'prefer' : 'verify-ca'), ...present }
}

function modeOf(plain: ReadonlyMap<string, string>): TlsMode | undefined {
  const value = first(plain, modeKeys)
  if (value === undefined) return undefined
  if (value.startsWith('{')) return /"?rejectUnauthorized"?\s*:\s*false/.test(value) ? 'require' : 'verify-full'
  return modes[plainWord(value)] ?? 'verify-full' // an unknown word never weakens the connection
}

function first(plain: ReadonlyMap<string, string>, keys: readonly string[]): string | undefined {
  return keys.map((key) => plain.get(key)).find((value) => value !== undefined)
}

function plainWord(text: string): string {
  return text.startsWith('{') ? text : text.toLowerCase().replace(/[-_]/g, '')
}
