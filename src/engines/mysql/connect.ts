import { existsSync } from 'node:fs'
import type { Io } from '../../effects/io.ts'
import { exitCode, Failure } from '../../failure.ts'
import type { ServerTarget, Target } from '../../target/target.ts'
import type { NothingToLose } from '../engine.ts'
import { connectFailure } from './connect-failure.ts'
import { type Connection, errorName, errorNumber, openConnection } from './connection.ts'
import { type Route, routesOf, routeText } from './route.ts'
import { tlsOf } from './tls.ts'

/** The target as a server's, with a database that has a name. Throws a `Failure` (10) for an empty one. */
export function serverTarget(target: Target): ServerTarget {
  if (target.engine !== 'mysql') throw new TypeError(`not a MySQL target: ${target.engine}`)
  if (target.database.trim() !== '') return target
  throw new Failure(exitCode.noTarget, {
    what: 'The target names no database',
    why: [`read from ${target.source.label}`],
    next: ['set DB_DATABASE, or give the database in --database-url mysql://user@host/DATABASE'],
  })
}

/** Reaches the server and the database. Throws a `Failure` (11) that says why not. */
export async function reach(io: Io, target: ServerTarget): Promise<Connection | NothingToLose> {
  const { route, error, connection } = await firstThatAnswers(io, target, target.database)
  if (connection !== undefined) return connection
  if (errorNumber(error) === unknownDatabase) return nothingToLose(target, route)
  throw connectFailure(target, route, error)
}

/** Reaches the server without naming a database. Throws a `Failure` (11). */
export async function reachServer(io: Io, target: ServerTarget): Promise<Connection> {
  const { route, error, connection } = await firstThatAnswers(io, target, undefined)
  if (connection === undefined) throw connectFailure(target, route, error)
  return connection
}

const unknownDatabase = 1049

function nothingToLose(target: ServerTarget, route: Route): NothingToLose {
  return { state: 'nothing', reason: `database ${target.database} does not exist yet on ${routeText(route)}` }
}

type Attempt = { readonly route: Route; readonly error?: unknown; readonly connection?: Connection }

async function firstThatAnswers(io: Io, target: ServerTarget, database: string | undefined): Promise<Attempt> {
  const [route, ...others] = routesOf(target, io.environment, existsSync)
  if (route === undefined) throw new TypeError('no route to the server')
  const attempt = await tryRoute(io, target, route, database)
  const [next] = others
  if (next === undefined || !(await belongsElsewhere(target, attempt))) return attempt
  await attempt.connection?.end()
  return tryRoute(io, target, next, database)
}

async function tryRoute(io: Io, target: ServerTarget, route: Route, database: string | undefined): Promise<Attempt> {
  try {
    const place = database === undefined ? {} : { database }
    return { route, connection: await openConnection(io, { target, route, tls: tlsOf(target.parameters), ...place }) }
  } catch (error) {
    io.signal.throwIfAborted()
    return { route, error }
  }
}

// `localhost` with a port other than the socket's server means that port: a container's, published beside a local server.
async function belongsElsewhere(target: ServerTarget, attempt: Attempt): Promise<boolean> {
  if (attempt.connection === undefined) {
    return (
      target.port !== 3306 ||
      ['ENOENT', 'ECONNREFUSED', 'EACCES', 'FailedToOpenSocket'].includes(errorName(attempt.error))
    )
  }
  const [row] = await attempt.connection.query('SELECT @@port AS port')
  return row?.['port'] !== target.port
}
