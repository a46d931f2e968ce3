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
