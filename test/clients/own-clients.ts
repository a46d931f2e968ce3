import { dirname } from 'node:path'
import { expect } from 'vitest'
import { newProject, type Project } from '../e2e/project.ts'
import { comparable } from '../engines/mysql/world.ts'
import type { MariaServer } from '../servers/mariadb.ts'

/** A server with the client programs of its own make and version. */
export type OwnClients = { readonly server: MariaServer; readonly load: string; readonly dump: string }

/** Runs a script with the server's own client, which knows DELIMITER. */
export async function runScript({ server, load }: OwnClients, database: string, script: string): Promise<void> {
  await ended(server, [load, ...placeOf(server), '--default-character-set=utf8mb4', '--', database], script)
}

/** What the server's own client, started as its user would, says is in the database. */
export async function dumpText(
  { server, dump }: OwnClients,
  database: string,
  options: readonly string[] = [],
): Promise<Buffer> {
  const all = ['--routines', '--events', '--triggers', '--hex-blob', '--skip-dump-date', ...options]
  return ended(server, [dump, ...placeOf(server), ...all, '--', database])
}

/** The same as text to compare, without what differs from run to run. */
export async function contentOf(clients: OwnClients, database: string): Promise<string> {
  return comparable(await dumpText(clients, database)).replace(gtids, '')
}

const gtids = /^SET @@GLOBAL\.GTID_PURGED=[^;]*;$/gm

/** A project in which our commands find the clients in the folder of these before those of the system. */
export function projectWith({ dump }: Pick<OwnClients, 'dump'>, url: string): OwnProject {
  return projectIn(`${dirname(dump)}:${process.env['PATH']}`, url)
}

type OwnProject = Project & {
  /** Runs one of our commands, which must succeed; returns all that it said. */
  readonly ours: (command: string, ...words: readonly string[]) => Promise<string>
}

/** A project in which our commands look for clients along this PATH. */
export function projectIn(PATH: string, url: string): OwnProject {
  const project = newProject({ DATABASE_URL: url })
  const run: Project['run'] = (command, words, options) => project.run(command, words, { env: { PATH }, ...options })
  const ours: OwnProject['ours'] = async (command, ...words) => {
    const { code, stdout, stderr } = await run(command, words)
    expect({ code, stderr }).toEqual({ code: 0, stderr })
    return stdout + stderr
  }
  return { ...project, run, ours }
}

/** The restore itself, and no safety backup that is an earlier one. */
export const restore = ['restore-database', '--yes', '--always-dump'] as const

function placeOf({ host, port, superuser }: MariaServer): readonly string[] {
  return ['--no-defaults', '-h', host, '-P', String(port), '-u', superuser]
}

async function ended(server: MariaServer, command: readonly string[], input = ''): Promise<Buffer> {
  const env = { PATH: process.env['PATH'] ?? '', MYSQL_PWD: server.password }
  const child = Bun.spawn([...command], { env, stdin: Buffer.from(input), stdout: 'pipe', stderr: 'pipe' })
  const [said, text] = await Promise.all([new Response(child.stdout).bytes(), new Response(child.stderr).text()])
  expect({ code: await child.exited, text }).toEqual({ code: 0, text })
  return Buffer.from(said)
}
