import { readFile, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '../../effects/io.ts'

export type PassfileKey = {
  readonly host: string
  readonly port: number
  readonly database: string
  readonly user: string
}

/** The password that libpq would take from `~/.pgpass` (or `PGPASSFILE`); files that others can read do not count. */
export async function passwordFromFile(environment: Environment, key: PassfileKey): Promise<string | undefined> {
  const path = environment['PGPASSFILE'] || join(environment['HOME'] || homedir(), '.pgpass')
  try {
    const { mode } = await stat(path)
    if ((mode & 0o077) !== 0) return undefined
    return passwordIn(await readFile(path, 'utf8'), key)
  } catch {
    return undefined
  }
}

/** The password of the first line that fits: `host:port:database:user:password`, `*` for any, `\` before `:` and `\`. */
export function passwordIn(text: string, key: PassfileKey): string | undefined {
  const wanted = [key.host, String(key.port), key.database, key.user]
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith('#')) continue
    const fields = fieldsOf(line)
    if (fields.length < 5) continue
    if (wanted.every((value, index) => fields[index] === '*' || unescaped(fields[index] ?? '') === value)) {
      return unescaped(fields.slice(4).join(':'))
    }
  }
  return undefined
}

function fieldsOf(line: string): string[] {
  const fields = ['']
  for (let i = 0; i < line.length; i++) {
    const character = line[i] ?? ''
    if (character === ':') fields.push('')
    else fields[fields.length - 1] += character === '\\' ? character + (line[++i] ?? '') : character
  }
  return fields
}

function unescaped(field: string): string {
  return field.replace(/\\(.)/g, '$1')
}
