import { describe, expect, it } from 'vitest'
import { databaseKeys, engineOfDriver } from '../../src/target/keys.ts'

describe('a driver', () => {
  it.each([
    ['pgsql', 'postgres'],
    ['PgSQL', 'postgres'],
    [' postgresql ', 'postgres'],
    ['postgresql+psycopg2', 'postgres'],
    ['django.db.backends.postgresql', 'postgres'],
    ['django.contrib.gis.db.backends.postgis', 'postgres'],
    ['pdo_pgsql', 'postgres'],
    ['mysql', 'mysql'],
    ['mariadb', 'mysql'],
    ['mysql+pymysql', 'mysql'],
    ['mysqli', 'mysql'],
    ['sqlite', 'sqlite'],
    ['better-sqlite3', 'sqlite'],
    ['django.db.backends.sqlite3', 'sqlite'],
  ])('%s means %s', (driver, engine) => {
    expect(engineOfDriver(driver)).toBe(engine)
  })

  it.each(['sqlsrv', 'oracle', 'mongodb', '', 'postgres2', 'constructor', '__proto__', 'toString'])(
    '%j means none',
    (driver) => {
      expect(engineOfDriver(driver)).toBeUndefined()
    },
  )
})

describe('the database keys', () => {
  it.each(['DATABASE_URL', 'DIRECT_URL', 'DB_HOST', 'DB_PASS', 'PGSSLMODE', 'MYSQL_PWD', 'MARIADB_USER'])(
    'hold %s',
    (key) => {
      expect(databaseKeys.has(key)).toBe(true)
    },
  )

  it.each(['PATH', 'LD_PRELOAD', 'BUN_BE_BUN', 'NODE_OPTIONS', 'HOME', 'APP_ENV'])('do not hold %s', (key) => {
    expect(databaseKeys.has(key)).toBe(false)
  })
})
