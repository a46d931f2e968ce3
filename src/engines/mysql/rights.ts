import type { Connection } from './connection.ts'

/** What the account may do: everywhere, and in some databases by pattern. */
export type Rights = {
  has(right: string, database: string): boolean
  /** A right on one table, or on what holds it. */
  hasOnTable(right: string, database: string, table: string): boolean
}

export async function readRights(connection: Connection): Promise<Rights> {
  const lines = await grantLines(connection)
  return rightsOf(lines)
}

async function grantLines(connection: Connection): Promise<readonly string[]> {
  const own = await connection.query('SHOW GRANTS')
  const [role] = await connection.query('SELECT CURRENT_ROLE() AS role, VERSION() AS version').catch(() => [])
  const active = String(role?.['role'] ?? 'NONE')
  const isMariaDb = String(role?.['version'] ?? '').includes('MariaDB')
  // MariaDB lists the rights of the active role by itself, MySQL only when asked.
  const rows =
    isMariaDb || active === 'NONE' ? own : await connection.query(`SHOW GRANTS FOR CURRENT_USER() USING ${active}`)
  return rows.map((row) => String(Object.values(row)[0]))
}

// Where MySQL's `partial_revokes` is on, what is granted everywhere may be taken back for some databases.
const revokeLine = /^REVOKE (.+?) ON (`(?:[^`]|``)*`)\.\* FROM /s

function isRevoked(lines: readonly string[], right: string, database: string): boolean {
  return lines.some((line) => {
    const [, rights = '', name = ''] = revokeLine.exec(line) ?? []
    return bare(name).toLowerCase() === database.toLowerCase() && rights.toUpperCase().split(/,\s*/).includes(right)
  })
}

type Grant = { readonly rights: ReadonlySet<string>; readonly database: string; readonly table: string }

/** The rights that `SHOW GRANTS` lists. */
export function rightsOf(lines: readonly string[]): Rights {
  const grants = lines.map(grantOf).filter((grant) => grant !== undefined)
  const any = (right: string, fits: (grant: Grant) => boolean) =>
    grants.some(
      (grant) =>
        fits(grant) && (grant.rights.has(right) || grant.rights.has('ALL PRIVILEGES') || grant.rights.has('ALL')),
    )
  const reaches = (grant: Grant, right: string, database: string) =>
    covers(grant.database, database) && !(grant.database === '*' && isRevoked(lines, right, database))
  return {
    has: (right, database) => any(right, (grant) => grant.table === '*' && reaches(grant, right, database)),
    hasOnTable: (right, database, table) =>
      any(right, (grant) => reaches(grant, right, database) && (grant.table === '*' || grant.table === table)),
  }
}

const grantLine = /^GRANT (.+?) ON (?:TABLE )?(\*|`(?:[^`]|``)*`)\.(\*|`(?:[^`]|``)*`) TO /s

function grantOf(line: string): Grant | undefined {
  const match = grantLine.exec(line)
  if (match === null) return undefined
  const [, rights = '', database = '', table = ''] = match
  // A right on some columns only is none on the table.
  const whole = rights.split(/,\s*(?![^(]*\))/).filter((right) => !right.includes('('))
  return {
    rights: new Set(whole.map((right) => right.trim().toUpperCase())),
    database: bare(database),
    table: bare(table),
  }
}

function bare(word: string): string {
  return word.startsWith('`') ? word.slice(1, -1).replaceAll('``', '`') : word
}

// The database of a grant is a LIKE pattern.
function covers(pattern: string, database: string): boolean {
  if (pattern === '*') return true
  const source = pattern.replace(/\\[_%\\]|[^\w]|_/g, (token) => {
    if (token === '_') return '.'
    return token === '%' ? '.*' : literally(token.length === 2 ? token.slice(1) : token)
  })
  return new RegExp(`^${source}$`, 'is').test(database)
}

function literally(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/, '\\$&')
}
