import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'
import { postgres } from '../../../src/engines/postgres/engine.ts'
import { Secret } from '../../../src/target/secret.ts'
import type { ServerTarget } from '../../../src/target/target.ts'
import { createDatabase, sql, uniqueName } from '../../servers/databases.ts'
import type { PostgresServer } from '../../servers/postgres.ts'
import { comparable, contentOf, dumpOf, ioFor, type TakenDump, targetOf } from './world.ts'

const servers = inject('servers').postgres

/** What pg_dump itself says of a database. */
async function dumped(on: PostgresServer, name: string): Promise<string> {
  const { host, port, superuser, password } = on
  const { stdout } = await promisify(execFile)('pg_dump', ['-h', host, '-p', String(port), '-U', superuser, name], {
    env: { PATH: process.env['PATH'], PGPASSWORD: password },
  })
  return comparable(stdout)
}

function restore(target: ServerTarget, { bytes, tables, properties }: TakenDump) {
  return postgres.restore(ioFor(), {
    target,
    content: contentOf(bytes),
    tables,
    properties,
    step: () => undefined,
    wayBack: contentOf(bytes),
  })
}

describe.each(['13', '15'] as const)('rights on schema public of PostgreSQL %s', (version) => {
  const here = servers[version]

  test.each([
    'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
    'REVOKE ALL ON SCHEMA public FROM PUBLIC',
    'GRANT CREATE ON SCHEMA public TO PUBLIC',
    'GRANT USAGE ON SCHEMA public TO pg_monitor WITH GRANT OPTION; REVOKE CREATE ON SCHEMA public FROM PUBLIC',
  ])('%s comes back', async (rights) => {
    const name = await createDatabase(here)
    await sql(here, name, rights)
    const before = await dumped(here, name)
    const { way, notes } = await restore(targetOf(here, name), await dumpOf(targetOf(here, name)))
    expect([way, notes]).toEqual(['swap', []])
    expect(await dumped(here, name)).toBe(before)
  })
})

test('rights that a user may not set are said', async () => {
  const here = servers['13']
  const role = uniqueName('role')
  const name = await createDatabase(here)
  await sql(
    here,
    name,
    `CREATE ROLE ${role} LOGIN CREATEDB PASSWORD 'x'; ALTER DATABASE ${name} OWNER TO ${role}; REVOKE CREATE ON SCHEMA public FROM PUBLIC`,
  )
  const target = targetOf(here, name, { user: role, password: new Secret('x') })
  const { notes } = await restore(target, await dumpOf(target))
  expect(notes).toEqual([
    'everybody may create in schema public here, as in the backup they may not: a superuser may revoke that',
  ])
})
