import type { Environment } from '../../effects/io.ts'

/** The caller's environment without what would change where a client connects to or what it does. */
export function clientEnvironment(environment: Environment): Environment {
  const foreign = /^(?:MYSQL_|MARIADB_)/
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !foreign.test(name)))
}
