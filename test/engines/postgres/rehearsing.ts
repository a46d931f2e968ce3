import { expect, test } from 'vitest'
import type { Rehearsal } from '../../../src/engines/engine.ts'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, sql } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { everything, sinceFourteen } from './everything.ts'
import { tangled } from './tangled.ts'
import { everyType } from './types.ts'
import { contentOf, dumpOf, ioFor, type TakenDump, targetOf } from './world.ts'

export function rehearse(
  target: ServerTarget,
  { bytes, tables, properties }: Pick<TakenDump, 'bytes' | 'tables' | 'properties'>,
  io = ioFor(),
  step: (name: string) => void = () => undefined,
): Promise<Rehearsal> {
  if (postgres.rehearse === undefined) throw new Error('not built')
  return postgres.rehearse(io, { target, content: contentOf(bytes), tables, properties, step })
}

/** What holds for a server of any version. */
export function holdRehearsal(here: PostgresServer, io = ioFor()): void {
  test('finds the same rows and the same schema, the database itself being gone', async () => {
    const name = await createDatabase(here)
    await sql(here, name, everything + (here.version === '13' ? '' : sinceFourteen))
    await sql(here, name, everyType)
    await sql(here, name, tangled(name))
    const target = targetOf(here, name)
    const { tables, schemaDigest, bytes, properties } = await dumpOf(target, io)
    await sql(here, undefined, `DROP DATABASE ${name}`)
    expect(await rehearse(target, { bytes, tables, properties }, io)).toEqual({ tables, schemaDigest, notes: [] })
    expect(await sql(here, undefined, `SELECT datname FROM pg_database WHERE datname LIKE '${name}%'`)).toEqual([])
  })
}
