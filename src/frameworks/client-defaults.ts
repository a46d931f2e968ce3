import type { Environment } from '../effects/io.ts'
import type { Candidate } from '../target/resolve.ts'
import { Secret } from '../target/secret.ts'
import { optional, type Stated, validPort } from '../target/url.ts'
import type { Call } from './framework.ts'
import { namedCandidate, type Origin } from './named.ts'

/**
 * What the client library fills in where a configuration is silent: libpq its `PG*` variables and then its default socket
 * (PostgreSQL's manual, "Environment Variables"), libmysqlclient `localhost`, which is its socket.
 */
function withClientDefaults(stated: Stated, environment: Environment): Stated {
  if (stated.engine === 'mysql') {
    return stated.host === undefined && stated.socket === undefined ? { ...stated, host: 'localhost' } : stated
  }
  return stated.engine === 'postgres' ? withLibpqDefaults(stated, environment) : stated
}

function withLibpqDefaults(stated: Stated, environment: Environment): Stated {
  const silent = stated.host === undefined && stated.socket === undefined
  const port = Number(environment['PGPORT'] ?? '')
  const password = environment['PGPASSWORD'] ?? ''
  return {
    ...(silent ? placeFrom(environment) : {}),
    ...(validPort(port) ? { port } : {}),
    ...optional('user', environment['PGUSER']),
    ...optional('password', password === '' ? undefined : new Secret(password)),
    ...stated,
    parameters: { ...parametersFrom(environment), ...stated.parameters },
  }
}

function placeFrom(environment: Environment): Pick<Stated, 'host' | 'socket'> {
  const host = environment['PGHOST'] || environment['PGHOSTADDR']
  return host?.startsWith('/') === true ? optional('socket', host) : optional('host', host)
}

const parameterVariables: Readonly<Record<string, string>> = {
  sslmode: 'PGSSLMODE',
  sslrootcert: 'PGSSLROOTCERT',
  sslcert: 'PGSSLCERT',
  sslkey: 'PGSSLKEY',
  options: 'PGOPTIONS',
}

function parametersFrom(environment: Environment): Record<string, string> {
  const pairs = Object.entries(parameterVariables).map(([name, key]) => [name, environment[key] ?? ''] as const)
  return Object.fromEntries(pairs.filter(([, value]) => value !== ''))
}

/** Why libpq would read more than was stated: a service of `pg_service.conf`, which is not read here. */
export function serviceProblem(stated: Stated, environment: Environment): string | undefined {
  if (stated.engine !== 'postgres') return undefined
  const service = stated.parameters?.['service'] ?? environment['PGSERVICE'] ?? ''
  const complete =
    (stated.host ?? stated.socket) !== undefined && stated.port !== undefined && stated.database !== undefined
  return service === '' || complete ? undefined : `the connection service "${service}" of pg_service.conf decides`
}

/** A candidate of a configuration that is given to libpq or libmysqlclient as it is. */
export function clientCandidate(
  stated: Stated,
  call: Call,
  origin: Origin,
  environment: Environment = call.environment,
): Candidate {
  const completed = withClientDefaults(stated, environment)
  const candidate = namedCandidate(completed, call, origin)
  const { target } = candidate
  if (target.engine !== 'postgres' || completed.host !== undefined || completed.socket !== undefined) return candidate
  const { host: _, ...onSocket } = target
  return { ...candidate, target: onSocket }
}
