import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, inject, test } from 'vitest'
import { contentOf } from '../../src/backup/content.ts'
import { verifyBackup } from '../../src/backup/verify.ts'
import type { Finding } from '../../src/engines/engine.ts'
import { loadEngine } from '../../src/engines/registry.ts'
import { Failure } from '../../src/failure.ts'
import { newProject, type Project } from '../e2e/project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, serverShop } from '../e2e/shops.ts'
import { everything } from '../engines/postgres/everything.ts'
import { ioFor } from '../engines/postgres/world.ts'
import { randomFrom } from './random.ts'

const folder = mkdtempSync(join(tmpdir(), 'seatbelt-damaged-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

const rich: Readonly<Record<EngineLabel, string>> = {
  PostgreSQL: everything,
  MariaDB: `CREATE TABLE notes (id int PRIMARY KEY AUTO_INCREMENT, body text); CREATE VIEW v AS SELECT id FROM notes;
    INSERT INTO notes (body) SELECT CONCAT('it''s; ', seq, '\\\\', REPEAT('ü', 40)) FROM seq_1_to_400;
    CREATE TRIGGER tr BEFORE INSERT ON notes FOR EACH ROW SET NEW.body = 'x'; CREATE PROCEDURE p() SELECT 1`,
  SQLite: `CREATE TABLE notes (id integer PRIMARY KEY, body text); CREATE INDEX i ON notes (body);
    INSERT INTO notes WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 400)
      SELECT n, 'it''s; ' || n || hex(randomblob(40)) FROM s; CREATE VIEW v AS SELECT id FROM notes`,
}

async function openRich(engine: EngineLabel): Promise<Shop> {
  const shop =
    engine === 'PostgreSQL' ? await serverShop(engine, inject('servers').postgres['15']) : await openShop(engine)
  await shop.ask(rich[engine])
  return shop
}

const names = { PostgreSQL: 'postgres', MariaDB: 'mysql', SQLite: 'sqlite' } as const

/** What a restore without a manifest is told of these bytes; a file that cannot be read through is one finding. */
async function findingsOf(engine: EngineLabel, name: string, bytes: Uint8Array): Promise<readonly Finding[]> {
  const path = join(folder, name)
  writeFileSync(path, bytes)
  try {
    return await (await loadEngine(names[engine])).scan(ioFor(), contentOf(path))
  } catch (error) {
    if (error instanceof Failure) return [{ severity: 'refuse', what: error.text.what, notWhole: true }]
    throw error
  }
}

async function dataOf(stored: Uint8Array): Promise<Buffer> {
  const path = join(folder, 'data.sql.gz')
  writeFileSync(path, stored)
  const parts: Uint8Array[] = []
  for await (const part of contentOf(path)()) parts.push(Buffer.from(part))
  return Buffer.concat(parts)
}

// A dump of MySQL without its trailer may be one that was made without comments: that is asked about.
const isFound = (findings: readonly Finding[]) =>
  findings.some(({ severity, what }) => severity === 'refuse' || /Dump completed/.test(what))

describe.each(engineLabels)('%s: a backup', (engine) => {
  let shop: Shop
  let project: Project
  let file: string
  let bytes: Buffer

  const backUp = async (compress: string) => {
    shop = await openRich(engine)
    project = newProject(shop.env)
    expect(await project.run('backup-database', ['--compress', compress])).toMatchObject({ code: 0 })
    file = project.backups()[0] ?? ''
    bytes = readFileSync(project.path(`backups/${file}`))
  }

  test.each(['none', 'zstd', 'gzip'])('of which any one bit was changed is found (%s)', async (compress) => {
    await backUp(compress)
    const random = randomFrom(bytes.length)
    const path = project.path(`backups/${file}`)
    for (let flip = 0; flip < 200; flip++) {
      const [at, bit] = [Math.floor(random() * bytes.length), Math.floor(random() * 8)]
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ (1 << bit)
      writeFileSync(path, changed)
      const checked = verifyBackup(ioFor(), path, file, project.manifest(file))
      await expect(checked, `bit ${bit} of byte ${at}`).rejects.toMatchObject({ code: 31 })
    }
    expect(await project.run('restore-database', ['--yes', path])).toMatchObject({ code: 31 })
    writeFileSync(path, bytes)
    await verifyBackup(ioFor(), path, file, project.manifest(file))
  })

  test.each(['zstd', 'gzip'])(
    'that is compressed and has no manifest is found where a bit of its data was changed (%s)',
    async (compress) => {
      await backUp(compress)
      const random = randomFrom(bytes.length)
      for (let flip = 0; flip < 60; flip++) {
        // Behind the header, whose flags and times mean nothing to the data; gzip's last bytes are its checksum.
        const at = 32 + Math.floor(random() * (bytes.length - 32))
        const changed = Buffer.from(bytes)
        changed[at] = (changed[at] ?? 0) ^ (1 << Math.floor(random() * 8))
        if (isFound(await findingsOf(engine, file, changed))) continue
        // The bits that fill up the last byte of the data mean nothing.
        expect(await dataOf(changed), `byte ${at} of ${bytes.length}`).toEqual(await dataOf(bytes))
      }
    },
  )

  test.each(['none', 'zstd', 'gzip'])(
    'that was cut at a random byte and has no manifest is found (%s)',
    async (compress) => {
      await backUp(compress)
      const end = compress === 'none' ? endOfData(engine, bytes) : bytes.length
      const random = randomFrom(end)
      for (let cut = 0; cut < 100; cut++) {
        const at = Math.floor(random() * end)
        expect(isFound(await findingsOf(engine, file, bytes.subarray(0, at))), `cut at ${at} of ${bytes.length}`).toBe(
          true,
        )
      }
      expect(isFound(await findingsOf(engine, file, bytes))).toBe(false)
    },
  )

  test('that was cut at the end of any statement, or of any page, is found, with a manifest and without', async () => {
    await backUp('none')
    const path = project.path(`backups/${file}`)
    const cuts = boundariesOf(engine, bytes)
    expect(cuts.length).toBeGreaterThan(5)
    for (const at of cuts) {
      const cut = bytes.subarray(0, at)
      expect(isFound(await findingsOf(engine, file, cut)), `cut at ${at} of ${bytes.length}`).toBe(true)
      writeFileSync(path, cut)
      await expect(verifyBackup(ioFor(), path, file, project.manifest(file))).rejects.toMatchObject({ code: 31 })
    }
  })
})

/** Where the last byte stands without which something is missing: after the trailer only blanks and `\unrestrict` follow. */
function endOfData(engine: EngineLabel, bytes: Buffer): number {
  if (engine === 'SQLite') return bytes.length
  const trailer = engine === 'PostgreSQL' ? '-- PostgreSQL database dump complete' : '-- Dump completed'
  return bytes.lastIndexOf(trailer)
}

function boundariesOf(engine: EngineLabel, bytes: Buffer): readonly number[] {
  const end = endOfData(engine, bytes)
  const step = engine === 'SQLite' ? bytes.readUInt16BE(16) : undefined
  if (step !== undefined) return Array.from({ length: Math.floor(end / step) - 1 }, (_, page) => (page + 1) * step)
  const cuts: number[] = []
  for (let at = bytes.indexOf(';\n'); at >= 0 && at < end; at = bytes.indexOf(';\n', at + 1)) cuts.push(at + 1, at + 2)
  return cuts
}
