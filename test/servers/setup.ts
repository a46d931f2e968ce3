import type { TestProject } from 'vitest/node'
import type { Kept } from './keeper.ts'
import { type MariaServer, startMaria } from './mariadb.ts'
import { type PostgresServer, type PostgresVersion, startPostgres } from './postgres.ts'

export type Servers = {
  readonly postgres: Readonly<Record<Exclude<PostgresVersion, '16'>, PostgresServer>>
  readonly mariadb: MariaServer
}

declare module 'vitest' {
  export interface ProvidedContext {
    /** Real servers, the same ones for the whole run: a test makes databases of its own in them. */
    servers: Servers
  }
}

/** Starts the servers for the whole run; what it returns stops them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const starts = [startPostgres('13'), startPostgres('15'), startPostgres('18'), startMaria()] as const
  const stop = async () => {
    const started = (await Promise.allSettled<{ kept: Kept }>(starts)).filter((start) => start.status === 'fulfilled')
    await Promise.all(started.map(({ value }) => value.kept.stop()))
  }
  try {
    const [pg13, pg15, pg18, maria] = await Promise.all(starts)
    const postgres = { '13': pg13.server, '15': pg15.server, '18': pg18.server }
    project.provide('servers', { postgres, mariadb: maria.server })
    return stop
  } catch (error) {
    await stop()
    throw error
  }
}
