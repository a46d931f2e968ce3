import { readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Values } from '../environment/env-file.ts'

/**
 * A service of `pg_service.conf`: the user's file (`PGSERVICEFILE`, else `~/.pg_service.conf`), then that of `PGSYSCONFDIR`
 * (https://www.postgresql.org/docs/current/libpq-pgservice.html). Undefined where none of them names it.
 */
export async function readService(
  name: string,
  environment: Values,
): Promise<Readonly<Record<string, string>> | undefined> {
  const variable = (key: string) => environment.get(key)?.value
  const home = variable('HOME') ?? homedir()
  const folder = variable('PGSYSCONFDIR') ?? '/etc/postgresql-common'
  for (const file of [variable('PGSERVICEFILE') ?? join(home, '.pg_service.conf'), join(folder, 'pg_service.conf')]) {
    const service = serviceIn(await readFile(file, 'utf8').catch(() => ''), name)
    if (service !== undefined) return service
  }
  return undefined
}

/** libpq's own reading: `#` only at a line's beginning, no quotes, the value as it stands. */
export function serviceIn(text: string, name: string): Readonly<Record<string, string>> | undefined {
  const lines = text.split('\n').map((line) => line.trim())
  const start = lines.indexOf(`[${name}]`)
  if (start < 0) return undefined
  const after = lines.slice(start + 1)
  const end = after.findIndex((line) => line.startsWith('['))
  const own = (end < 0 ? after : after.slice(0, end)).filter((line) => line !== '' && !line.startsWith('#'))
  return Object.fromEntries(own.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
