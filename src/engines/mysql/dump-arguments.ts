import { majorOf, type Program, type ServerKind } from './client.ts'

export type DumpRequest = {
  readonly program: Program
  readonly server: ServerKind
  readonly optionsFile: string
  readonly database: string
  /** The database has tables that keep their history, and client and server can dump it. */
  readonly history: boolean
  /** Views that cannot be dumped. */
  readonly without: readonly string[]
}

/** What the dumping client is started with. `--defaults-file` has to be first; no `--databases`, so that no USE is written. */
export function dumpArguments(request: DumpRequest): readonly string[] {
  return [
    `--defaults-file=${request.optionsFile}`,
    '--single-transaction',
    '--quick',
    '--routines',
    '--events',
    '--triggers',
    '--hex-blob',
    '--no-tablespaces',
    '--default-character-set=utf8mb4',
    '--max-allowed-packet=1G',
    ...(request.program.flavour === 'mysql' ? oracleOptions(request) : []),
    ...(request.history ? ['--dump-history'] : []),
    ...request.without.map((view) => `--ignore-table=${request.database}.${view}`),
    '--',
    request.database,
  ]
}

function oracleOptions({ program, server }: DumpRequest): readonly string[] {
  const statistics = majorOf(program.version) >= 8 ? ['--column-statistics=0'] : []
  return [...(server.flavour === 'mysql' ? ['--set-gtid-purged=OFF'] : ['--loose-set-gtid-purged=OFF']), ...statistics]
}

/** `--dump-history` came with MariaDB 10.11. */
export function canDumpHistory(program: Program, server: ServerKind): boolean {
  return [program, server].every(({ flavour, version }) => flavour === 'mariadb' && atLeast(version, 10, 11))
}

function atLeast(version: string, major: number, minor: number): boolean {
  const [ownMajor = 0, ownMinor = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  return ownMajor > major || (ownMajor === major && ownMinor >= minor)
}
