import { realpathSync } from 'node:fs'
import type { Io } from '../../effects/io.ts'
import { runTool } from '../../effects/spawn.ts'
import { exitCode, Failure } from '../../failure.ts'
import { toolIn } from '../client-folders.ts'
import { installStep, type Packages } from '../packages.ts'

export type Flavour = 'mariadb' | 'mysql'

/** A client program that was found, and what it says of itself. */
export type Program = {
  readonly name: string
  readonly path: string
  readonly version: string
  readonly flavour: Flavour
}

export type Role = 'dump' | 'load'

/** What must be known of the server to choose its client. */
export type ServerKind = { readonly flavour: Flavour; readonly version: string }

export function flavourOf(version: string): Flavour {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql'
}

const programNames: Readonly<Record<Role, Readonly<Record<Flavour, readonly string[]>>>> = {
  dump: { mariadb: ['mariadb-dump', 'mysqldump'], mysql: ['mysqldump', 'mariadb-dump'] },
  load: { mariadb: ['mariadb', 'mysql'], mysql: ['mysql', 'mariadb'] },
}

/**
 * Finds the client for this server, on the PATH first, then where systems keep it off the PATH. Throws a `Failure` (11)
 * that names what to install.
 */
export async function findClient(io: Io, role: Role, server: ServerKind): Promise<Program> {
  const names = programNames[role][server.flavour]
  const programs: Program[] = []
  for await (const path of possiblePaths(io, names, server)) {
    const program = await askVersion(io, path)
    if (program?.flavour === server.flavour) return program // the preferred one comes first: no need to ask the others
    if (program !== undefined) programs.push(program)
  }
  const choice = chooseClient(programs, role, server)
  if ('unfit' in choice) throw unfitClient(choice, role, server)
  return choice
}

async function* possiblePaths(io: Io, names: readonly string[], server: ServerKind): AsyncGenerator<string> {
  yield* await pathsOf(io, names)
  const { clientFolders } = await import('./client-places.ts')
  const folders = clientFolders(names, server)
  yield* names.flatMap((name) => folders.flatMap((folder) => toolIn(folder, name) ?? []))
}

async function pathsOf(io: Io, names: readonly string[]): Promise<readonly string[]> {
  const { default: which } = await import('which')
  const found = names.map((name) => which(name, { path: io.environment['PATH'] ?? '', nothrow: true, all: true }))
  const paths = (await Promise.all(found)).flatMap((some) => some ?? [])
  // /bin is often a link to /usr/bin: the same program once.
  const programs = paths.map((path) => realpathSync(path))
  return paths.filter((_, at) => programs.indexOf(programs[at] ?? '') === at)
}

async function askVersion(io: Io, path: string): Promise<Program | undefined> {
  const output = await runTool(io, path, { arguments: ['--no-defaults', '--version'] })
  return programOf(path, output.stdout)
}

/**
 * The program behind a `--version` line: `mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB, …`,
 * `mariadb-dump from 11.8.3-MariaDB, …`, `mysqldump  Ver 9.7.0 for Linux …`.
 */
export function programOf(path: string, line: string): Program | undefined {
  const match = /(?:Distrib|from|Ver)\s+(\d+\.\d+(?:\.\d+)?)(?!\S*\s+Distrib)/.exec(line)
  const name = /([^/\\]*?)(?:\.exe)?$/i.exec(path)?.[1] ?? path
  return match?.[1] === undefined ? undefined : { name, path, version: match[1], flavour: flavourOf(line) }
}

export type Unfit = { readonly unfit: readonly Program[] }

/** The program that fits the server: its own flavour; another one only where nothing is known to go wrong. */
export function chooseClient(programs: readonly Program[], role: Role, server: ServerKind): Program | Unfit {
  const own = programs.find((program) => program.flavour === server.flavour)
  // A MariaDB dump of a MySQL server cannot be restored where there are generated columns (3105); Oracle's 9.x no longer
  // knows mysql_native_password, which MariaDB's users have. Either client can load a dump of its server's own flavour.
  const other = programs.find((program) => (role === 'load' ? canLoad(program, server) : canDump(program, server)))
  return own ?? other ?? { unfit: programs }
}

function canLoad(program: Program, server: ServerKind): boolean {
  return program.flavour === 'mysql' ? majorOf(program.version) < 9 : majorOf(server.version) < 8
}

function canDump(program: Program, server: ServerKind): boolean {
  return (
    program.flavour === 'mysql' &&
    server.flavour === 'mariadb' &&
    majorOf(program.version) < 9 &&
    majorOf(server.version) < 11
  )
}

/** Whether the client takes `$$ … $$` for a string, as stored programs in JavaScript have it. */
export function readsDollarQuotes({ flavour, version }: Pick<Program, 'flavour' | 'version'>): boolean {
  return flavour === 'mysql' && majorOf(version) >= 9
}

export function majorOf(version: string): number {
  return Number.parseInt(version, 10)
}

function unfitClient(choice: Unfit, role: Role, server: ServerKind): Failure {
  const wanted = programNames[role][server.flavour][0] ?? ''
  const seller = server.flavour === 'mariadb' ? 'MariaDB' : 'MySQL'
  const found = choice.unfit.map(
    (program) =>
      `${program.path} is ${program.flavour === 'mariadb' ? 'MariaDB' : "Oracle's MySQL"} ${program.version}`,
  )
  return new Failure(exitCode.cannotConnect, {
    what: `${wanted} is ${found.length === 0 ? 'not installed' : 'not here'}: the server is ${seller} ${server.version.replace('-MariaDB', '')} and needs its own client`,
    why:
      found.length === 0
        ? [
            `neither ${programNames[role][server.flavour].join(' nor ')} is on the PATH or where it is usually installed`,
          ]
        : found,
    next: [installStep(packagesOf(server.flavour))],
  })
}

/** What installs the client of this flavour. */
export function packagesOf(flavour: Flavour): Packages {
  return flavour === 'mariadb' ? mariadbPackages : mysqlPackages
}

const mariadbPackages: Packages = {
  debian: 'apt-get install mariadb-client',
  ubuntu: 'apt-get install mariadb-client',
  redhat: 'dnf install mariadb',
  suse: 'zypper install mariadb-client',
  alpine: 'apk add mariadb-client',
  arch: 'pacman -S mariadb-clients',
  homebrew: 'brew install mariadb',
  windows: 'winget install MariaDB.Server (it holds the client)',
  otherwise: 'install the client programs of MariaDB',
}

const mysqlPackages: Packages = {
  debian: 'apt-get install mysql-client (after adding https://dev.mysql.com/downloads/repo/apt/: Debian has none)',
  ubuntu: 'apt-get install mysql-client',
  redhat: 'dnf install mysql',
  suse: 'zypper install mysql-community-client (after adding https://dev.mysql.com/downloads/repo/suse/)',
  alpine: 'Alpine has none (its mysql-client is MariaDB): run this on a system or in an image that has it',
  arch: 'install mysql-clients from the AUR (the mysql-clients of Arch itself are MariaDB)',
  homebrew: 'brew install mysql-client',
  windows: 'winget install Oracle.MySQL (it holds the client)',
  otherwise: 'install the client programs of MySQL: https://dev.mysql.com/downloads/mysql/',
}
