import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isAlive } from '../../effects/processes.ts'
import type { ServerTarget } from '../../target/target.ts'
import type { Program } from './client.ts'
import type { Route } from './route.ts'
import { type Tls, tlsOf } from './tls.ts'

/** How a client program reaches the server. */
export type Access = { readonly target: ServerTarget; readonly route: Route; readonly encrypted: boolean }

export type OptionsFile = { readonly path: string; remove(): Promise<void> }

/**
 * The only options file that the client reads (`--defaults-file`): the user's own could change what is dumped. A file of
 * 0600 rather than MYSQL_PWD, which newer clients no longer read and which every child of the client would inherit.
 */
export async function writeOptionsFile(access: Access, program: Program): Promise<OptionsFile> {
  await removeLeftovers()
  const folder = await mkdtemp(join(tmpdir(), `seatbelt-${process.pid}-`))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    await chmod(folder, 0o700)
    const path = join(folder, 'client.cnf')
    await writeFile(path, optionsText(access, program), { mode: 0o600, flag: 'wx' })
    return { path, remove }
  } catch (error) {
    await remove()
    throw error
  }
}

// A run that was killed could not remove its own, and there is a password in it.
async function removeLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^seatbelt-(\d+)-\w{6}$/.exec(name)?.[1]
    if (pid === undefined || isAlive(Number(pid))) continue
    await rm(join(tmpdir(), name), { recursive: true, force: true }).catch(() => undefined) // another user's
  }
}

/** The options file's text. */
export function optionsText(access: Access, program: Program): string {
  const { target, route, encrypted } = access
  const options: (readonly [string, string?])[] = [
    ['user', target.user ?? ''],
    ['password', target.password?.reveal() ?? ''],
    ...(route.kind === 'socket' ? socketOptions(route.path) : tcpOptions(route.host, route.port)),
    ...tlsOptions(tlsOf(target.parameters), encrypted, program),
  ]
  const lines = options.filter(([name, value]) => name !== 'user' || value !== '').map(optionLine)
  return `[client]\n${lines.join('')}`
}

function socketOptions(path: string): (readonly [string, string])[] {
  return [
    ['protocol', 'socket'],
    ['socket', path],
  ]
}

function tcpOptions(host: string, port: number): (readonly [string, string])[] {
  return [
    ['protocol', 'tcp'],
    ['host', host],
    ['port', String(port)],
  ]
}

const oracleModes = {
  disable: 'DISABLED',
  prefer: 'PREFERRED',
  require: 'REQUIRED',
  'verify-ca': 'VERIFY_CA',
  'verify-full': 'VERIFY_IDENTITY',
}

function tlsOptions(tls: Tls, encrypted: boolean, program: Program): (readonly [string, string?])[] {
  if (!encrypted) return [program.flavour === 'mysql' ? ['loose-ssl-mode', 'DISABLED'] : ['skip-ssl']]
  const files = (['ca', 'cert', 'key'] as const).flatMap((name) => {
    const path = tls[name]
    return path === undefined ? [] : [[`ssl-${name}`, path] as const]
  })
  if (program.flavour === 'mysql') return [['loose-ssl-mode', oracleModes[tls.mode]], ...files]
  // MariaDB's clients know no "verify the certificate but not the name", and verify by default since 11.4.
  const verify = tls.mode === 'verify-ca' || tls.mode === 'verify-full'
  return [['ssl'], ...files, [verify ? 'ssl-verify-server-cert' : 'skip-ssl-verify-server-cert']]
}

const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function optionLine([name, value]: readonly [string, string?]): string {
  if (value === undefined) return `${name}\n`
  return `${name}="${value.replace(/[\\"\n\r\t]/g, (character) => escapes[character] ?? character)}"\n`
}
