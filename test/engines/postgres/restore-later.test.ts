import { describe, expect, inject, test } from 'vitest'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Secret } from '../../../src/target/secret.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import { comparable, contentOf, dumpOf, ioFor, targetOf } from './world.ts'

const servers = inject('servers').postgres

describe.each(['13', '15'] as const)('what came later, in one transaction on PostgreSQL %s', (version) => {
  const here = servers[version]

  async function owned() {
    const role = uniqueName('role')
    const name = await createDatabase(here)
    await sql(
      here,
      name,
      `CREATE ROLE ${role} LOGIN PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}; ALTER SCHEMA public OWNER TO ${role};
       SET ROLE ${role}; CREATE SCHEMA kept; CREATE EXTENSION hstore SCHEMA kept; CREATE TABLE kept.t (h kept.hstore); GRANT USAGE ON SCHEMA kept TO pg_monitor`,
    )
    const target = targetOf(here, name, { user: role, password: new Secret('x') })
    const dump = await dumpOf(target)
    const { bytes, tables, properties } = dump
    const restore = () =>
      postgres.restore(ioFor(), { target, content: contentOf(bytes), tables, properties, step: () => undefined })
    return { role, name, target, dump, restore }
  }

  test('extensions, schemas and rights go', async () => {
    const { role, name, target, dump, restore } = await owned()
    await sql(
      here,
      name,
      `SET ROLE ${role}; CREATE SCHEMA later; CREATE EXTENSION pgcrypto SCHEMA later; CREATE EXTENSION citext;
       CREATE EXTENSION cube; CREATE TABLE public.x (c citext);
       GRANT CREATE ON SCHEMA kept TO PUBLIC; REVOKE USAGE ON SCHEMA kept FROM pg_monitor; GRANT ALL ON SCHEMA kept TO pg_signal_backend WITH GRANT OPTION;
       GRANT CREATE ON SCHEMA public TO pg_monitor; REVOKE ALL ON SCHEMA public FROM PUBLIC`,
    )
    const { way, notes } = await restore()
    expect([way, notes]).toEqual(['transaction', []])
    expect(comparable((await dumpOf(target)).text)).toBe(comparable(dump.text))
  })

  test('what is of somebody else stays, and is said', async () => {
    const { name, restore } = await owned()
    await sql(here, name, 'CREATE SCHEMA foreigner; CREATE EXTENSION pg_trgm SCHEMA foreigner')
    expect((await restore()).notes).toEqual([
      'extension pg_trgm is not in the backup, and could not be dropped: it is still there',
      'schema foreigner is not in the backup, and could not be dropped: it is still there',
    ])
  })
})
