import { realpathSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { Io } from '../../effects/io.ts'
import { runTool } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import { type FileTree, thisMachine, toolFolders } from '../client-folders.ts'
import type { ClientTool } from '../engine.ts'
import { installStep, type Packages } from '../packages.ts'

/** A folder with `pg_dump` and `psql` of one major version. */
export type ClientFolder = { readonly major: number; readonly folder: string }

// Where systems keep several majors side by side; the folder's name tells the major, nothing is started.
const layouts: readonly string[] = [
  '/usr/lib/postgresql/*/bin', // Debian, Ubuntu
  '/usr/pgsql-*/bin', // PGDG on Red Hat and SUSE
  '/opt/rh/rh-postgresql*/root/usr/bin',
  '/usr/libexec/postgresql*', // Alpine
  '/usr/lib/postgresql*/bin', // SUSE
  '/usr/lib64/postgresql-*/bin', // Gentoo
  '/usr/lib/psql*/bin', // Void
  '/opt/pgsql-*/bin', // Arch, the version before
  '/opt/PostgreSQL/*/bin', // EDB's installer
  '/Library/PostgreSQL/*/bin',
  '/opt/homebrew/opt/postgresql@*/bin',
  '/usr/local/opt/postgresql@*/bin',
  '/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin',
  '/opt/local/lib/postgresql*/bin', // MacPorts
  '/Applications/Postgres.app/Contents/Versions/*/bin',
  '/Users/Shared/DBngin/postgresql/*/bin',
  'C:/Program Files/PostgreSQL/*/bin',
]

/** The versioned client folders of a machine. */
export function versionedClients(tree: FileTree = thisMachine): ClientFolder[] {
  return toolFolders(layouts, ['pg_dump'], tree).flatMap(({ folder, version }) =>
    version === undefined ? [] : [{ major: Number.parseInt(version, 10), folder }],
  )
}

// Beside the PATH, which cron and launchd cut short; which version is in them has to be asked.
const looseFolders: readonly string[] = ['/usr/local', '/opt/homebrew', '/home/linuxbrew/.linuxbrew'].flatMap(
  (root) => [`${root}/bin`, `${root}/opt/libpq/bin`],
)

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
  const all = [...versioned, ...(await askedClients(io))]
  const chosen = chooseClient(serverMajor, all)
  if (chosen === undefined) throw noClient(serverMajor, all)
  return chosen
}

async function askedClients(io: Io): Promise<ClientFolder[]> {
  const { default: which } = await import('which')
  const path = [io.environment['PATH'] ?? '', ...looseFolders].join(delimiter)
  const paths = await which('pg_dump', { all: true, nothrow: true, path })
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
  const version = await versionOf(io, path)
  return { name: 'pg_dump', path, version: version || String(client.major), ...lacking(version) }
}

// The minor releases of August 2025: https://www.postgresql.org/support/security/CVE-2025-8714/
const firstWithRestrict: Readonly<Record<number, number>> = { 13: 22, 14: 19, 15: 14, 16: 10, 17: 6 }

/** Whether pg_dump and psql of this version know `\restrict`. */
export function knowsRestrict(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0)
  return major >= 18 || minor >= (firstWithRestrict[major] ?? Number.POSITIVE_INFINITY)
}

function lacking(version: string): Pick<ClientTool, 'lacks'> {
  if (version === '' || knowsRestrict(version)) return {}
  const major = Number.parseInt(version, 10)
  const first = firstWithRestrict[major]
  const fixed = `${first === undefined ? 13 : major}.${first ?? firstWithRestrict[13]}`
  return {
    lacks: `without the fix of CVE-2025-8714: update it to ${fixed}, or a hostile server can put commands for psql into a dump`,
  }
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
    next: [installStep(clientPackages(serverMajor))],
  })
}

/** What installs the client tools of a major version. */
export function clientPackages(major: number): Packages {
  const debian = `apt-get install postgresql-client-${major}`
  return {
    debian: `${debian} (where there is no such package: https://apt.postgresql.org)`,
    ubuntu: `${debian} (where there is no such package: https://apt.postgresql.org)`,
    redhat: `dnf install postgresql${major} (where there is no such package: https://yum.postgresql.org)`,
    suse: `zypper install postgresql${major}`,
    alpine: `apk add postgresql${major}-client`,
    arch: 'pacman -S postgresql',
    homebrew: `brew install postgresql@${major}`,
    windows: `winget install PostgreSQL.PostgreSQL.${major}`,
    otherwise: `install the client tools of PostgreSQL ${major} or newer`,
  }
}
