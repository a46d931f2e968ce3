import type { Properties } from './catalogue.ts'
import type { Connection } from './connection.ts'

// Money is written by lc_monetary, and read by it: where it is another, an amount is refused or, worse, misread.
const sql = `
  SELECT current_setting('lc_monetary') AS monetary WHERE EXISTS (
    SELECT FROM pg_attribute a WHERE a.atttypid IN (790, 791) AND a.attrelid >= 16384 AND NOT a.attisdropped
  ) OR EXISTS (SELECT FROM pg_type t WHERE t.typbasetype IN (790, 791))`

/** How the database of this connection writes money, as a property of its backup; nothing where it has none. */
export async function readMonetary(connection: Connection): Promise<Properties> {
  const [row] = await connection.query<{ monetary: string }>(sql)
  return row === undefined ? {} : { monetary: row.monetary }
}

/** How to write money for a backup with these properties, and what to say where this server cannot. */
export type Monetary = { readonly settings: readonly string[]; readonly otherwise?: string }

export async function fitMonetary(connection: Connection, { monetary }: Properties): Promise<Monetary> {
  if (monetary === undefined) return { settings: [] }
  try {
    await connection.query("SELECT set_config('lc_monetary', $1, false)", [monetary])
    return { settings: [`lc_monetary=${monetary}`] }
  } catch {
    return { settings: [], otherwise: `money is written by the locale ${monetary}, which this server does not have` }
  }
}
