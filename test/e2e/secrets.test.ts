import { readdirSync, readFileSync } from 'node:fs'
import { expect, inject, test } from 'vitest'
import { mariaDump, pgDump13, slow, until } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { openShop, serverShop } from './shops.ts'

const { postgres, mariadb } = inject('servers')

/** The command lines of all processes of the machine. */
function commandLines(): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => contentOf(`/proc/${pid}/cmdline`))
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** All that we wrote for people and programs. */
function writings(project: Project): string {
  const records = readdirSync(project.path('backups')).filter((name) => /\.jsonl?$/.test(name))
  return [...records.map((name) => `backups/${name}`), 'r.json'].map((name) => contentOf(project.path(name))).join('\n')
}

test.each([
  ['PostgreSQL', postgres['13'], pgDump13],
  ['MariaDB', mariadb, mariaDump],
] as const)('%s: the password is in no argument, no output and no record', async (engine, server, inFront) => {
  const shop = await serverShop(engine, server)
  const project = newProject(shop.env)
  const env = inFront(project, slow(project))
  const running = project.start('safe-test', ['--verbose', '--report', 'r.json', 'true'], { env })
  await until(project, 'waiting')
  const lines = commandLines()
  expect(lines.some((line) => line.includes(shop.name))).toBe(true)
  expect(lines.filter((line) => line.includes(server.password))).toEqual([])
  project.write('go', '')
  const ended = await running.ended
  expect(ended).toMatchObject({ code: 0 })
  const backup = `backups/${project.backups()[0]}`
  const restored = await project.run('restore-database', ['--verbose', '--yes', '--json', backup])
  expect(restored).toMatchObject({ code: 0 })
  const listed = await project.run('restore-database')
  const inspected = await project.run('inspect-database', ['--verbose', '--json'])
  const broken = inFront(project, `echo "connecting with $(env) $(cat /dev/null)" >&2; env | grep -i pass >&2; exit 1`)
  const failed = await project.run('safe-test', ['--verbose', '--report', 'r.json', 'true'], { env: broken })
  expect(failed).toMatchObject({ code: 125 })
  const said = [ended, restored, listed, inspected, failed].flatMap(({ stdout, stderr }) => [stdout, stderr])
  expect([...said, writings(project)].join('\n')).not.toContain(server.password)
})

test('a password in the words of the wrapped command is in no output and no record', async () => {
  const shop = await openShop('SQLite')
  const project = newProject(shop.env)
  const words = [
    'postgres://app:S3cret-1@db/shop',
    '--password=S3cret-2',
    'DB_PASSWORD=S3cret-3',
    '--password',
    'S3cret-4',
  ]
  const ended = await project.run('safe-migrate', ['--report', 'r.json', '--verbose', 'true', ...words])
  expect(ended).toMatchObject({ code: 0 })
  expect(`${ended.stderr}${ended.stdout}${writings(project)}`).not.toContain('S3cret')
  expect(writings(project)).toContain('postgres://app:***@db/shop')
})
