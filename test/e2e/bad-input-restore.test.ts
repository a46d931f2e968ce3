import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { newProject, type Project } from './project.ts'
import { engineLabels, openShop, type Shop, threeCustomers } from './shops.ts'

type Prepared = { readonly shop: Shop; readonly project: Project; readonly backup: string }

async function backedUp(engine: Shop['engine'], words: readonly string[] = []): Promise<Prepared> {
  const shop = await openShop(engine)
  const project = newProject(shop.env)
  expect(await project.run('backup-database', words)).toMatchObject({ code: 0 })
  return { shop, project, backup: `backups/${project.backups()[0]}` }
}

/** The restore must end with this code and text; the database and the backup folder are as they were. */
async function refuses(
  { shop, project }: Pick<Prepared, 'shop' | 'project'>,
  words: readonly string[],
  code: number,
  says: string | RegExp,
): Promise<void> {
  await shop.ask(`INSERT INTO customers VALUES (4, 'Margaret')`)
  const before = project.kept()
  const ended = await project.run('restore-database', ['--yes', ...words])
  expect(ended.stderr).toMatch(says)
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringContaining('→') })
  expect(await shop.customers()).toEqual([...threeCustomers, 'Margaret'])
  expect(project.kept()).toEqual(before)
}

describe.each(engineLabels)('%s:', (engine) => {
  test('a file that is missing', async () => {
    const prepared = await backedUp(engine)
    await refuses(prepared, ['backups/database_gone.sql'], 2, 'There is no backup backups/database_gone.sql')
  })

  test('a folder', async () => {
    const prepared = await backedUp(engine)
    mkdirSync(prepared.project.path('folder.sql'))
    await refuses(prepared, ['folder.sql'], 2, 'folder.sql is a folder')
  })

  test('a manifest', async () => {
    const prepared = await backedUp(engine)
    await refuses(prepared, [`${prepared.backup}.json`], 2, `→ restore-database ${prepared.backup}`)
  })

  test.each(['none', 'zstd', 'gzip'])('a backup that was truncated (%s)', async (compress) => {
    const prepared = await backedUp(engine, ['--compress', compress])
    const path = prepared.project.path(prepared.backup)
    truncateSync(path, readFileSync(path).length - 20)
    await refuses(prepared, [prepared.backup], 31, /is not whole; nothing was restored/)
  })

  test.each(['none', 'zstd', 'gzip'])('a backup of which one byte was changed (%s)', async (compress) => {
    const prepared = await backedUp(engine, ['--compress', compress])
    const path = prepared.project.path(prepared.backup)
    const bytes = readFileSync(path)
    const middle = bytes.length >> 1
    bytes[middle] = (bytes[middle] ?? 0) ^ 1
    writeFileSync(path, bytes)
    await refuses(prepared, [prepared.backup], 31, /its bytes have changed/)
  })

  test('a backup that is empty', async () => {
    const prepared = await backedUp(engine)
    truncateSync(prepared.project.path(prepared.backup), 0)
    await refuses(prepared, [prepared.backup], 31, /is not whole/)
  })

  test('an empty file without a manifest', async () => {
    const prepared = await backedUp(engine)
    prepared.project.write('empty.sql', '')
    await refuses(prepared, ['empty.sql'], 31, /empty|completion|not whole/)
  })

  test.each(['none', 'zstd', 'gzip'])('a truncated file without a manifest (%s)', async (compress) => {
    const { shop, project, backup } = await backedUp(engine, ['--compress', compress])
    const bytes = readFileSync(project.path(backup))
    const foreign = backup.replace('backups/database_', 'foreign_')
    project.write(foreign, bytes.subarray(0, Math.floor(bytes.length * 0.8)))
    const { code, stdout, stderr } = await project.run('restore-database', [foreign])
    expect(stdout).toBe('')
    expect([20, 31]).toContain(code)
    expect(stderr).toMatch(/cut off|not whole/)
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('a broken manifest', async () => {
    const prepared = await backedUp(engine)
    prepared.project.write(`${prepared.backup}.json`, '{ "version": 1')
    await refuses(prepared, [prepared.backup], 31, /is not valid JSON/)
  })

  test('a manifest of another file', async () => {
    const { shop, project, backup } = await backedUp(engine)
    const other = backup.replace('database_', 'database_other_')
    project.write(other, readFileSync(project.path(backup)))
    project.write(`${other}.json`, readFileSync(project.path(`${backup}.json`)))
    await refuses({ shop, project }, [other], 31, /is of another file/)
  })

  test('a manifest that names a file outside its folder', async () => {
    const { shop, project, backup } = await backedUp(engine)
    const manifest = project.manifest(backup.slice('backups/'.length))
    project.write(`${backup}.json`, JSON.stringify({ ...manifest, file: '../../etc/passwd' }))
    await refuses({ shop, project }, [backup], 31, /names a file outside its folder/)
  })

  test('a path with ../ is the file that it leads to', async () => {
    const prepared = await backedUp(engine)
    await refuses(prepared, ['../../../../nowhere/../etc/shadow.sql'], 2, /There is no backup \.\.\/\.\./)
    await prepared.shop.ask('DELETE FROM customers WHERE id > 1')
    const { code } = await prepared.project.run('restore-database', ['--yes', `backups/../${prepared.backup}`])
    expect(code).toBe(0)
    expect(await prepared.shop.customers()).toEqual(threeCustomers)
  })

  test('a dump of another database is told, and needs a yes where this one is named', async () => {
    const other = await backedUp(engine)
    const { shop, project } = await backedUp(engine)
    for (const end of ['', '.json']) {
      project.write(`${other.backup}${end}`, readFileSync(other.project.path(`${other.backup}${end}`)))
    }
    const env = { SEATBELT_DATABASE_URL: shop.url }
    const { code, stdout, stderr } = await project.run('restore-database', [other.backup], { env })
    expect({ code, stdout }).toEqual({ code: 20, stdout: '' })
    expect(stderr).toContain(`the backup is of another database: ${other.shop.url.replace(/:[^:/@]*@/, '@')}`)
    expect(stderr).toMatch(/→ If this really is what you mean: .*restore-database --yes backups\//)
    expect(await shop.customers()).toEqual(threeCustomers)
  })

  test('a backup of another engine', async () => {
    const others = engineLabels.filter((label) => label !== engine)
    for (const label of others) {
      const other = await backedUp(label)
      const prepared = await backedUp(engine)
      for (const end of ['', '.json']) {
        prepared.project.write(`${other.backup}${end}`, readFileSync(other.project.path(`${other.backup}${end}`)))
      }
      await refuses(prepared, [other.backup], 20, /is of \w+, and the target is \w+/)
      // Without its manifest the file itself says it.
      const foreign = other.backup.replace('backups/database_', 'foreign_')
      prepared.project.write(foreign, readFileSync(other.project.path(other.backup)))
      await prepared.shop.ask('DELETE FROM customers WHERE id = 4')
      await refuses(prepared, [foreign], 20, /is of \w+, and the target is \w+/)
    }
  })
})

/** A dump with lines put before its closing part, its manifest made to fit or left out. */
function tampered({ project, backup }: Prepared, lines: string, withManifest: boolean): string {
  const text = readFileSync(project.path(backup), 'utf8')
  const at = text.search(/^(?:--\n-- PostgreSQL database dump complete|-- Dump completed)/m)
  const file = backup.replace('backups/database_', 'tampered_')
  const changed = `${text.slice(0, at)}\n${lines}\n${text.slice(at)}`
  project.write(file, changed)
  if (!withManifest) return file
  const bytes = Buffer.byteLength(changed)
  const sha256 = createHash('sha256').update(changed).digest('hex')
  const manifest = project.manifest(backup.slice('backups/'.length))
  project.write(`${file}.json`, JSON.stringify({ ...manifest, file, bytes, storedBytes: bytes, sha256 }))
  return file
}

describe.each(['PostgreSQL', 'MariaDB'] as const)('%s: a plain dump with', (engine) => {
  test('a line that runs a shell', async () => {
    const prepared = await backedUp(engine)
    const marker = prepared.project.path('shell-ran')
    const line = engine === 'PostgreSQL' ? `\\! touch ${marker}` : `\\! touch ${marker}\nsystem touch ${marker}`
    await refuses(prepared, [tampered(prepared, line, false)], 20, /\\!|shell|command of the client|meta-command/i)
    expect(existsSync(marker)).toBe(false)
  })

  // Whoever can write a manifest can write a dump: the client itself must not be able to run anything.
  test('a line that runs a shell, and a manifest that fits', async () => {
    const prepared = await backedUp(engine)
    const marker = prepared.project.path('shell-ran')
    const file = tampered(prepared, `\\! touch ${marker}`, true)
    await prepared.project.run('restore-database', ['--yes', file])
    expect(existsSync(marker)).toBe(false)
    expect(await prepared.shop.customers()).toEqual(threeCustomers)
  })

  test('a statement that goes to another database is told, and that database never touched', async () => {
    const { project, ...prepared } = await backedUp(engine)
    const other = await openShop(engine)
    const line = engine === 'PostgreSQL' ? `\\connect ${other.name}` : `USE ${other.name};`
    const file = tampered({ project, ...prepared }, `${line}\nDELETE FROM customers;`, false)
    const asked = await project.run('restore-database', [file])
    expect(asked).toMatchObject({ code: 20, stdout: '', stderr: expect.stringContaining(other.name) })
    expect(await prepared.shop.customers()).toEqual(threeCustomers)
    await project.run('restore-database', ['--yes', file])
    expect(await other.customers()).toEqual(threeCustomers)
  })

  test('a statement that fails leaves the database as it was', async () => {
    const prepared = await backedUp(engine)
    const file = tampered(prepared, 'INSERT INTO nowhere VALUES (1);', false)
    await prepared.shop.ask(`INSERT INTO customers VALUES (4, 'Margaret')`)
    const ended = await prepared.project.run('restore-database', ['--yes', file])
    expect(ended).toMatchObject({ code: 40, stdout: '', stderr: expect.stringContaining('→') })
    expect(ended.stderr).toContain('nowhere')
    expect(await prepared.shop.customers()).toEqual([...threeCustomers, 'Margaret'])
  })
})

test.each(engineLabels)('%s: rows that are not those of the manifest leave the database as it was', async (engine) => {
  const { shop, project, backup } = await backedUp(engine)
  const file = backup.slice('backups/'.length)
  const manifest = project.manifest(file)
  const tables = manifest.tables.map((each) => ({ ...each, rows: each.rows + 1 }))
  project.write(`${backup}.json`, JSON.stringify({ ...manifest, tables }))
  await shop.ask(`INSERT INTO customers VALUES (4, 'Margaret')`)
  const ended = await project.run('restore-database', ['--yes', backup])
  expect(ended).toMatchObject({ code: expect.any(Number), stdout: '', stderr: expect.stringContaining('customers') })
  expect([31, 40]).toContain(ended.code)
  expect(await shop.customers()).toEqual([...threeCustomers, 'Margaret'])
})
