import { describe, expect, it } from 'vitest'
import { parseUrl, type Stated, validPort } from '../../src/target/url.ts'
import { temporaryFolder } from '../temporary-folder.ts'

/** What a URL states, its password revealed for comparison. */
function read(url: string, cwd = '/project'): Record<string, unknown> {
  const stated = parseUrl(url, cwd)
  if ('problem' in stated) return stated
  const { password, parameters, ...rest } = stated as Stated
  const shown = parameters !== undefined && Object.keys(parameters).length > 0 ? { parameters } : {}
  return { ...rest, ...(password === undefined ? {} : { password: password.reveal() }), ...shown }
}

const shop = { engine: 'postgres', host: 'db', database: 'shop', user: 'app' }

describe('the engine of a URL', () => {
  it.each([
    ['postgres://db/shop', 'postgres'],
    ['postgresql://db/shop', 'postgres'],
    ['POSTGRES://db/shop', 'postgres'],
    ['pgsql://db/shop', 'postgres'],
    ['postgis://db/shop', 'postgres'],
    ['postgresql+psycopg2://db/shop', 'postgres'],
    ['postgresql+asyncpg://db/shop', 'postgres'],
    ['jdbc:postgresql://db/shop', 'postgres'],
    ['mysql://db/shop', 'mysql'],
    ['mysql2://db/shop', 'mysql'],
    ['mariadb://db/shop', 'mysql'],
    ['mysql+pymysql://db/shop', 'mysql'],
    ['mariadb+mariadbconnector://db/shop', 'mysql'],
    ['jdbc:mysql://db/shop', 'mysql'],
    ['jdbc:mariadb://db/shop', 'mysql'],
    ['sqlite:shop.db', 'sqlite'],
    ['sqlite3:///shop.db', 'sqlite'],
    ['jdbc:sqlite:shop.db', 'sqlite'],
    ['file:./shop.db', 'sqlite'],
  ])('of %s is %s', (url, engine) => {
    expect(read(url)).toMatchObject({ engine })
  })

  it.each([
    'mongodb://db/shop',
    'mongodb+srv://db/shop',
    'sqlserver://db:1433;database=shop',
    'jdbc:sqlserver://db:1433',
    'jdbc:oracle:thin:@db:1521/shop',
    'redis://db/0',
    'prisma+postgres://accelerate.prisma-data.net/?api_key=x',
    'https://db/shop',
    'constructor://db/shop',
  ])('of %s is none that is handled', (url) => {
    expect(read(url)['problem']).toMatch(/names an engine that is not handled here/)
  })

  it.each(['', 'shop', '/var/run', 'postgres', 'postgres:shop', 'mysql:/shop', '//db/shop'])(
    '%j is no database URL',
    (url) => expect(read(url)['problem']).toMatch(/is not a database URL/),
  )
})

describe('the parts of a URL', () => {
  it.each<[string, object]>([
    ['postgres://app@db/shop', shop],
    ['postgres://app:pw@db:6000/shop', { ...shop, password: 'pw', port: 6000 }],
    ['postgres://app:@db/shop', { ...shop, password: '' }],
    ['  postgres://app@db/shop\n', shop],
    ['postgres://app@db:/shop', shop],
    ['postgres://db/shop', { engine: 'postgres', host: 'db', database: 'shop' }],
    ['postgres:///shop', { engine: 'postgres', database: 'shop' }],
    ['postgres://app@/shop', { engine: 'postgres', database: 'shop', user: 'app' }],
    ['postgres://app@[::1]:5433/shop', { ...shop, host: '::1', port: 5433 }],
    ['postgres://[2001:db8::7]/shop', { engine: 'postgres', host: '2001:db8::7', database: 'shop' }],
    ['postgres://app@db', { engine: 'postgres', host: 'db', user: 'app' }],
    ['postgres://app@db/', { engine: 'postgres', host: 'db', user: 'app' }],
    ['postgres://app@db/shop#fragment', shop],
    ['postgres://app@db/a%20b%2Fc', { ...shop, database: 'a b/c' }],
    ['postgres://app@db/%E5%95%86%E5%BA%97', { ...shop, database: '商店' }],
    [
      'postgres://app@db/shop?sslmode=require&options=-c%20x%3D1',
      { ...shop, parameters: { sslmode: 'require', options: '-c x=1' } },
    ],
  ])('are read from %s', (url, parts) => {
    expect(read(url)).toEqual(parts)
  })

  it.each<[string, object]>([
    ['postgres://app@%2Fvar%2Frun/shop', { engine: 'postgres', socket: '/var/run', database: 'shop', user: 'app' }],
    ['postgres:///shop?host=/tmp', { engine: 'postgres', socket: '/tmp', database: 'shop' }],
    ['postgres:///shop?host=/tmp&port=5433', { engine: 'postgres', socket: '/tmp', port: 5433, database: 'shop' }],
    ['postgres:///?host=db&dbname=shop&user=app&password=p%26w', { ...shop, password: 'p&w' }],
    [
      'mysql://app@localhost/shop?socket=/run/m.sock',
      { engine: 'mysql', socket: '/run/m.sock', database: 'shop', user: 'app' },
    ],
    ['jdbc:postgresql://db/shop?user=app&password=pw', { ...shop, password: 'pw' }],
  ])('may stand in the parameters of %s', (url, parts) => {
    expect(read(url)).toEqual(parts)
  })

  it.each(['postgres://db:x/shop', 'postgres://db:0/shop', 'postgres://db:65536/shop', 'postgres://::1/shop'])(
    'have a bad port in %s',
    (url) => expect(read(url)['problem']).toMatch(/has a port that is no number from 1 to 65535/),
  )

  it.each(['abc', '', '0', '70000', '5432,5433'])('have a bad port in the parameter port=%s', (port) => {
    expect(read(`postgres:///shop?host=/tmp&port=${port}`)['problem']).toMatch(/has a port that is no number/)
  })

  it.each(['postgres://one:5432,two:5432/shop', 'postgres:///shop?host=one,two'])('name several hosts in %s', (url) => {
    expect(read(url)['problem']).toMatch(/names several hosts/)
  })
})

describe('a password that nobody encoded', () => {
  const awkward = [
    'p@ss',
    'p@@ss@',
    'p/w',
    'p?w',
    'p#w',
    'p%w',
    '100%',
    '%zz',
    'a:b',
    'a:b/c',
    '12/34',
    '12#34',
    '12?34',
    '/',
    '?',
    '#',
  ]
  const worse = [
    'p@s/w',
    'p@s#w',
    'a/b@c',
    '#a@b/c',
    '{}|\\^`',
    '\'"',
    '$x${y}',
    '!*()',
    'пароль',
    '密',
    'a=b&c',
    '[x]',
    '1/2@3',
  ]
  it.each([...awkward, ...worse])('%j is read whole', (password) => {
    expect(read(`postgres://app:${password}@db:5432/shop`)).toEqual({ ...shop, port: 5432, password })
  })

  it.each([...awkward, ...worse])('%j is read whole before parameters', (password) => {
    expect(read(`postgres://app:${password}@db/shop?sslmode=require`)).toMatchObject({ ...shop, password })
  })

  it.each([...awkward, ...worse, '%41', '%25', 'ü%FC'])('%j is read back when it was encoded', (password) => {
    expect(read(`mysql://app:${encodeURIComponent(password)}@db/shop`)).toMatchObject({
      host: 'db',
      database: 'shop',
      password,
    })
  })
})

describe('an @ that is no separator', () => {
  it.each<[string, object]>([
    ['postgres://db/shop?application_name=a@b', { host: 'db', database: 'shop' }],
    ['postgres://db:5432/shop?application_name=a@b/c', { host: 'db', port: 5432, database: 'shop' }],
    ['postgres://app:pw@db/shop?application_name=a@b/c', { host: 'db', database: 'shop', user: 'app', password: 'pw' }],
    ['postgres://db:5432/my@shop', { host: 'db', database: 'my@shop' }],
    ['postgres://app@db/my@shop', { host: 'db', database: 'my@shop', user: 'app' }],
    ['postgres://app:pw@db/my@shop', { host: 'db', database: 'my@shop', user: 'app', password: 'pw' }],
  ])('is left alone in %s', (url, parts) => {
    expect(read(url)).toMatchObject(parts)
  })
})

describe('the file of a SQLite URL', () => {
  it.each([
    ['sqlite:shop.db', '/project/shop.db'],
    ['sqlite:./data/shop.db', '/project/data/shop.db'],
    ['sqlite:../shop.db', '/shop.db'],
    ['sqlite:/srv/shop.db', '/srv/shop.db'],
    ['sqlite://shop.db', '/project/shop.db'],
    ['sqlite:///srv/shop.db', '/srv/shop.db'],
    ['sqlite:////srv/shop.db', '/srv/shop.db'],
    ['file:./dev.db?connection_limit=1', '/project/dev.db'],
    ['file:///srv/shop.db', '/srv/shop.db'],
    ['sqlite:///srv/a%20b%23.db', '/srv/a b#.db'],
    ['sqlite::memory:', ':memory:'],
    ['sqlite://:memory:', ':memory:'],
    ['sqlite:///:memory:', ':memory:'],
    ['file:x?mode=memory&cache=shared', ':memory:'],
  ])('of %s is %s', (url, database) => {
    expect(read(url)).toEqual({ engine: 'sqlite', database })
  })

  it.each(['sqlite:', 'sqlite://', 'file:', 'sqlite://?mode=ro'])('is not named by %s', (url) => {
    expect(read(url)).toEqual({ engine: 'sqlite' })
  })

  it('is the one of the two meanings of three slashes that exists', () => {
    const cwd = temporaryFolder({ 'instance/shop.db': '' })
    expect(read('sqlite:///instance/shop.db', cwd)).toMatchObject({ database: `${cwd}/instance/shop.db` })
    expect(read('sqlite:///instance/other.db', cwd)).toMatchObject({ database: '/instance/other.db' })
  })
})

describe('a port', () => {
  it.each([1, 5432, 65_535])('may be %d', (port) => expect(validPort(port)).toBe(true))
  it.each([0, -1, 65_536, 1.5, Number.NaN])('may not be %d', (port) => expect(validPort(port)).toBe(false))
})
