import type { Environment } from '../../effects/io.ts'
import type { ServerTarget } from '../../target/target.ts'

/** One way to reach the server. */
export type Route =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }

const usualSockets = [
  '/run/mysqld/mysqld.sock',
  '/var/run/mysqld/mysqld.sock',
  '/var/lib/mysql/mysql.sock',
  '/tmp/mysql.sock',
  '/run/mysql/mysql.sock',
  '/opt/lampp/var/mysql/mysql.sock',
  '/Applications/MAMP/tmp/mysql/mysql.sock',
]

/**
 * The ways to try, in order. `localhost` and no host at all mean the socket, as for the clients; TCP follows for where
 * there is none, or where the socket belongs to a server on another port.
 */
export function routesOf(
  target: ServerTarget,
  environment: Environment,
  exists: (path: string) => boolean,
): readonly Route[] {
  if (target.socket !== undefined) return [{ kind: 'socket', path: target.socket }]
  const host = target.host ?? 'localhost'
  const tcp: Route = { kind: 'tcp', host, port: target.port }
  if (host.toLowerCase() !== 'localhost') return [tcp]
  const sockets = [environment['MYSQL_UNIX_PORT'], ...usualSockets].filter((path) => path !== undefined && path !== '')
  const socket = sockets.find((path) => path !== undefined && exists(path))
  return socket === undefined ? [tcp] : [{ kind: 'socket', path: socket }, tcp]
}

export function routeText(route: Route): string {
  if (route.kind === 'socket') return route.path
  return route.host.includes(':') ? `[${route.host}]:${route.port}` : `${route.host}:${route.port}`
}
