import { describe, expect, inject, onTestFinished, test } from 'vitest'
import { createDatabase, quoted, type Server, sql, uniqueName } from '../servers/databases.ts'
import { startMaria } from '../servers/mariadb.ts'
import { envText, newProject } from './project.ts'
import { openShop, threeCustomers } from './shops.ts'

const { postgres, mariadb } = inject('servers')

const servers: readonly (readonly [string, Server])[] = [
  ['PostgreSQL', postgres['15']],
  ['MariaDB', mariadb],
]

const oddities = [`a b; DROP $HOME -- --help %41+`, `"double" 'single' \`back\``, 'new\nline', 'ünïcødé 数据库']

type Login = { readonly user: string; readonly password: string; readonly database: string }

function keys(server: Server, { user, password, database }: Login, place: Record<string, string> = {}) {
  const driver = server.engine === 'postgres' ? 'pgsql' : 'mysql'
  const known = { DB_CONNECTION: driver, DB_HOST: server.host, DB_PORT: String(server.port) }
  return { ...known, DB_DATABASE: database, DB_USERNAME: user, DB_PASSWORD: password, ...place }
}

function url(server: Server, { user, password, database }: Login, place: string): string {
  const [userPart, passwordPart, databasePart] = [user, password, database].map(encodeURIComponent)
  const scheme = server.engine === 'postgres' ? 'postgres' : 'mysql'
  return `${scheme}://${userPart}:${passwordPart}@${place.replace('/', `/${databasePart}`)}`
}

async function createUser(server: Server, user: string, password: string): Promise<void> {
  const name = server.engine === 'postgres' ? quoted(server, user) : `${literal(user)}@'%'`
  const said = literal(password)
  const postgresText = `CREATE ROLE ${name} SUPERUSER LOGIN PASSWORD ${said}`
  const mariaText = `CREATE USER ${name} IDENTIFIED BY ${said}; GRANT ALL ON *.* TO ${name} WITH GRANT OPTION`
  await sql(server, undefined, server.engine === 'postgres' ? postgresText : mariaText)
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}

/** A database is backed up, destroyed and brought back; asked of the server. */
async function roundTrip(env: Record<string, string>, server: Server, database: string, table: string): Promise<void> {
  const name = quoted(server, table)
  await sql(server, database, `CREATE TABLE ${name} (n integer PRIMARY KEY); INSERT INTO ${name} VALUES (1), (2)`)
  const project = newProject()
  const made = await project.run('safe-migrate', ['true'], { env })
  expect(made).toMatchObject({ code: 0 })
  await sql(server, database, `DROP TABLE ${name}`)
  const [backup] = project.backups()
  const restored = await project.run('restore-database', ['--yes', `backups/${backup}`], { env })
  expect(restored).toMatchObject({ code: 0 })
  const rows = await sql(server, database, `SELECT n FROM ${name} ORDER BY n`)
  expect(rows.map(({ n }) => n)).toEqual([1, 2])
}

describe.each(servers)('%s', (_, server) => {
  test.each(oddities)('a database, a table and a user called %j', async (oddity) => {
    const name = `${oddity} ${uniqueName('o')}`
    const login = { user: name, password: 'plain', database: await createDatabase(server, name) }
    await createUser(server, name, 'plain')
    await roundTrip({ DATABASE_URL: url(server, login, `127.0.0.1:${server.port}/`) }, server, name, name)
  })

  test('a name that begins with a dash is no option', async () => {
    const name = `--${uniqueName('dash')}`
    await createDatabase(server, name)
    const login = { user: server.superuser, password: server.password, database: name }
    await roundTrip(keys(server, login), server, name, '-t')
  })

  test('a name as long as names can be', async () => {
    const name = uniqueName('l').padEnd(63, 'x')
    await createDatabase(server, name)
    const login = { user: server.superuser, password: server.password, database: name }
    await roundTrip(keys(server, login), server, name, 'y'.repeat(63))
  })
})

const everyPrintable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')

describe.each(servers)('%s: a password of every printable character', (_, server) => {
  const user = uniqueName('user')

  test('in a URL, in an env file in parts, and in the environment', async () => {
    const sqlText = server.engine === 'postgres' ? everyPrintable : everyPrintable.replace('\\', '\\\\')
    const database = await createDatabase(server)
    await createUser(server, user, sqlText)
    const login = { user, password: everyPrintable, database }
    const parts = keys(server, login)
    const place = `127.0.0.1:${server.port}/`
    await roundTrip(parts, server, database, 'in_parts')
    await roundTrip({ DATABASE_URL: url(server, login, place) }, server, database, 'in_url')
    const { DB_PASSWORD, ...others } = parts
    // An env file cannot hold all three kinds of quotes in one value: halves of the password in two users.
    for (const without of ["'", '`']) {
      const half = everyPrintable.replaceAll(without, '')
      const other = uniqueName('user')
      await createUser(server, other, server.engine === 'postgres' ? half : half.replace('\\', '\\\\'))
      const project = newProject(envText({ ...others, DB_USERNAME: other, DB_PASSWORD: half }))
      expect(await project.run('backup-database')).toMatchObject({ code: 0 })
    }
    expect(DB_PASSWORD).toHaveLength(95)
  })
})

describe('PostgreSQL is reached', () => {
  const server = postgres['15']
  const login = (database: string) => ({ user: server.superuser, password: server.password, database })

  test.each([
    ['over its socket, by DB_HOST', { DB_HOST: server.socketDirectory }],
    ['by localhost', { DB_HOST: 'localhost' }],
    ['over IPv6', { DB_HOST: '::1' }],
  ])('%s', async (_, place) => {
    const database = await createDatabase(server)
    await roundTrip(keys(server, login(database), place), server, database, 't')
  })

  test.each([
    ['over its socket, by a parameter', (port: number) => `/?host=${server.socketDirectory}&port=${port}`],
    ['over its socket, by an encoded host', (port: number) => `${encodeURIComponent(server.socketDirectory)}:${port}/`],
    ['over IPv6', (port: number) => `[::1]:${port}/`],
  ])('%s in a URL', async (_, place) => {
    const database = await createDatabase(server)
    await roundTrip({ DATABASE_URL: url(server, login(database), place(server.port)) }, server, database, 't')
  })
})

describe('MariaDB is reached', () => {
  const login = (database: string) => ({ user: mariadb.superuser, password: mariadb.password, database })

  test.each([
    ['over its socket', { DB_SOCKET: mariadb.socket }],
    ['by localhost, which is the socket', { DB_HOST: 'localhost', MYSQL_UNIX_PORT: mariadb.socket }],
    ['by localhost where there is no socket', { DB_HOST: 'localhost' }],
  ])('%s', async (_, place) => {
    const database = await createDatabase(mariadb)
    await roundTrip(keys(mariadb, login(database), place), mariadb, database, 't')
  })

  test('over its socket, by a parameter of a URL', async () => {
    const database = await createDatabase(mariadb)
    const place = `localhost/?socket=${mariadb.socket}`
    await roundTrip({ DATABASE_URL: url(mariadb, login(database), place) }, mariadb, database, 't')
  })

  test('over IPv6', async () => {
    const { server, kept } = await startMaria({ settings: { 'bind-address': '*' } })
    onTestFinished(kept.stop)
    const own = { user: server.superuser, password: server.password }
    const [one, other] = [await createDatabase(server), await createDatabase(server)]
    await roundTrip(keys(server, { ...own, database: one }, { DB_HOST: '::1' }), server, one, 't')
    await roundTrip(
      { DATABASE_URL: url(server, { ...own, database: other }, `[::1]:${server.port}/`) },
      server,
      other,
      't',
    )
  })
})

test('a SQLite file of any name in a folder of any name', async () => {
  const name = `it's "my" $HOME; shop\nof ünïcødé -- #1 %41?.sqlite`
  const shop = await openShop('SQLite', name)
  const project = newProject()
  for (const env of [{ ...shop.env }, { DATABASE_URL: shop.url }]) {
    const { stdout } = await project.run('backup-database', [], { env })
    await shop.ask('DELETE FROM customers WHERE id > 1')
    const restored = await project.run('restore-database', ['--yes', stdout.trim()], { env })
    expect(restored).toMatchObject({ code: 0 })
    expect(await shop.customers()).toEqual(threeCustomers)
  }
})
