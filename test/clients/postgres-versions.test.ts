import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { versionedClients } from '../../src/engines/postgres/clients.ts'
import { newProject, type Project } from '../e2e/project.ts'
import { type Shop, serverShop, threeCustomers } from '../e2e/shops.ts'
import type { Kept } from '../servers/keeper.ts'
import { type PostgresServer, type PostgresVersion, startPostgres } from '../servers/postgres.ts'
import { postgresClient } from './later-clients.ts'

// The system's own client is always found, wherever PATH leads; later ones are found by PATH.
const systemMajors = versionedClients().map(({ major }) => major)

let sixteen: { readonly server: PostgresServer; readonly kept: Kept }

beforeAll(async () => {
  sixteen = await startPostgres('16')
})

afterAll(() => sixteen.kept.stop())

const serverOf = (version: PostgresVersion) => (version === '16' ? sixteen.server : inject('servers').postgres[version])

function pathWith(later: readonly (17 | 18)[]): Record<string, string> {
  return { PATH: [...later.map(postgresClient), process.env['PATH']].join(':') }
}

/** The client that a server of this major should get of these. */
function expectedMajor(server: PostgresVersion, later: readonly number[]): number | undefined {
  const all = [...systemMajors, ...later].filter((major) => major >= Number(server))
  return all.length === 0 ? undefined : Math.min(...all)
}

type Placed = { readonly shop: Shop; readonly project: Project; readonly env: Record<string, string> }

async function placed(version: PostgresVersion, later: readonly (17 | 18)[]): Promise<Placed> {
  const shop = await serverShop('PostgreSQL', serverOf(version))
  return { shop, project: newProject(shop.env), env: pathWith(later) }
}

const versions: readonly PostgresVersion[] = ['13', '15', '16', '18']
const laters: readonly (readonly (17 | 18)[])[] = [[], [17], [18], [17, 18], [18, 17]]
const matrix = versions.flatMap((version) => laters.map((later) => [version, later] as const))

describe.each(matrix)('a server of %s beside clients of this system and %j', (version, later) => {
  const major = expectedMajor(version, later)

  test(
    major === undefined ? 'is refused, and what to install is named' : 'gets the one that fits, there and back',
    async () => {
      const { shop, project, env } = await placed(version, later)
      const made = await project.run('backup-database', [], { env })
      if (major === undefined) {
        expect(made).toMatchObject({ code: 11, stderr: expect.stringContaining(`pg_dump ${version} is missing`) })
        expect(made.stderr).toMatch(new RegExp(`→ .*postgresql-client-${version}`))
        return
      }
      expect(made).toMatchObject({ code: 0 })
      const [backup = ''] = project.backups()
      expect(project.manifest(backup).client).toMatch(new RegExp(`^pg_dump ${major}\\.`))
      await shop.ask(`DROP TABLE customers`)
      const restored = await project.run('restore-database', ['--yes', '--always-dump', `backups/${backup}`], { env })
      expect(restored).toMatchObject({ code: 0 })
      expect(await shop.customers()).toEqual(threeCustomers)
    },
  )
})

// Hides the system's own versioned clients from everything that runs under it.
const withoutTheSystems = ['unshare', '-m', 'sh', '-c', 'mount -t tmpfs tmpfs /usr/lib/postgresql && exec "$@"', 'sh']

describe('a dump that pg_dump 18 made', () => {
  test.each(['13', '15', '16'] as const)(
    'of a server of %s goes back by the older psql that is there then',
    async (version) => {
      const { shop, project, env } = await placed(version, [18])
      expect(await project.run('backup-database', [], { env, under: withoutTheSystems })).toMatchObject({ code: 0 })
      const [backup = ''] = project.backups()
      expect(project.manifest(backup).client).toMatch(/^pg_dump 18\./)
      await shop.ask(`DELETE FROM customers`)
      const words = ['--yes', `backups/${backup}`]
      expect(await project.run('restore-database', words, { env: pathWith([17]) })).toMatchObject({ code: 0 })
      expect(await shop.customers()).toEqual(threeCustomers)
    },
  )
})
