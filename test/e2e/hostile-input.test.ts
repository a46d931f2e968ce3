import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createZstdCompress, gzipSync } from 'node:zlib'
import { describe, expect, inject, test } from 'vitest'
import { pgDump13, slow, until } from './clients.ts'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, serverShop, threeCustomers } from './shops.ts'

type Prepared = { readonly shop: Shop; readonly project: Project; readonly backup: string }

async function backedUp(engine: Shop['engine'] = 'SQLite'): Promise<Prepared> {
  const shop = await openShop(engine)
  const project = newProject(shop.env)
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  return { shop, project, backup: project.backups()[0] ?? '' }
}

describe('a link in the backup folder', () => {
  test('that leads outside is no backup: not listed, not restored, not rotated', async () => {
    const { shop, project, backup } = await backedUp()
    const outside = project.write('elsewhere/outside.sqlite', readFileSync(project.path(`backups/${backup}`)))
    project.write('elsewhere/outside.sqlite.json', readFileSync(project.path(`backups/${backup}.json`)))
    const link = backup.replace('.sqlite', '-9.sqlite')
    symlinkSync(outside, project.path(`backups/${link}`))
    const manifest = readFileSync(project.path(`backups/${backup}.json`), 'utf8').replaceAll(backup, link)
    project.write(`backups/${link}.json`, manifest)
    const { backups } = JSON.parse((await project.run('restore-database', ['--json'])).stdout)
    expect(backups.map(({ file }: { file: string }) => file)).toEqual([backup])
    const ended = await project.run('restore-database', ['--yes', `backups/${link}`])
    expect(ended).toMatchObject({
      code: 20,
      stderr: expect.stringContaining('is a link that leads out of the backup folder'),
    })
    expect(ended.stderr).toContain(`It leads to ${outside}`)
    await shop.ask(`INSERT INTO customers VALUES (4, 'Margaret')`)
    expect(await project.run('backup-database', ['--keep', '1'])).toMatchObject({ code: 0 })
    expect(readFileSync(outside).length).toBeGreaterThan(0)
    expect(project.kept()).toContain(link)
  })

  test('as its manifest makes it none either', async () => {
    const { project, backup } = await backedUp()
    const outside = project.write('elsewhere/m.json', readFileSync(project.path(`backups/${backup}.json`)))
    await Bun.$`rm ${project.path(`backups/${backup}.json`)}`
    symlinkSync(outside, project.path(`backups/${backup}.json`))
    expect(JSON.parse((await project.run('restore-database', ['--json'])).stdout).backups).toEqual([])
    const ended = await project.run('restore-database', ['--yes', `backups/${backup}`])
    expect(ended).toMatchObject({ code: 20, stderr: expect.stringContaining('has a manifest that is a link') })
  })

  test('in the place of the journal is not written through', async () => {
    const { project } = await backedUp()
    const victim = project.write('victim', 'as it was')
    await Bun.$`rm ${project.path('backups/journal.jsonl')}`
    symlinkSync(victim, project.path('backups/journal.jsonl'))
    const ended = await project.run('backup-database')
    expect(ended).toMatchObject({ code: 0, stderr: expect.stringContaining('The journal could not be written') })
    expect(readFileSync(victim, 'utf8')).toBe('as it was')
  })
})

test('a backup folder that others can write to is warned about, with the command that closes it', async () => {
  const { project } = await backedUp()
  expect((await project.run('backup-database')).stderr).not.toContain('Others may write')
  chmodSync(project.path('backups'), 0o777)
  const ended = await project.run('backup-database', ['--quiet'])
  expect(ended).toMatchObject({ code: 0 })
  expect(ended.stderr).toContain('Others may write into backups (mode 0777)')
  expect(ended.stderr).toContain(`chmod go-w ${project.path('backups')}`)
})

describe.each(engineLabels)('%s: a compressed file that has no end', (engine) => {
  test.each(['gz', 'zst'])('is refused before anything is loaded (%s)', async (ending) => {
    const shop = await openShop(engine)
    const project = newProject(shop.env)
    const name = `bomb.${engine === 'SQLite' ? 'sqlite' : 'sql'}.${ending}`
    project.write(name, ending === 'gz' ? gzipBomb(engine) : await zstdBomb(engine))
    const ended = await project.run('restore-database', ['--yes', name])
    expect(ended).toMatchObject({ code: 20, stdout: '', stderr: expect.stringContaining('→') })
    expect(ended.stderr).toContain('decompresses to more than 200 times its size')
    expect(await shop.customers()).toEqual(threeCustomers)
    expect(project.kept()).toEqual([])
  })
})

const beginnings = {
  PostgreSQL: '--\n-- PostgreSQL database dump\n--\n',
  MariaDB: '-- MariaDB dump 10.19\n',
  SQLite: 'SQLite format 3\0',
} as const

/** 400 MB of blanks behind the beginning of a dump: members one after another are one file. */
function gzipBomb(engine: Shop['engine']): Buffer {
  const member = gzipSync(Buffer.alloc(64 << 20, '\n'))
  return Buffer.concat([gzipSync(beginnings[engine]), ...Array.from({ length: 6 }, () => member)])
}

async function zstdBomb(engine: Shop['engine']): Promise<Buffer> {
  const stream = createZstdCompress()
  const parts: Uint8Array[] = []
  stream.on('data', (part: Uint8Array) => parts.push(part))
  const ended = new Promise((resolve) => stream.on('end', resolve))
  stream.write(beginnings[engine])
  const blanks = Buffer.alloc(16 << 20, '\n')
  for (let at = 0; at < 25; at++)
    if (!stream.write(blanks)) await new Promise((resolve) => stream.once('drain', resolve))
  stream.end()
  await ended
  return Buffer.concat(parts)
}

test('escapes in the names of a manifest are shown, never printed raw', async () => {
  const { project, backup } = await backedUp()
  const path = project.path(`backups/${backup}.json`)
  const manifest = JSON.parse(readFileSync(path, 'utf8'))
  const evil = '\x1b]0;owned\x07\x1b[2J\u202egnp'
  const tables = [{ ...manifest.tables[0], name: evil }]
  const target = `${manifest.target}${encodeURIComponent(evil)}`
  writeFileSync(
    path,
    JSON.stringify({ ...manifest, reason: evil, server: evil, client: evil, notes: [evil], target, tables }),
  )
  const listed = await project.run('restore-database')
  const restored = await project.run('restore-database', ['--yes', '--verbose', `backups/${backup}`])
  for (const { stdout, stderr } of [listed, restored]) {
    expect(`${stdout}${stderr}`).not.toMatch(/\x1b\]|\x1b\[2J|\x07|\u202e/)
  }
  expect(listed.stdout).toContain('\\x1b]0;owned')
})

test('a password in --database-url is warned about; in the variable it is not', async () => {
  const shop = await openShop('PostgreSQL')
  const project = newProject()
  const onTheLine = await project.run('backup-database', ['--database-url', shop.url])
  expect(onTheLine).toMatchObject({ code: 0, stderr: expect.stringContaining('set SEATBELT_DATABASE_URL instead') })
  const inVariable = await project.run('backup-database', [], { env: { SEATBELT_DATABASE_URL: shop.url } })
  expect(inVariable.stderr).not.toContain('instead')
})

test('neither we nor the client leave a core file; the wrapped command may, as before', async () => {
  const shop = await serverShop('PostgreSQL', inject('servers').postgres['13'])
  const project = newProject(shop.env)
  const env = pgDump13(project, `${slow(project)}`)
  const words = ['sh', '-c', 'ulimit -c >limit']
  const under = ['prlimit', '--core=1048576:unlimited']
  const running = project.start('safe-test', words, { env, under })
  await until(project, 'waiting')
  const limitOf = (pid: number) => /^Max core file size\s+(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1]
  const children = readFileSync(`/proc/${running.pid}/task/${running.pid}/children`, 'utf8')
    .trim()
    .split(/\s+/)
    .map(Number)
  expect(children.length).toBeGreaterThan(0)
  expect([running.pid, ...children].map(limitOf)).toEqual(['0', ...children.map(() => '0')])
  project.write('go', '')
  expect(await running.ended).toMatchObject({ code: 0 })
  expect(readFileSync(project.path('limit'), 'utf8').trim()).toBe('2048') // blocks of 512 bytes
})

test('a password is in the environment of no process but the client', async () => {
  const shop = await serverShop('PostgreSQL', inject('servers').postgres['13'])
  const project = newProject(shop.env)
  const running = project.start('safe-test', ['true'], { env: pgDump13(project, slow(project)) })
  await until(project, 'waiting')
  const { password } = inject('servers').postgres['13']
  expect(readFileSync(`/proc/${running.pid}/environ`, 'utf8')).not.toContain(password)
  project.write('go', '')
  expect(await running.ended).toMatchObject({ code: 0 })
})

describe('a dump in which a hostile server had commands for psql written (CVE-2025-8714)', () => {
  const breakOut = `real "$@" | sed 's/^-- Name: customers; Type: TABLE;.*/-- Name: a\\n\\\\! touch pwned\\n&/'`

  test('is not kept, and nothing is run', async () => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['13'])
    const project = newProject(shop.env)
    const ended = await project.run('backup-database', [], { env: pgDump13(project, breakOut) })
    expect(ended).toMatchObject({ code: 30, stderr: expect.stringContaining('holds a command for psql') })
    expect(ended.stderr).toContain('\\! touch pwned')
    expect(project.kept()).toEqual([])
    expect(() => readFileSync(project.path('pwned'))).toThrow('ENOENT')
  })

  test.each([
    ['13.21', true],
    ['13.22', false],
  ])('is what inspect-database says of a pg_dump that lacks the fix: %s', async (version, said) => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['13'])
    const project = newProject(shop.env)
    const env = pgDump13(project, 'real "$@"', version)
    const ended = await project.run('inspect-database', [], { env })
    expect(ended.stdout.includes('without the fix of CVE-2025-8714: update it to 13.22')).toBe(said)
    const [target] = JSON.parse((await project.run('inspect-database', ['--json'], { env })).stdout).targets
    expect(target.client).toMatchObject({ dump: 'pg_dump', version })
    expect('lacks' in target.client).toBe(said)
  })
})
