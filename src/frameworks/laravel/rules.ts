import { join } from 'node:path'
import { layered } from '../../environment/env-chains.ts'
import { readEnvFile, type Values } from '../../environment/env-file.ts'
import { engineOfDriver } from '../../target/keys.ts'
import { parseUrl, type Stated } from '../../target/url.ts'
import type { Call } from '../framework.ts'
import { isFile, type PhpunitSettings, underPhpunit } from '../php/phpunit.ts'
import { environmentFlag, type LaravelUse } from './command.ts'
import { statedBy } from './connection.ts'

/** The env file that Laravel takes, and all values that it then finds. */
export type LaravelValues = {
  /** Absolute, whether it is there or not. */
  readonly path: string
  /** As a person would write it, where it is there. */
  readonly file?: string
  readonly values: Values
  /** What existed before the file was read, and wins over it. */
  readonly outer: Values
}

type Situation = {
  readonly base: string
  readonly use: LaravelUse
  /** The environment of the call, with what its line loads. */
  readonly outer: Values
  readonly phpunit?: PhpunitSettings
}

/**
 * Exactly one env file: `.env.<--env>` or else `.env.<APP_ENV>` takes the place of `.env` where it exists; variables that
 * exist win (Laravel, "Configuration: Additional Environment Files"; Foundation\Bootstrap\LoadEnvironmentVariables).
 */
export async function laravelValues(call: Call, { base, use, outer, phpunit }: Situation): Promise<LaravelValues> {
  const flag = use.throughArtisan ? environmentFlag(use.args) : undefined
  if (use.kind === 'artisan') return valuesOver(call, await envFileOf(base, flag, outer), outer)
  // What `artisan test --env=X` read is in the environment of the tests.
  const handedOn =
    flag === undefined ? outer : (await valuesOver(call, await envFileOf(base, flag, outer), outer)).values
  const inTests = phpunit === undefined ? handedOn : underPhpunit(handedOn, phpunit, '_SERVER')
  return valuesOver(call, await envFileOf(base, undefined, inTests), inTests)
}

async function envFileOf(base: string, flag: string | undefined, outer: Values): Promise<string> {
  for (const name of [flag, outer.get('APP_ENV')?.value]) {
    if (name !== undefined && name !== '' && (await isFile(join(base, `.env.${name}`))))
      return join(base, `.env.${name}`)
  }
  return join(base, '.env')
}

/** The values of one env file (absolute) with those that exist already over it. */
export async function valuesOver(call: Call, path: string, outer: Values): Promise<LaravelValues> {
  const read = await readEnvFile(call.cwd, path, call.environment)
  if (read.state !== 'read') return { path, values: outer, outer }
  return { path, file: read.label, values: layered([read.values, outer]), outer }
}

/** A reading by the configuration that every new application has. */
export type StandardReading = {
  readonly readings: readonly Stated[]
  /** Why it is not certain. */
  readonly because?: string
}

/**
 * The keys of a new application's config/database.php, for when PHP cannot be asked for the project's own: `DB_URL` since
 * Laravel 11, `DATABASE_URL` before, each over the parts.
 */
export function standardReading(
  { values }: Pick<LaravelValues, 'values'>,
  named: string | undefined,
  base: string,
  cwd: string,
): StandardReading {
  const value = (key: string) => values.get(key)?.value || undefined
  const connection = named ?? value('DB_CONNECTION')
  const url = value('DB_URL') ?? value('DATABASE_URL')
  const byUrl = url === undefined ? undefined : parseUrl(url, cwd)
  if (byUrl !== undefined && 'problem' in byUrl) return { readings: [], because: `the database URL ${byUrl.problem}` }
  const byParts = connection === undefined ? undefined : partsOf(connection, value, base, cwd)
  const both = [byUrl, byParts].filter((stated) => stated?.database !== undefined && stated.database !== '') as Stated[]
  return { readings: both, ...doubt(connection, both) }
}

function doubt(connection: string | undefined, readings: readonly Stated[]): { because?: string } {
  if (readings.length > 1) return { because: 'a database URL and DB_DATABASE are both set' }
  if (connection === undefined) return { because: 'DB_CONNECTION is not set' }
  if (engineOfDriver(connection) === undefined)
    return { because: `the connection "${connection}" is the project's own` }
  return readings.length === 0 ? { because: 'no database is named' } : {}
}

function partsOf(
  connection: string,
  value: (key: string) => string | undefined,
  base: string,
  cwd: string,
): Stated | undefined {
  const sqlite = engineOfDriver(connection) === 'sqlite'
  const stated = statedBy(
    {
      driver: connection,
      host: value('DB_HOST') ?? '127.0.0.1',
      port: value('DB_PORT'),
      database: value('DB_DATABASE') ?? (sqlite ? join(base, 'database/database.sqlite') : undefined),
      username: value('DB_USERNAME'),
      password: value('DB_PASSWORD'),
      unix_socket: value('DB_SOCKET'),
      sslrootcert: value('MYSQL_ATTR_SSL_CA'),
    },
    base,
    cwd,
  )
  return 'problem' in stated ? undefined : stated[0]
}
