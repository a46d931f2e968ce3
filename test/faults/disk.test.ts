import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { verifyBackup } from '../../src/backup/verify.ts'
import { newProject, type Project } from '../e2e/project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, threeCustomers } from '../e2e/shops.ts'
import { ioFor } from '../engines/postgres/world.ts'

/** Runs the words with a file system of so many kilobytes on the backup folder, and copies to `after` what is left in it. */
const smallDisk = `
  rm -rf after; mkdir -p backups && mount -t tmpfs -o size="$1"k,mode=700 tmpfs backups || exit 99
  if [ -d before ]; then cp -p before/* backups/ || exit 98; fi
  shift; "$@"; code=$?
  cp -a backups after
  exit $code`

function onDiskOf(project: Project, kilobytes: number): readonly string[] {
  const namespace = ['unshare', ...(process.getuid?.() === 0 ? ['-m'] : ['-rm'])]
  return [...namespace, 'sh', project.write('small-disk.sh', smallDisk), String(kilobytes)]
}

const more: Readonly<Record<EngineLabel, string>> = {
  PostgreSQL: `INSERT INTO notes SELECT n, md5(n::text) || repeat('x', 300) FROM generate_series(1, 2000) n`,
  MariaDB: `INSERT INTO notes SELECT seq, CONCAT(MD5(seq), REPEAT('x', 300)) FROM seq_1_to_2000`,
  SQLite: `INSERT INTO notes WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 2000)
    SELECT n, hex(randomblob(160)) FROM s`,
}

async function openFilled(engine: EngineLabel): Promise<Shop> {
  const shop = await openShop(engine)
  await shop.ask('CREATE TABLE notes (id integer PRIMARY KEY, note varchar(400))')
  await shop.ask(more[engine])
  return shop
}

/** Whatever has a backup's name is one, whole, with its manifest; nothing else is left. Returns their names. */
async function wholeBackups(project: Project): Promise<readonly string[]> {
  const names = readdirSync(project.path('after')).filter((name) => !['.gitignore', 'journal.jsonl'].includes(name))
  const backups = names.filter((name) => !name.endsWith('.json'))
  expect(names.toSorted()).toEqual(backups.flatMap((name) => [name, `${name}.json`]).toSorted())
  for (const name of backups) {
    const path = join(project.path('after'), name)
    await verifyBackup(ioFor(), path, name, JSON.parse(readFileSync(`${path}.json`, 'utf8')))
  }
  return backups
}

describe.each(engineLabels)('%s: a disk that is full', (engine) => {
  test.each(['none', 'zstd'])('at any step of a backup leaves a whole one or none (%s)', async (compress) => {
    const shop = await openFilled(engine)
    const project = newProject(shop.env)
    const codes = new Set<number | string>()
    for (let kilobytes = 4; kilobytes <= 2048; kilobytes = Math.ceil(kilobytes * 1.3)) {
      const under = onDiskOf(project, kilobytes)
      const ended = await project.run('safe-migrate', ['--compress', compress, 'touch', 'ran'], { under })
      const backups = await wholeBackups(project)
      expect(ended.code === 0 ? 1 : 0, `${kilobytes} kB: ${ended.stderr}`).toBe(backups.length)
      expect(existsSync(project.path('ran')), `${kilobytes} kB`).toBe(ended.code === 0)
      if (ended.code !== 0) expect(ended).toMatchObject({ code: 125, stderr: expect.stringMatching(/→ .*space/i) })
      codes.add(ended.code)
      rmSync(project.path('ran'), { force: true })
    }
    expect(codes).toEqual(new Set([125, 0]))
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('at any step of a restore leaves the database as it was, or restored', async () => {
    const shop = await openFilled(engine)
    const project = newProject(shop.env)
    expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    const [backup = ''] = project.backups()
    mkdirSync(project.path('before'))
    await Bun.$`cp -p ${project.path(`backups/${backup}`)} ${project.path(`backups/${backup}.json`)} ${project.path('before')}`
    await shop.ask('DELETE FROM customers WHERE id = 3')
    await shop.ask('DELETE FROM notes WHERE id > 1500')
    const stored = project.manifest(backup).storedBytes / 1024
    const codes = new Set<number | string>()
    for (let room = 8; room <= 4096; room = Math.ceil(room * 1.5)) {
      const under = onDiskOf(project, Math.ceil(stored) + room)
      const ended = await project.run('restore-database', ['--yes', `backups/${backup}`], { under })
      codes.add(ended.code)
      expect([0, 30, 40], ended.stderr).toContain(ended.code)
      expect(await shop.customers()).toEqual(ended.code === 0 ? threeCustomers : threeCustomers.slice(0, 2))
      expect(await wholeBackups(project)).toContain(backup)
      if (ended.code === 0) break
    }
    expect(codes).toContain(30)
    expect(codes).toContain(0)
  })
})

test('SQLite: a disk of the database itself that is full leaves it as it was', async () => {
  const shop = await openFilled('SQLite')
  const project = newProject(shop.env)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [backup = ''] = project.backups()
  await shop.ask('DELETE FROM customers WHERE id = 3')
  const script = `mkdir disk && mount -t tmpfs -o size=1000k tmpfs disk && cp "$1" disk/shop.sqlite || exit 99
    printf 'DB_CONNECTION=sqlite\\nDB_DATABASE=disk/shop.sqlite\\n' > small.env; shift
    "$@"; code=$?; cp disk/shop.sqlite after.sqlite; ls -A disk > listed; exit $code`
  const namespace = ['unshare', ...(process.getuid?.() === 0 ? ['-m'] : ['-rm'])]
  const under = [...namespace, 'sh', project.write('disk.sh', script), String(shop.env['DB_DATABASE'])]
  const ended = await project.run('restore-database', ['--yes', '--env-file', 'small.env', `backups/${backup}`], {
    under,
  })
  expect(ended).toMatchObject({ code: 40, stderr: expect.stringContaining('as it was') })
  expect(readFileSync(project.path('listed'), 'utf8').trim()).toBe('shop.sqlite')
  expect(readFileSync(project.path('after.sqlite'))).toEqual(readFileSync(String(shop.env['DB_DATABASE'])))
})
