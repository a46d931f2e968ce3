import { readFile } from 'node:fs/promises'
import { isSocket, type Login } from './login.ts'

/** How one attempt to connect treats TLS. */
export type TlsAttempt = 'plain' | 'tls'

/** The attempts that libpq makes for a `sslmode`, in its order; sockets never use TLS. */
export function tlsAttempts(login: Pick<Login, 'host' | 'parameters'>): readonly TlsAttempt[] {
  if (isSocket(login.host)) return ['plain']
  switch (login.parameters['sslmode'] ?? 'prefer') {
    case 'disable':
      return ['plain']
    case 'allow':
      return ['plain', 'tls']
    case 'prefer':
      return ['tls', 'plain']
    default:
      return ['tls']
  }
}

export type TlsChecks = { readonly rejectUnauthorized: boolean; readonly checksName: boolean }

/** What is verified: libpq verifies the chain wherever a root certificate is at hand, the name for `verify-full`. */
export function tlsChecks(parameters: Readonly<Record<string, string>>): TlsChecks {
  const mode = parameters['sslmode'] ?? 'prefer'
  const root = parameters['sslrootcert']
  return {
    rejectUnauthorized: root !== undefined || mode.startsWith('verify-'),
    checksName: mode === 'verify-full' || root === 'system',
  }
}

export type TlsOptions = {
  readonly rejectUnauthorized: boolean
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly checkServerIdentity?: () => undefined
}

/** The driver's TLS options for a login; reads the certificates that it names. */
export async function tlsOptions(parameters: Readonly<Record<string, string>>): Promise<TlsOptions> {
  const { rejectUnauthorized, checksName } = tlsChecks(parameters)
  const { sslcert, sslkey } = parameters
  const root = await rootCertificate(parameters)
  const verifies = rejectUnauthorized && root !== 'missing'
  return {
    rejectUnauthorized: verifies,
    ...(checksName ? {} : { checkServerIdentity: () => undefined }),
    ...(root === undefined || root === 'missing' ? {} : { ca: root }),
    ...(sslcert === undefined || sslkey === undefined
      ? {}
      : { cert: await readFile(sslcert, 'utf8'), key: await readFile(sslkey, 'utf8') }),
  }
}

// libpq minds a missing root certificate only where it was told to verify.
async function rootCertificate(parameters: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { sslrootcert, sslmode } = parameters
  if (sslrootcert === undefined || sslrootcert === 'system') return undefined
  return readFile(sslrootcert, 'utf8').catch((error: unknown) => {
    if (sslmode?.startsWith('verify-')) throw error
    return 'missing'
  })
}
