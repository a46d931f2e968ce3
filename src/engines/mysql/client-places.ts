import { type FileTree, type ToolFolder, thisMachine, toolFolders } from '../client-folders.ts'
import type { ServerKind } from './client.ts'

const homebrew = ['/opt/homebrew', '/usr/local', '/home/linuxbrew/.linuxbrew'].flatMap((root) => [
  `${root}/opt/mysql*/bin`, // mysql, mysql@8.4, mysql-client, mysql-client@8.0: not linked into bin
  `${root}/opt/mariadb*/bin`,
  `${root}/opt/percona-server*/bin`,
  `${root}/bin`, // cron and launchd cut the PATH short
])

// Where systems keep the clients off the PATH. Which of the two it is in a folder, its programs say themselves.
const layouts: readonly string[] = [
  ...homebrew,
  '/usr/local/mysql/bin', // Oracle's packages for macOS, and its archives
  '/usr/local/mysql-*/bin',
  '/usr/local/mariadb*/bin',
  '/opt/mysql*/bin',
  '/opt/mariadb*/bin',
  '/opt/rh/rh-mysql*/root/usr/bin',
  '/opt/rh/rh-mariadb*/root/usr/bin',
  '/opt/local/lib/mysql*/bin', // MacPorts
  '/opt/local/lib/mariadb*/bin',
  '/opt/lampp/bin', // XAMPP
  '/Applications/XAMPP/xamppfiles/bin',
  '/Applications/MAMP/Library/bin',
  '/Applications/MAMP/Library/bin/mysql*/bin',
  '/Users/Shared/DBngin/mysql/*/bin',
  '/Users/Shared/DBngin/mariadb/*/bin',
  'C:/Program Files/MySQL/MySQL Server */bin',
  'C:/Program Files/MySQL/MySQL Workbench *',
  'C:/Program Files/MariaDB */bin',
  'C:/xampp/mysql/bin',
  'C:/laragon/bin/mysql/*/bin',
  'C:/wamp64/bin/mysql/*/bin',
  'C:/wamp64/bin/mariadb/*/bin',
]

/**
 * The folders off the PATH that hold one of the programs, those of the server's own version first, then later ones, the
 * nearest first, then earlier ones: MySQL's client 9 can no longer log in by mysql_native_password, which 8.0 often uses.
 */
export function clientFolders(
  programs: readonly string[],
  server: Pick<ServerKind, 'version'>,
  tree: FileTree = thisMachine,
): readonly string[] {
  const found = toolFolders(layouts, programs, tree)
  return found
    .toSorted((one, other) => distance(one, server.version) - distance(other, server.version))
    .map(({ folder }) => folder)
}

// By hundreds for the major version, so that 8.0 is nearer to 8.4 than to 9.0; earlier ones after all later ones.
function distance({ version = '' }: ToolFolder, wanted: string): number {
  const difference = numberOf(version) - numberOf(wanted)
  if (Number.isNaN(difference)) return Number.MAX_SAFE_INTEGER
  return difference >= 0 ? difference : 1_000_000 - difference
}

/** 8.0.36 → 800, 10.11 → 1011; also of a name that runs both together, as MacPorts' mysql84 and rh-mysql80 do. */
function numberOf(version: string): number {
  const parts = /^(\d+)\.(\d+)/.exec(version) ?? /^([5-9])(\d)$/.exec(version) ?? /^(1\d)(\d+)$/.exec(version)
  const [, major = version.split('.')[0], minor = '0'] = parts ?? []
  return Number(major) * 100 + Number(minor)
}
