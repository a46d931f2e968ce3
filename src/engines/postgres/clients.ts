import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { runTool } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ClientTool } from '../engine.ts'

/** A folder with `pg_dump` and `psql` of one major version. */
export type ClientFolder = { readonly major: number; readonly folder: string }

/** Where systems keep several majors side by side: Debian, Red Hat, Homebrew (ARM, Intel), Alpine, Postgres.app. */
const layouts: readonly { readonly parent: string; readonly name: RegExp; readonly inside: string }[] = [
  { parent: 'usr/lib/postgresql', name: /^(\d+)$/, inside: 'bin' },
  { parent: 'usr', name: /^pgsql-(\d+)$/, inside: 'bin' },
  { parent: 'opt/homebrew/opt', name: /^postgresql@(\d+)$/, inside: 'bin' },
  { parent: 'usr/local/opt', name: /^postgresql@(\d+)$/, inside: 'bin' },
  { parent: 'usr/libexec', name: /^postgresql-?(\d+)$/, inside: '' },
  { parent: 'Applications/Postgres.app/Contents/Versions', name: /^(\d+)$/, inside: 'bin' },
]

/** The versioned client folders below `root`; the folder's name tells the major, nothing is started. */
export function versionedClients(root = '/'): ClientFolder[] {
  return layouts.flatMap(({ parent, name, inside }) =>
    namesIn(join(root, parent)).flatMap((entry) => {
      const major = name.exec(entry)?.[1]
      const folder = join(root, parent, entry, inside)
      return major !== undefined && existsSync(join(folder, 'pg_dump')) ? [{ major: Number(major), folder }] : []
    }),
  )
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** The client for a server: its own major, else the lowest newer one (an older pg_dump refuses a newer server). */
export function chooseClient(serverMajor: number, found: readonly ClientFolder[]): ClientFolder | undefined {
  const fit = found.filter(({ major }) => major >= serverMajor)
  return fit.reduce<ClientFolder | undefined>((best, one) => (best && best.major <= one.major ? best : one), undefined)
}

/** The client for this server on this machine. Throws a `Failure` (11) that names what to install. */
export async function findClient(io: Io, serverMajor: number): Promise<ClientFolder> {
  const versioned = versionedClients()
  const own = versioned.find(({ major }) => major === serverMajor)
  if (own !== undefined) return own
  const all = [...versioned, ...(await clientsOnPath(io))]
  const chosen = chooseClient(serverMajor, all)
  if (chosen === undefined) throw noClient(serverMajor, all)
  return chosen
}

async function clientsOnPath(io: Io): Promise<ClientFolder[]> {
  const { default: which } = await import('which')
  const paths = await which('pg_dump', { all: true, nothrow: true, path: io.environment['PATH'] ?? '' })
  const own = (paths ?? []).filter((path) => !isWrapper(path))
  const found = await Promise.all(
    own.map(async (path) => ({
      major: Math.trunc(Number.parseFloat(await versionOf(io, path))),
      folder: join(path, '..'),
    })),
  )
  return found.filter(({ major }) => major > 0)
}

// Debian's /usr/bin/pg_dump is a Perl script that picks a version by rules of its own.
function isWrapper(path: string): boolean {
  try {
    return realpathSync(path).endsWith('/pg_wrapper')
  } catch {
    return true
  }
}

/** `15.18`, of a client program. */
export async function versionOf(io: Io, path: string): Promise<string> {
  const { stdout } = await runTool(io, path, { arguments: ['--version'], seconds: 5 })
  return versionIn(stdout)
}

/** The version in `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`. */
export function versionIn(text: string): string {
  return /\(PostgreSQL\) (\S+)/.exec(text)?.[1] ?? ''
}

/** pg_dump of a client folder, with its exact version. */
export async function dumpTool(io: Io, client: ClientFolder): Promise<ClientTool> {
  const path = join(client.folder, 'pg_dump')
  return { name: 'pg_dump', path, version: (await versionOf(io, path)) || String(client.major) }
}

function noClient(serverMajor: number, found: readonly ClientFolder[]): Failure {
  const there = [...new Set(found.map(({ major }) => major))].sort((a, b) => a - b)
  return new Failure(exitCode.cannotConnect, {
    what: `pg_dump ${serverMajor} is missing: the server is PostgreSQL ${serverMajor}`,
    why: [
      there.length === 0
        ? 'no pg_dump was found on this machine'
        : `found: pg_dump ${there.join(', ')}; an older one cannot dump a newer server`,
    ],
    next: [installCommand(serverMajor, process.platform, osRelease())],
  })
}

function osRelease(): string {
  try {
    return readFileSync('/etc/os-release', 'utf8')
  } catch {
    return ''
  }
}

/** The command that installs the client tools of a major version, by the system's own name for the package. */
export function installCommand(major: number, platform: string, release: string): string {
  if (platform === 'darwin') return `brew install postgresql@${major}`
  if (platform === 'win32') return `winget install PostgreSQL.PostgreSQL.${major}`
  const ids = [...release.matchAll(/^ID(?:_LIKE)?="?([^"\n]*)"?/gm)].map((match) => match[1]).join(' ')
  if (/alpine/.test(ids)) return `apk add postgresql${major}-client`
  if (/rhel|fedora|centos/.test(ids)) return `dnf install postgresql${major}`
  if (/suse/.test(ids)) return `zypper install postgresql${major}`
  if (/arch/.test(ids)) return 'pacman -S postgresql'
  if (!/debian|ubuntu/.test(ids)) return `install the client tools of PostgreSQL ${major} or newer`
  return `apt-get install postgresql-client-${major} (where Debian has no such package: https://apt.postgresql.org)`
}
