import { accessSync, constants, existsSync } from 'node:fs'
import { join } from 'node:path'
import { versionedClients } from '../../src/engines/postgres/clients.ts'
import type { Project } from './project.ts'

/** What a client does instead of its work: lines of a bash script, in which `real "$@"` is the real one's work. */
export type Behaviour = string

export const behaviours = {
  /** As if the connection had gone unnoticed: a dump without its end, and success. */
  endsEarlyWithSuccess: 'real "$@" | head -n 30; exit 0',
  /** mysqldump writes its closing line after a failure too. */
  failsAfterTheTrailer: 'real "$@"; echo "the client says: the connection was lost" >&2; exit 1',
  /** Killed by somebody, out of memory perhaps. */
  isKilled: 'real "$@" | head -n 30; kill -KILL $$',
} as const

/**
 * Behaviour of a client that stops after its first lines until the file `go` of the project is there; `waiting` tells
 * that it is there. It ends with its first process, as a real client does.
 */
export function slow(project: Project): Behaviour {
  // A test that failed takes its folder away: the client must not wait on.
  const wait = `while [ -d ${project.folder} ] && [ ! -e ${project.path('go')} ]; do kill -0 $$ || exit 1; sleep 0.02; done`
  return `set -o pipefail; real "$@" | { sed -u 30q; touch ${project.path('waiting')}; ${wait}; cat; }`
}

export async function until(project: Project, name: string): Promise<void> {
  while (!existsSync(project.path(name))) await Bun.sleep(5)
}

/**
 * Puts a client of PostgreSQL 13 in front, which servers of 13 are dumped with where no such version is installed.
 * Returns the variables that lead to it.
 */
export function pgDump13(project: Project, behaviour: Behaviour, version = '13.23'): Record<string, string> {
  const [client] = versionedClients().toSorted((one, other) => other.major - one.major)
  const real = client === undefined ? '/usr/bin/pg_dump' : join(client.folder, 'pg_dump')
  return inFront(project, 'pg_dump', script(real, `pg_dump (PostgreSQL) ${version}`, behaviour))
}

export function mariaDump(project: Project, behaviour: Behaviour): Record<string, string> {
  const real = ['mariadb-dump', 'mysqldump'].map((name) => Bun.which(name)).find((path) => path !== null) ?? ''
  accessSync(real, constants.X_OK)
  return inFront(project, 'mariadb-dump', script(real, 'mysqldump  Ver 10.19 Distrib 10.11.19-MariaDB', behaviour))
}

function inFront(project: Project, name: string, text: string): Record<string, string> {
  project.write(`clients/${name}`, text, 0o755)
  return { PATH: `${project.path('clients')}:${process.env['PATH']}` }
}

function script(real: string, version: string, behaviour: Behaviour): string {
  return `#!/bin/bash
real() { ${real} "$@"; }
case " $* " in *" --version "*) echo "${version}"; exit;; esac
${behaviour}
`
}
