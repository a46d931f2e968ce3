import { isLoopback } from './remote-host.ts'
import { identityOf, type ServerTarget, type Target } from './target.ts'

/**
 * Whether two targets are one database as far as their names can tell: also by another path of one file, and by the
 * socket where the other one says `127.0.0.1`. `realPath` follows links.
 */
export function isSameDatabase(one: Target, other: Target, realPath: (path: string) => string): boolean {
  if (one.engine === 'sqlite' || other.engine === 'sqlite')
    return one.engine === other.engine && realPath(one.database) === realPath(other.database)
  if (identityOf(one) === identityOf(other)) return true
  const sameName = one.engine === other.engine && one.database === other.database
  return sameName && one.port === other.port && isLocal(one) && isLocal(other) && !areTwoSockets(one, other, realPath)
}

function isLocal({ host, socket }: ServerTarget): boolean {
  return socket !== undefined || host === undefined || isLoopback(host)
}

function areTwoSockets(one: ServerTarget, other: ServerTarget, realPath: (path: string) => string): boolean {
  if (one.socket === undefined || other.socket === undefined) return false
  return realPath(one.socket) !== realPath(other.socket)
}
