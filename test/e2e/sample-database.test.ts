import { Database } from 'bun:sqlite'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, test } from 'vitest'
import { newProject, type Project } from './project.ts'
import { type EngineLabel, engineLabels, openShop, type Shop, serverShop } from './shops.ts'

// Sakila, the sample database of MySQL, as others ported it: views, triggers, routines, rules, inheritance, domains.
const schemaOf = (file: string) =>
  readFileSync(join(import.meta.dirname, `../samples/sakila/${file}-schema.sql`), 'utf8')

const seen = `'2006-02-15 04:34:33'`

/** Rows that all three ports take. */
function rows(): string {
  const many = (count: number, row: (n: number) => string) =>
    Array.from({ length: count }, (_, n) => `(${row(n + 1)})`).join(', ')
  return [
    `INSERT INTO language (language_id, name, last_update) VALUES (1, 'English', ${seen}), (2, 'Italian', ${seen})`,
    `INSERT INTO category (category_id, name, last_update) VALUES ${many(16, (n) => `${n}, 'Category ${n}', ${seen}`)}`,
    `INSERT INTO country (country_id, country, last_update) VALUES ${many(109, (n) => `${n}, 'Country ''${n}''', ${seen}`)}`,
    `INSERT INTO city (city_id, city, country_id, last_update) VALUES ${many(600, (n) => `${n}, 'Città ${n}', ${(n % 109) + 1}, ${seen}`)}`,
    `INSERT INTO actor (actor_id, first_name, last_name, last_update) VALUES ${many(200, (n) => `${n}, 'FIRST${n}', 'O\u2019NEIL ${n}', ${seen}`)}`,
    `INSERT INTO film (film_id, title, description, language_id, rental_duration, rental_rate, length, replacement_cost, rating, last_update)
       VALUES ${many(1000, (n) => `${n}, 'FILM ${n}', 'A tale of ${n}', ${(n % 2) + 1}, ${(n % 5) + 3}, 0.99, ${n % 180}, 19.99, 'PG-13', ${seen}`)}`,
    `INSERT INTO film_actor (actor_id, film_id, last_update) VALUES ${many(5000, (n) => `${(n % 200) + 1}, ${Math.ceil(n / 5)}, ${seen}`)}`,
    `INSERT INTO film_category (film_id, category_id, last_update) VALUES ${many(1000, (n) => `${n}, ${(n % 16) + 1}, ${seen}`)}`,
  ].join(';\n')
}

type Sample = {
  readonly shop: Shop
  /** All that is in it, as the database's own tools write it. */
  readonly everything: () => Promise<string>
}

const samples: Readonly<Record<EngineLabel, () => Promise<Sample>>> = {
  PostgreSQL: async () => {
    const shop = await serverShop('PostgreSQL', inject('servers').postgres['15'])
    await shop.ask(`${schemaOf('postgres')};\n${rows()}`)
    const everything = () => Bun.$`pg_dump ${shop.url}`.text()
    return { shop, everything: async () => (await everything()).replace(/^\\(?:un)?restrict .*$/gm, '') }
  },
  MariaDB: async () => {
    const shop = await openShop('MariaDB')
    const { hostname, port, username, password } = new URL(shop.url)
    const place = ['--no-defaults', `-h${hostname}`, `-P${port}`, `-u${username}`, '--default-character-set=utf8mb4']
    const script = `${schemaOf('mysql')
      .replace(/^(?:CREATE SCHEMA|USE) .*$/gm, '')
      .replaceAll('sakila.', `${shop.name}.`)};\n${rows()};`
    const env = { ...process.env, MYSQL_PWD: password }
    await Bun.$`mariadb ${place} ${shop.name} < ${Buffer.from(script)}`.env(env)
    const all = ['--routines', '--events', '--triggers', '--skip-dump-date', '--hex-blob']
    return { shop, everything: () => Bun.$`mariadb-dump ${place} ${all} ${shop.name}`.env(env).text() }
  },
  SQLite: async () => {
    const shop = await openShop('SQLite')
    const path = String(shop.env['DB_DATABASE'])
    using database = new Database(path)
    database.run(schemaOf('sqlite'))
    database.run(rows())
    return { shop, everything: async () => textOf(path) }
  },
}

function textOf(path: string): string {
  using database = new Database(path, { readonly: true })
  const objects = database
    .query<{ type: string; name: string; sql: string }, []>(
      'SELECT type, name, sql FROM sqlite_schema ORDER BY type, name',
    )
    .all()
  const tables = objects
    .filter(({ type }) => type === 'table')
    .map(({ name }) => [name, database.query(`SELECT rowid, * FROM "${name}" ORDER BY rowid`).all()])
  return JSON.stringify({ objects, tables }, null, 1)
}

async function damage({ ask, engine }: Shop): Promise<void> {
  await ask('DELETE FROM film_actor')
  await ask(`UPDATE actor SET last_name = 'GONE'`)
  await ask('DROP VIEW film_list')
  await ask(engine === 'PostgreSQL' ? 'DROP TABLE film_category CASCADE' : 'DROP TABLE film_category')
}

const digestsOf = (project: Project, file: string) => {
  const { tables, schemaDigest } = project.manifest(file)
  return { tables, schemaDigest }
}

test.each(engineLabels)('%s: Sakila is the same after it was damaged and restored', async (engine) => {
  const { shop, everything } = await samples[engine]()
  const project = newProject(shop.env)
  const before = await everything()
  expect(await project.run('backup-database')).toMatchObject({ code: 0 })
  const [backup = ''] = project.backups()
  await damage(shop)
  expect(Object.values((await shop.ask('SELECT count(*) AS n FROM film_actor'))[0] ?? {}).map(Number)).toEqual([0])
  expect(await project.run('restore-database', ['--yes', `backups/${backup}`])).toMatchObject({ code: 0 })
  expect(await everything()).toBe(before)
  expect(await project.run('backup-database', ['--backup-dir', 'again'])).toMatchObject({ code: 0 })
  const [again = ''] = (await Bun.$`ls ${project.path('again')}`.text())
    .split('\n')
    .filter((name) => /\.(sql|sqlite)$/.test(name))
  expect(digestsOf(project, `../again/${again}`)).toEqual(digestsOf(project, backup))
})
