import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { createDatabase, type Server, sql, urlOf } from '../servers/databases.ts'
import { type NodeStack, projectOf } from './node-stack.ts'

const root = join(import.meta.dirname, '..', '..')

/** The three databases of a test: what `.env` names, what the testing files name, and one that only a variable names. */
type Urls = { readonly shop_dev: string; readonly shop_test: string; readonly shop_mine: string }

export type Migration = {
  readonly command: string
  /** The database that must change, and be the one that was backed up. */
  readonly changes: keyof Urls
  readonly engine?: 'postgres' | 'mysql'
  readonly environment?: (urls: Urls) => Record<string, string>
}

/** One test for each command: run behind the compiled `safe-migrate`, then the server is asked which database changed. */
export function migrates(stack: NodeStack, layout: string, migrations: readonly Migration[]): void {
  test.each(migrations)(`${layout}: $command changes $changes, and that is backed up`, async (migration) => {
    const { postgres, mariadb } = inject('servers')
    const server = migration.engine === 'mysql' ? mariadb : postgres['15']
    const names = await threeDatabases(server)
    const urls = mapped(names, (name) => urlOf(server, name))
    const folder = await projectOf(stack, layout, placesOf(server, names))
    const exitCode = await safely(folder, words(migration.command, urls), migration.environment?.(urls) ?? {})
    const changed = await changedAmong(server, names)
    const backedUp = await backedUpIn(folder)
    await rm(folder, { recursive: true })
    const expected = names[migration.changes]
    expect({ exitCode, changed, backedUp }).toEqual({ exitCode: 0, changed: [expected], backedUp: [expected] })
  })
}

type Names = { readonly [K in keyof Urls]: string }

async function threeDatabases(server: Server): Promise<Names> {
  const [shop_dev, shop_test, shop_mine] = await Promise.all([0, 1, 2].map(() => createDatabase(server)))
  const names = { shop_dev: shop_dev ?? '', shop_test: shop_test ?? '', shop_mine: shop_mine ?? '' }
  // Outside the schema that is migrated: Prisma refuses one that holds tables it does not know.
  const kept = server.engine === 'postgres' ? 'CREATE SCHEMA side; CREATE TABLE side.kept' : 'CREATE TABLE kept'
  for (const name of Object.values(names)) await sql(server, name, `${kept} (n integer)`)
  return names
}

function mapped(names: Names, change: (name: string) => string): Names {
  const { shop_dev, shop_test, shop_mine } = names
  return { shop_dev: change(shop_dev), shop_test: change(shop_test), shop_mine: change(shop_mine) }
}

// The layouts name a server that is nowhere; the copies name the one of this run.
function placesOf(server: Server, names: Names): Record<string, string> {
  const { host, port, superuser, password } = server
  return {
    'app:secret@': `${superuser}:${password}@`,
    'db.example': host,
    '5432': String(port),
    '"app"': `"${superuser}"`,
    '"secret"': `"${password}"`,
    "'app'": `'${superuser}'`,
    "'secret'": `'${password}'`,
    ...names,
  }
}

function words(command: string, urls: Urls): readonly string[] {
  return command
    .split(' ')
    .map((word) =>
      word
        .replace(/^URL_OF_(\w+)$/, (_, name: keyof Urls) => urls[name])
        .replace(/^NAME_OF_(\w+)$/, (_, name: keyof Urls) => new URL(urls[name]).pathname.slice(1)),
    )
}

async function safely(
  folder: string,
  command: readonly string[],
  environment: Record<string, string>,
): Promise<number> {
  const started = Bun.spawn([join(root, 'bin/safe-migrate'), ...command], {
    cwd: folder,
    env: { PATH: `${folder}/node_modules/.bin:/usr/local/bin:/usr/bin:/bin`, HOME: folder, ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const said = await Promise.all([new Response(started.stdout).text(), new Response(started.stderr).text()])
  const exitCode = await started.exited
  if (exitCode !== 0) console.error(said.join('\n'))
  return exitCode
}

async function changedAmong(server: Server, names: Names): Promise<readonly string[]> {
  const changed: string[] = []
  for (const name of Object.values(names)) {
    const text = "SELECT table_name FROM information_schema.tables WHERE table_name = 'invoices' AND"
    const place = server.engine === 'postgres' ? 'table_catalog' : 'table_schema'
    if ((await sql(server, name, `${text} ${place} = '${name}'`)).length > 0) changed.push(name)
  }
  return changed
}

async function backedUpIn(folder: string): Promise<readonly string[]> {
  const files = (await readdir(join(folder, 'backups')).catch(() => [])).filter((file) =>
    /^database_.*\.json$/.test(file),
  )
  const manifests = await Promise.all(files.map((file) => readFile(join(folder, 'backups', file), 'utf8')))
  return manifests.map((text) => new URL((JSON.parse(text) as { target: string }).target).pathname.slice(1))
}
