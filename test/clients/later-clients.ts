import { join } from 'node:path'
import { laterPackages } from './later-packages.ts'

/** The folder of `pg_dump`, `psql` and `pg_restore` of a version that Debian 12 does not have. */
export function postgresClient(major: 17 | 18): string {
  const programs = ['pg_dump', 'psql', 'pg_restore'].map((name) => `usr/lib/postgresql/${major}/bin/${name}`)
  const suite = major === 17 ? 'trixie' : 'sid'
  return laterPackages({
    name: `postgresql-client-${major}`,
    suite,
    packages: [`postgresql-client-${major}`],
    programs,
  })
}

/** Where programs were unpacked, and what starts them. */
type Unpacked = { readonly bin: string; readonly root: string }

/** Oracle's MySQL 9: server and clients. */
export function mysqlPrograms(): Unpacked {
  return unpacked(
    'mysql',
    'sid',
    ['mysql-server-core', 'mysql-client-core'],
    ['sbin/mysqld', 'bin/mysql', 'bin/mysqldump'],
  )
}

/** MariaDB 11.8: server and clients. */
export function mariadbPrograms(): Unpacked {
  const programs = ['sbin/mariadbd', 'bin/mariadb', 'bin/mariadb-dump']
  return unpacked('mariadb', 'trixie', ['mariadb-server-core', 'mariadb-client'], programs)
}

function unpacked(
  name: string,
  suite: 'trixie' | 'sid',
  packages: readonly string[],
  programs: readonly string[],
): Unpacked {
  const bin = laterPackages({ name, suite, packages, programs: programs.map((program) => `usr/${program}`) })
  return { bin, root: join(bin, '../root') }
}

/** PgBouncer. */
export function pgbouncerProgram(): string {
  return join(unpacked('pgbouncer', 'trixie', ['pgbouncer'], ['sbin/pgbouncer']).bin, 'pgbouncer')
}
