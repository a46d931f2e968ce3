import { mkdir, mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, inject } from 'vitest'
import { createDatabase, type Server, sql, uniqueName } from '../servers/databases.ts'

/** The servers that every stack migrates on. */
export const servers = (): readonly (readonly [string, Server])[] => [
  ['PostgreSQL', inject('servers').postgres['15']],
  ['MariaDB', inject('servers').mariadb],
]

/** Three databases of one project with something in each, told apart by their names. */
export type Trio = { readonly development: string; readonly testing: string; readonly exported: string }

export async function trioOn(server: Server): Promise<Trio> {
  const base = uniqueName('shop')
  const names = { development: `${base}_dev`, testing: `${base}_test`, exported: `${base}_mine` }
  for (const name of Object.values(names)) {
    await createDatabase(server, name)
    await sql(server, name, 'CREATE TABLE kept (a int); INSERT INTO kept VALUES (1)')
  }
  return names
}

/** A folder with these files in it. */
export async function projectWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'migrates-'))
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text, { mode: 0o755 })
  }
  return folder
}

export type Migration = {
  readonly server: Server
  readonly names: Trio
  readonly folder: string
  readonly words: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/**
 * Puts our own command in front of a migration that makes the table `orders`, and asks the server afterwards: the one
 * database that has the table is the one that was backed up, and without it.
 */
export async function expectMigrated(which: keyof Trio, migration: Migration): Promise<void> {
  const { server, names, folder, words, environment } = migration
  const command = Bun.spawn([join(import.meta.dirname, '../../bin/safe-migrate'), '--yes', ...words], {
    cwd: folder,
    env: { PATH: '/usr/bin:/bin', HOME: folder, LANG: 'C.UTF-8', ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [code, said, printed] = await Promise.all([
    command.exited,
    new Response(command.stderr).text(),
    new Response(command.stdout).text(),
  ])
  expect(code, said + printed).toBe(0)
  expect(await databasesWithOrders(server, names)).toEqual([names[which]])
  expect(await backedUp(folder), said).toEqual([{ database: names[which], tables: ['kept'] }])
}

export async function databasesWithOrders(server: Server, names: Trio): Promise<readonly string[]> {
  const found: string[] = []
  for (const name of Object.values(names)) {
    const schema = server.engine === 'postgres' ? 'public' : name
    const rows = await sql(
      server,
      name,
      `SELECT 1 AS one FROM information_schema.tables WHERE table_schema = '${schema}' AND table_name = 'orders'`,
    )
    if (rows.length > 0) found.push(name)
  }
  return found
}

type Manifest = { readonly target: string; readonly tables: readonly { readonly name: string }[] }

async function backedUp(folder: string): Promise<readonly unknown[]> {
  const names = (await readdir(join(folder, 'backups'))).filter((name) => /^database_.*\.json$/.test(name))
  return Promise.all(
    names.map(async (name) => {
      const { target, tables } = JSON.parse(await readFile(join(folder, 'backups', name), 'utf8')) as Manifest
      const database = new URL(target).pathname.slice(1)
      return { database, tables: tables.map((table) => table.name.replace(/^.*\./, '')) }
    }),
  )
}
